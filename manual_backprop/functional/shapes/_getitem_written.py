"""The way back through indexing, as one writes it out: into zeros, added where a place comes twice."""

from math import prod
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor


def written(x: Tensor, index: Any, g: Tensor) -> Tensor:
    """The gradient of x, from that of x[index]."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(not isinstance(part, Tensor) and part in (None, ..., slice(None)) for part in parts):
        return g.reshape(x.shape)
    *before, last = parts if parts else (slice(None),)
    if _comes_once(parts) or _counts_up(parts):
        dx = torch.zeros_like(x)
        dx[index] = g
        return dx
    if all(part == slice(None) for part in before if not isinstance(part, Tensor)) and _is_places(last):
        if not any(isinstance(part, Tensor) for part in before):
            d = len(before)
            rows = g.reshape(*x.shape[:d], last.numel(), *x.shape[d + 1 :])
            return torch.zeros_like(x).index_add(d, last.flatten(), rows)
        if all(_is_places(part) for part in before):
            return torch.zeros_like(x).index_put(parts, g, accumulate=True)
    places = torch.arange(prod(x.shape)).reshape(x.shape)[index].flatten()
    return torch.zeros_like(x).flatten().index_add(0, places, g.flatten()).reshape(x.shape)


def _comes_once(parts: tuple[Any, ...]) -> bool:
    """Whether no place of x can be named twice."""
    return all(
        isinstance(part, int | slice | range | EllipsisType | None)
        or (isinstance(part, Tensor) and (part.dtype == torch.bool or part.dim() == 0))
        for part in parts
    )


def _counts_up(parts: tuple[Any, ...]) -> bool:
    """Whether there is a range beside vectors of its length, so that they name no place twice."""
    lengths = {len(part) for part in parts if isinstance(part, range)}
    return len(lengths) == 1 and all(
        isinstance(part, range) or (_is_places(part) and tuple(part.shape) == (*lengths,)) for part in parts
    )


def _is_places(part: Any) -> bool:
    return isinstance(part, Tensor) and part.dtype in (torch.int64, torch.int32) and part.dim() > 0
