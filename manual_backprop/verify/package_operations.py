"""The package's own functions by name: what each is judged with, and how it is called."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from manual_backprop.functional.operation import PUBLIC

OWN = {name: PUBLIC[name] for name in sorted(PUBLIC) if PUBLIC[name].example}


def own(name: str) -> tuple[Callable[..., Tensor], Callable[..., Tensor], list[Any]]:
    """The function and its twin, as functions of tensors alone, and what to judge them with."""
    public = OWN[name]
    assert public.example
    example = public.example
    return example.called(public.function), example.called(public.twin), [*example.inputs]
