"""Fits of what a mistake gives to what was given, over all draws at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

NO_FACTOR = 1e-12  # a factor this small says that what was given has nothing of what is fitted
NUMBERS_PER_COEFFICIENT = 6  # with fewer, a fit may succeed by chance
LARGEST_CONDITION = 1e10  # of the Gram matrix: above it, one column is the sum of others but for rounding


def fit_factor(
    gradients: Sequence[Tensor], given: Sequence[Tensor], tolerance: float
) -> tuple[float, float] | None:
    """The one factor with which the gradients are what was given, and what is left over; None if none is."""
    dense = [[t.to_dense() if t.is_sparse else t for t in side] for side in (gradients, given)]
    pairs = [(c.double(), g.double()) for c, g in zip(*dense, strict=True)]
    if any(c.shape != g.shape or not c.isfinite().all() for c, g in pairs):
        return None
    if not any(g.any() for _, g in pairs):
        return None if any(c.any() for c, _ in pairs) else (1.0, 0.0)
    squares = sum(float((c * c).sum()) for c, _ in pairs)
    if squares == 0:
        return None
    factor = sum(float((c * g).sum()) for c, g in pairs) / squares
    residual = max(_relative(g - factor * c, g) for c, g in pairs if g.numel())
    return (factor, residual) if residual <= tolerance and abs(factor) > NO_FACTOR else None


def fit_coefficients(
    columns: Sequence[Sequence[Tensor]], given: Sequence[Tensor]
) -> tuple[list[float], float] | None:
    """One coefficient for each column (a tensor for each draw), and what is left over; None if not unique."""
    matrix = torch.stack([torch.cat([t.double().flatten() for t in column]) for column in columns], 1)
    wanted = torch.cat([g.double().flatten() for g in given])
    sizes = matrix.abs().amax(0)
    if len(wanted) < NUMBERS_PER_COEFFICIENT * len(columns):
        return None
    if not matrix.isfinite().all() or (sizes == 0).any():
        return None
    scaled = matrix / sizes
    if torch.linalg.cond(scaled.T @ scaled) > LARGEST_CONDITION:
        return None
    weights = torch.linalg.lstsq(scaled, wanted[:, None]).solution.flatten() / sizes
    return weights.tolist(), _relative(matrix @ weights - wanted, wanted)


def _relative(error: Tensor, given: Tensor) -> float:
    return float(error.abs().max()) / (float(given.abs().max()) or 1.0)
