"""Mistakes that any operation can meet, each with an error that names it."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import base_of


def require_tensor(operation: str, **arguments: Any) -> None:
    """Raise a TypeError that names the argument if one of them is not a Tensor."""
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{operation}: {name} must be a Tensor, got {type(value).__name__}")


def require_overwritable(operation: str, input: Tensor) -> None:
    """Raise for a leaf that requires a gradient, or a view of one, before anything is written over it."""
    if torch.is_grad_enabled() and not torch.compiler.is_compiling():
        owner = base_of(input)
        if owner.is_leaf and owner.requires_grad:
            raise RuntimeError(f"{operation}: in place, a leaf that requires a gradient would be overwritten")


def broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    """Whether a tensor of the one shape can be expanded to the other."""
    return len(shape) <= len(to) and all(
        size in (1, due) for size, due in zip(reversed(shape), reversed(to), strict=False)
    )
