"""The tensors of a large backward, cut into rows that are computed each for itself.

An elementwise function's row is one number; that of a softmax or a layer norm is one example. What has the
shape of the input (the upstream gradient, what was kept of it) is cut into rows. What is shared by all rows,
as a layer norm's weight is, stays whole, and its gradient is a sum over the rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

Gradients = tuple[Tensor | None, ...]


class Kept:
    """What `backward(ctx, grad_output)` finds in `ctx`, for some of the rows or for the compiler.

    Attributes:
        saved_tensors: what was given to `keep`.
        needs_input_grad: whether each input's gradient is asked for.

    And, by its name, whatever else was put there. If it is a tensor, it has the rows in its first dimension.
    """

    def __init__(
        self,
        saved_tensors: tuple[Tensor | None, ...],
        needs_input_grad: tuple[bool, ...],
        options: Iterable[tuple[str, Any]],
    ) -> None:
        self.saved_tensors, self.needs_input_grad = saved_tensors, needs_input_grad
        for name, value in options:
            setattr(self, name, value)


@dataclass(frozen=True)
class Rows:
    """What a backward is computed from, as rows.

    Attributes:
        tensors: what was kept, and the upstream gradient: (N, …) where it has rows, and whole where not.
        are_cut: which of them have rows.
        count: N.
        row: the shape of each.
    """

    tensors: tuple[Tensor | None, ...]
    are_cut: tuple[bool, ...]
    count: int
    row: tuple[int, ...]


def rows_of(tensors: Sequence[Tensor | None], shape: tuple[int, ...], row_dims: int) -> Rows | None:
    """The tensors of a backward as rows, in the same memory; None where they do not lie there row by row.

    Args:
        tensors: what was kept, and the upstream gradient.
        shape: of the input, (*, …).
        row_dims: how many of its last dimensions make a row.
    """
    leading = len(shape) - row_dims
    count, row = prod(shape[:leading]), shape[leading:]
    as_rows, are_cut = [], []
    for tensor in tensors:
        has_rows = tensor is not None and tensor.shape == shape
        if tensor is not None and has_rows:
            if not tensor.is_contiguous():
                return None
            tensor = tensor.view(count, *row)
        as_rows.append(tensor)
        are_cut.append(has_rows)
    return Rows(tuple(as_rows), tuple(are_cut), count, row)


def as_tuple(gradients: Any) -> Gradients:
    """What a backward returns, which may be one gradient alone."""
    return gradients if isinstance(gradients, tuple) else (gradients,)
