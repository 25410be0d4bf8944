"""The backward of attention for some heads and queries at a time, whose scores fit into the cache."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import narrow, widen
from manual_backprop.functional.operation.rows import Gradients, Kept

BLOCK = 2**17
"""Scores of a block: 512 KiB in float32, several of which fit into a core's cache."""
ROWS = 64
"""Queries of a block at least: the products of fewer are not quick. More would meet more masked keys."""


def has_blocks(ctx: Any) -> bool:
    """Whether the scores are too many for the cache; and none has a gradient of its own, as with a mask."""
    query, key, value, *_ = ctx.saved_tensors
    many = math.prod(query.shape[:-1]) * key.shape[-2] > BLOCK
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    return many and alike and query.device.type == "cpu" and not ctx.needs_input_grad[3]


def in_blocks(ctx: Any, grad_output: Tensor, gradients: Callable[..., Gradients]) -> Gradients:
    """The same as `gradients(ctx, grad_output)`, which is called for each block.

    A gradient is the sum of what the blocks add to it, and is kept wide.
    """
    query, key, value, mask, kept = ctx.saved_tensors
    S, needs = key.shape[-2], ctx.needs_input_grad
    q, k, v, g = (_in_heads(x) for x in (query, key, value, grad_output))
    over_scores = (*query.shape[:-1], S)
    m, d = (None if x is None else _in_heads(x.expand(over_scores)) for x in (mask, kept))
    grads = [
        torch.zeros_like(x, dtype=widen(x[:0]).dtype) if needed else None
        for x, needed in zip((q, k, v), needs, strict=False)
    ]
    options = (("dropout_p", ctx.dropout_p), ("is_causal", ctx.is_causal), ("scale", ctx.scale))
    for n, heads, rows in _blocks(q.shape, S):
        seen = slice(min(rows.stop, S) if ctx.is_causal else S)
        block = (
            *(widen(x[n, heads, some]) for x, some in ((q, rows), (k, seen), (v, seen))),
            *(None if x is None else x[n, heads, rows, seen] for x in (m, d)),
        )
        of_block = gradients(Kept(block, needs, options), g[n, heads, rows], rows.start)
        for total, some, part in zip(grads, (rows, seen, seen), of_block, strict=False):
            if total is not None and part is not None:
                total[n, heads, some] += part

    found = (
        None if total is None else narrow(total, x.dtype).reshape(x.shape)
        for total, x in zip(grads, (query, key, value), strict=True)
    )
    return *found, *(None,) * (len(needs) - 3)


def _blocks(shape: Sequence[int], S: int) -> Iterator[tuple[int, slice, slice]]:
    """Which example, heads and queries make a block, of queries (N, n, L, E)."""
    N, n, L, _ = shape
    rows = min(max(BLOCK // (n * S), ROWS), 2 * ROWS)
    heads = max(BLOCK // (rows * S), 1)
    for example in range(N):
        for head in range(0, n, heads):
            for row in range(0, L, rows):
                yield example, slice(head, head + heads), slice(row, min(row + rows, L))


def _in_heads(x: Tensor) -> Tensor:
    """(*, n, L, E) → (N, n, L, E)."""
    *leading, L, E = x.shape
    return x.reshape(math.prod(leading[:-1]), leading[-1] if leading else 1, L, E)
