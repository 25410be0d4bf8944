"""A function with its backward written out."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from manual_backprop.functional.operation.formula import Formula, Kind

HOMES = (Tensor, torch, torch.nn.functional, torch.special, torch._C._nn)  # of the last, F.pad is made
Written = Callable[..., tuple[Any, Callable[..., Any]]]


class Rule:
    """What `derive` has to know of a function: as an operation says it of itself.

    Attributes:
        formula: its name, and what it is for.
        written: the value, and the function that makes the gradients of its arguments from that of the value.
        functions: those of torch and the methods of tensors that it is.
    """

    overwrites: ClassVar[bool] = False
    elementary: ClassVar[None] = None

    def __init__(self, name: str, kind: Kind, written: Written) -> None:
        self.formula = Formula(name, kind, f"{name}({{all}})", (f"{name}′({{g}})",))
        self.written = written
        self.functions = [getattr(home, name) for home in HOMES if hasattr(home, name)]
        self.parameters = inspect.signature(written)

    def forward(self, *arguments: Any) -> Any:
        """The value."""
        return self.functions[0](*arguments)

    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The arguments of a call in the order of `written`; None where they are others."""
        try:
            bound = self.parameters.bind(*args, **kwargs)
        except TypeError:
            return None
        bound.apply_defaults()
        return bound.args
