"""What is known of the operations, said by each in its own file."""

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
TWINS: dict[Any, Callable[..., Any]] = {}
"""The functions of torch that have a hand-written twin, and that twin."""


def twin_of(*functions: Any) -> Callable[[Function], Function]:
    """Says of a function which functions and methods of torch it stands for; their arguments are its own."""

    def register(function: Function) -> Function:
        TWINS.update(dict.fromkeys(functions, function))
        return function

    return register
