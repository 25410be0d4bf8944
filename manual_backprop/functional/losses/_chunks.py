"""The logits of a linear layer, some examples at a time, and the gradients that their δ leave behind."""

import torch
from torch import Tensor

from manual_backprop.functional.operation import widen

CHUNK = 2**22  # logits at a time: 16 MiB in float32


def rows_of_a_chunk(W: Tensor) -> int:
    """How many examples have about CHUNK logits."""
    return max(CHUNK // max(len(W), 1), 1)


def chunks_of(tensor: Tensor, W: Tensor, batched: bool) -> tuple[Tensor, ...]:
    """The rows of `tensor`, one for each example, in chunks; one example that is not batched is a row."""
    return torch.split(tensor if batched else tensor.unsqueeze(0), rows_of_a_chunk(W))


def joined(chunks: list[Tensor], batched: bool) -> Tensor:
    """`chunks_of` undone."""
    rows = chunks[0] if len(chunks) == 1 else torch.cat(chunks)
    return rows if batched else rows.sum(0)  # of one; a view could not be overwritten


def logits(x: Tensor, W: Tensor, b: Tensor | None, out: Tensor | None = None) -> Tensor:
    """X Wᵀ + b of a chunk, wide enough to take the exponential of."""
    z = torch.mm(x, W.t(), out=out) if b is None else torch.addmm(b, x, W.t(), out=out)
    return widen(z)


class LayerGradients:
    """∂L/∂x, ∂L/∂W and ∂L/∂b, those that are needed, of z = x Wᵀ + b, added up where nothing looks on.

    ∂L/∂x (N, D) and ∂L/∂W (C, D) are rows of one matrix, so that one product scales them.
    """

    def __init__(self, examples: int, W: Tensor, needed: tuple[bool, ...]) -> None:
        rows = [n if need else 0 for n, need in zip((examples, len(W)), needed, strict=False)]
        self.weight, self.needed, self.rows, self.done = W, needed, rows, 0
        self.matrix = W.new_empty(sum(rows), W.shape[1])
        self.b: Tensor | None = None

    def add(self, delta: Tensor, x: Tensor) -> None:
        """A chunk's share: ∂L/∂x_c = δ_c W, ∂L/∂W += δ_cᵀ x_c, ∂L/∂b += Σₙ δₙ."""
        grad_x, grad_W = self.matrix.split(self.rows)
        if self.needed[0]:
            torch.mm(delta, self.weight, out=grad_x[self.done : self.done + len(x)])
        if self.needed[1]:
            torch.addmm(grad_W, delta.T, x, beta=int(self.done > 0), out=grad_W)
        if self.needed[2]:
            self.b = delta.sum(0) if self.b is None else self.b + delta.sum(0)
        self.done += len(x)

    def times(self, v: Tensor, shape: torch.Size) -> tuple[Tensor | None, ...]:
        """Of x, which is of that shape, of W and of b; v times each."""
        grad_x, grad_W = (self.matrix * v).split(self.rows)
        return (
            grad_x.reshape(shape) if self.needed[0] else None,
            grad_W if self.needed[1] else None,
            None if self.b is None else self.b * v,
        )
