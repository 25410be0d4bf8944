"""Attention and its gradients, as they are written on paper."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.written import summed_to


def written(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    is_causal: bool,
    scale: float,
    empty_is_zero: bool,
) -> tuple[Tensor, Tensor, Callable[..., Any]]:
    """O, P, and the gradients of query, key, value and mask from those of O and P; one may be None."""
    K, V = for_heads(key, query), for_heads(value, query)
    times, number = factor(scale, query.shape[-1])
    scores = query @ K.mT * number if times else query @ K.mT / number
    sees = visible(scores.shape, mask, is_causal)
    if sees is not None:
        scores = torch.where(sees, scores, -math.inf)
    elif mask is not None:
        scores = scores + mask
    P = torch.softmax(scores, -1)
    if empty_is_zero and mask is not None and has_empty_row(scores):
        P = torch.where(scores.amax(-1, keepdim=True) > -math.inf, P, 0)
    out = P @ V

    def backward(g: Tensor | None, dweights: Tensor | None) -> tuple[Tensor | None, ...]:
        dP: Any = dweights
        if g is not None:
            dP = g @ V.mT
            dP = dP if dweights is None else dP + dweights
        dscores = P * (dP - (dP * P).sum(-1, keepdim=True))
        dmask = None if mask is None or sees is not None else summed_to(dscores, mask)
        dQ = dscores @ K * number if times else dscores @ K / number
        dK = dscores.mT @ query * number if times else dscores.mT @ query / number
        dV = None if g is None else from_heads(P.mT @ g, value)
        return summed_to(dQ, query), from_heads(dK, key), dV, dmask

    return out, P, backward


def factor(scale: float, size: int) -> tuple[bool, float]:
    """Whether the scores are multiplied, and by what; else what they are divided by, √E."""
    root = math.sqrt(size)
    if scale != 1 / root:
        return True, scale
    return False, int(root) if root == int(root) else root


def visible(shape: Any, mask: Tensor | None, is_causal: bool) -> Tensor | None:
    """Which keys each query sees; None where there is no such mask."""
    if is_causal:
        return torch.arange(shape[-2])[:, None] >= torch.arange(shape[-1])
    return mask if mask is not None and mask.dtype == torch.bool else None


def has_empty_row(scores: Tensor) -> bool:
    """Whether there is a query whose keys are all masked."""
    return bool((scores.detach().amax(-1) == -math.inf).any())


def for_heads(x: Tensor, query: Tensor) -> Tensor:
    """Each head of keys or values for as many heads of queries as it serves."""
    if not groups(x, query):
        return x
    *batch, heads, S, E = x.shape
    repeated = x.unsqueeze(-3).expand(*batch, heads, groups(x, query), S, E)
    return repeated.reshape(*batch, heads * groups(x, query), S, E)


def from_heads(g: Tensor, x: Tensor) -> Tensor | None:
    """And back: summed over the heads that it served."""
    heads = x.shape[-3] if x.dim() > 2 else 1
    if heads > 1 and g.shape[-3] > heads:
        g = g.reshape(*g.shape[:-3], heads, g.shape[-3] // heads, *g.shape[-2:]).sum(-3)
    return summed_to(g, x)


def groups(x: Tensor, query: Tensor) -> int:
    """How many heads of queries one of x serves; 0 where broadcasting does the rest."""
    if min(query.dim(), x.dim()) < 3 or not query.shape[-3] > x.shape[-3] > 1:
        return 0
    return query.shape[-3] // x.shape[-3]
