"""A large backward block by block: each block goes through the whole formula while it is in the cache.

A formula of five operations passes over its numbers five times. Where they do not fit into a core's cache,
each pass fetches them from memory, which takes longer than the arithmetic. What is computed in between is as
large as one block, so that it takes less memory too.
"""

from math import prod
from typing import Any

from torch import Tensor

from manual_backprop.functional.operation.rows import Gradients, Kept, Rows, as_tuple

BLOCK = 2**16
"""Numbers of a block: 256 KiB in float32, several of which fit into a core's own cache."""
BLOCKS_FROM = 4 * BLOCK
"""Numbers of the input: a block's calls take some microseconds each, however short it is."""


def by_blocks(operation: Any, rows: Rows, needs: tuple[bool, ...], options: dict[str, Any]) -> Gradients:
    """`operation.backward`; what has rows gets its gradient as rows."""
    step = max(BLOCK // prod(rows.row), 1)
    gradients: list[Tensor | None] = [None] * len(needs)
    for start in range(0, rows.count, step):
        size = min(step, rows.count - start)
        *saved, g = (
            tensor.narrow(0, start, size) if tensor is not None and cut else tensor
            for tensor, cut in zip(rows.tensors, rows.are_cut, strict=True)
        )
        of_rows = (
            (name, value.narrow(0, start, size) if isinstance(value, Tensor) else value)
            for name, value in options.items()
        )
        block = as_tuple(operation.backward(Kept(tuple(saved), needs, of_rows), g))
        for at, part in enumerate(block):
            whole = gradients[at]
            if part is None:
                continue
            if part.shape != (size, *rows.row):  # of what all rows share
                gradients[at] = part if whole is None else whole + part
            else:
                if whole is None:
                    whole = gradients[at] = part.new_empty(rows.count, *rows.row)
                whole.narrow(0, start, size).copy_(part)
    return tuple(gradients)
