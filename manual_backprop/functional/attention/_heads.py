"""Heads of keys and values that serve several heads of queries."""

from torch import Tensor

from manual_backprop.functional.operation import narrow


def for_heads_of(query: Tensor, x: Tensor) -> Tensor:
    """Grouped queries: each head of keys or values as often as it has heads of queries to serve."""
    if min(query.dim(), x.dim()) < 3 or not query.shape[-3] > x.shape[-3] > 1:
        return x  # broadcasting does the rest
    return x.repeat_interleave(query.shape[-3] // x.shape[-3], -3)


def given_back(grad: Tensor, x: Tensor) -> Tensor:
    """Summed over what x was repeated or broadcast to, in its own type."""
    if grad.shape == x.shape:
        return narrow(grad, x.dtype)
    if min(grad.dim(), x.dim()) > 2 and grad.shape[-3] > x.shape[-3] > 1:
        *leading, heads, rows, columns = grad.shape
        grad = grad.reshape(*leading, x.shape[-3], heads // x.shape[-3], rows, columns).sum(-3)
    return narrow(grad.sum_to_size(x.shape), x.dtype)
