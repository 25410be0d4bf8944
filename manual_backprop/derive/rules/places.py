"""Functions that put numbers elsewhere."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive.rules.rule import Rule
from manual_backprop.functional.operation.written import summed_to


def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A border around x, from the last dimension backwards."""
    if mode != "constant" or any(n < 0 for n in pad):
        return NotImplemented
    sides = [(0, 0)] * (x.dim() - len(pad) // 2) + [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    inside = tuple(slice(left or None, -right or None) for left, right in sides)
    return F.pad(x, pad, value=value), lambda g: g[inside]


def flip(x: Tensor, *dims: Any) -> Any:
    """The numbers in reverse order."""
    over = tuple(dims[0]) if isinstance(dims[0], tuple | list) else dims
    return torch.flip(x, over), lambda g: torch.flip(g, over)


def roll(x: Tensor, shifts: Any, dims: Any = None) -> Any:
    """The numbers shifted; what falls off at the end comes in at the beginning."""
    if dims is None:
        return NotImplemented
    back = -shifts if isinstance(shifts, int) else tuple(-n for n in shifts)
    return torch.roll(x, shifts, dims), lambda g: torch.roll(g, back, dims)


def tile(x: Tensor, *dims: Any) -> Any:
    """x several times, beside and below itself."""
    times = tuple(dims[0]) if isinstance(dims[0], tuple | list) else dims
    times = (1,) * (x.dim() - len(times)) + times
    shape = (1,) * (len(times) - x.dim()) + tuple(x.shape)
    apart = [n for pair in zip(times, shape, strict=True) for n in pair]
    copies = tuple(2 * d for d, n in enumerate(times) if n != 1)

    def backward(g: Tensor) -> Tensor:
        return g.reshape(apart).sum(copies).reshape(x.shape) if copies else g.reshape(x.shape)

    return torch.tile(x, times), backward


def repeat_interleave(x: Tensor, repeats: Any, dim: int | None = None) -> Any:
    """Each number, row or slice so many times, one behind the other."""
    if not isinstance(repeats, int) or dim is None:
        return NotImplemented
    at = dim % x.dim()
    apart = (*x.shape[: at + 1], repeats, *x.shape[at + 1 :])
    return x.repeat_interleave(repeats, dim), lambda g: g.reshape(apart).sum(at + 1)


def outer(a: Tensor, b: Tensor) -> Any:
    """Each product of two numbers."""
    return torch.outer(a, b), lambda g: (g @ b, a @ g)


def trace(x: Tensor) -> Any:
    """The sum of the diagonal."""
    return torch.trace(x), lambda g: g * torch.eye(*x.shape)


def index_put(x: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Any:
    """Numbers added at some places, which may be named more than once."""
    if not accumulate:
        return NotImplemented
    places = tuple(indices)
    none = [None] * len(places)
    return (
        x.index_put(places, values, accumulate=True),
        lambda g: (g, *none, summed_to(g[places], values)),
    )


RULES = [
    Rule(f.__name__, "shape", f) for f in (pad, flip, roll, tile, repeat_interleave, outer, trace, index_put)
]
