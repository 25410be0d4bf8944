"""Functions of torch that write over a tensor, and those that make a new one of the same numbers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

NUMBERS_STAY = ("requires_grad_", "detach_", "retain_grad_", "share_memory_")
OTHERWISE: dict[str, Callable[..., Tensor]] = {
    "zero_": torch.zeros_like,
    "fill_": torch.full_like,
    "copy_": lambda x, source: source.expand(x.shape),
    **{f"__i{name}__": getattr(Tensor, f"__{name}__") for name in ("and", "or", "xor", "add", "sub", "mul")},
    "__itruediv__": Tensor.__truediv__,
    "__idiv__": Tensor.__truediv__,
    "__ipow__": Tensor.__pow__,
}


def overwrites(func: Any) -> bool:
    """Whether a function writes over its first argument."""
    name = getattr(func, "__name__", "")
    in_place = name.endswith("_") and not name.endswith("__") and name not in NUMBERS_STAY
    return in_place or name in OTHERWISE or name == "__setitem__"


def as_new(func: Any) -> Callable[..., Tensor] | None:
    """What makes a new tensor in the place of a function that writes over one; None if there is nothing."""
    name = getattr(func, "__name__", "")
    if name == "__setitem__":
        return _with_item
    return OTHERWISE.get(name) or getattr(Tensor, name.removesuffix("_"), None)


def _with_item(x: Tensor, index: Any, value: Any) -> Tensor:
    x[index] = value
    return x
