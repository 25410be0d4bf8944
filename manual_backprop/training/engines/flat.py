"""All parameters of a stack of linear layers in one tensor (P,), of which each W and b is a view.

What is done to every parameter alike, such as an update rule or rounding, is then done by one call to all of
them, and a layer's W and b are one piece, which processes can exchange at once.
"""

from itertools import pairwise

import torch
from torch import Tensor

ALIGNED = 32
"""Each parameter starts at a multiple of so many numbers, where products are fast; those between are 0."""


class Flat:
    """Where the parameters of a network of `sizes` lie.

    Attributes:
        length: P.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.shapes = [(M, D) for D, M in pairwise(sizes)]
        self.starts: list[tuple[int, int]] = []
        self.length = 0
        for M, D in self.shapes:
            W, b = self.length, self.length + _aligned(M * D)
            self.starts.append((W, b))
            self.length = b + _aligned(M)

    def zeros(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """(P,)."""
        return torch.zeros(self.length, dtype=dtype, device=device)

    def views(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """W (M, D) and b (M,) of each layer, in `flat`."""
        views = []
        for layer, ((M, D), (W, b)) in enumerate(zip(self.shapes, self.starts, strict=True)):
            # The columns of W¹ are rows in memory: the faster layout for a wide input
            rows, columns = (D, M) if layer == 0 else (M, D)
            weight = flat[W : W + M * D].view(rows, columns)
            views.append((weight.T if layer == 0 else weight, flat[b : b + M]))
        return views

    def pieces(self, flat: Tensor) -> list[Tensor]:
        """W and b of each layer as one piece of `flat`."""
        ends = [*(W for W, _ in self.starts[1:]), self.length]
        return [flat[start:end] for (start, _), end in zip(self.starts, ends, strict=True)]


def _aligned(count: int) -> int:
    return count + -count % ALIGNED
