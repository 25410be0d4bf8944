"""The largest and the smallest numbers, and sums up to each place."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.rules.rule import Rule
from manual_backprop.functional.operation.written import spread_over

Dims = int | tuple[int, ...]


def amax(x: Tensor, dim: Dims = (), keepdim: bool = False) -> Any:
    """The largest numbers; where several are, each has its share of the gradient."""
    y = x.amax(dim, keepdim=keepdim)
    return y, lambda g: _shared(g, x, y, dim, keepdim)


def amin(x: Tensor, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest numbers; where several are, each has its share of the gradient."""
    y = x.amin(dim, keepdim=keepdim)
    return y, lambda g: _shared(g, x, y, dim, keepdim)


def _shared(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = tuple(range(x.dim())) if dim == () else dim
    mask = x == spread_over(y, x, dims, keepdim)
    return torch.where(mask, spread_over(g, x, dims, keepdim), 0) / mask.sum(dims, keepdim=True)


def cumsum(x: Tensor, dim: int) -> Any:
    """The sum up to each place; backward, the sum from each place on."""
    return torch.cumsum(x, dim), lambda g: (torch.cumsum(g.flip(dim), dim).flip(dim), None)


RULES = [Rule(f.__name__, "reduction", f) for f in (amax, amin, cumsum)]
