"""From one loss for each example to the number that is minimised, and where 1/N enters the gradient.

Given   losses ℓₙ, a reduction, and the upstream gradient g = ∂L/∂out of what the reduction returned.
Want    ∂L/∂ℓₙ.

        "none"   out = ℓ            ∂L/∂ℓₙ = gₙ
        "sum"    out = Σₙ ℓₙ        ∂L/∂ℓₙ = g
        "mean"   out = Σₙ ℓₙ / D    ∂L/∂ℓₙ = g / D

D is the number of losses, or the sum of their weights where they have any. It is a constant of the data,
so it goes through to the gradient unchanged: with "mean" every gradient of the network carries one factor
1/D, and the size of a step does not depend on the size of the batch. Where an example has several losses, one
for each class, "batchmean" is the same with D the number of examples.
"""

import warnings

import torch
from torch import Tensor

from manual_backprop.functional.operation import HALF_PRECISION, widen

REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
"""As PyTorch's primitives number them."""


def reduce(losses: Tensor, reduction: str, divisor: Tensor | float | None = None) -> Tensor:
    """Losses (*) → themselves for "none", a scalar for the others; the mean is over all of them for None."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if divisor is None else losses.sum() / divisor


def divisor_of(losses: Tensor, weight: Tensor | None = None) -> Tensor | float:
    """D of the mean: the sum of the weights, or the number of losses (NaN for none: 0/0)."""
    return widen(weight).sum() if weight is not None else losses.numel() or float("nan")


def grad_of_losses(grad_output: Tensor, reduction: str, divisor: Tensor | float) -> Tensor:
    """∂L/∂ℓ: of the shape of the losses for "none", one scalar otherwise."""
    return grad_output if reduction in ("none", "sum") else grad_output / divisor


def slope_of_losses(reduction: str, divisor: Tensor) -> Tensor:
    """∂out/∂ℓ, which is ∂L/∂ℓ for g = 1, of "mean" and "sum"."""
    return divisor.reciprocal() if reduction == "mean" else torch.ones_like(divisor)


def rounded(loss: Tensor, *inputs: Tensor | None) -> Tensor:
    """The rounding at the end, if the type that holds all inputs is of half precision."""
    dtype, *others = [x.dtype for x in inputs if x is not None]
    for other in others:
        dtype = torch.promote_types(dtype, other)
    return loss.to(dtype) if dtype in HALF_PRECISION else loss


def reduction_from(
    size_average: bool | None,
    reduce: bool | None,
    reduction: str,
    *,
    operation: str,
    known: tuple[str, ...] = ("none", "mean", "sum"),
) -> str:
    """The reduction meant, by torch.nn.functional's rules: the two deprecated flags win where one is given.

    Raises:
        ValueError: a reduction that is not known.
    """
    if size_average is not None or reduce is not None:
        per_example = reduce is not None and not reduce
        summed = size_average is not None and not size_average
        reduction = "none" if per_example else "sum" if summed else "mean"
        if not torch.compiler.is_compiling():  # a warning is not traced
            warnings.warn(
                f"{operation}: size_average and reduce are deprecated, use reduction={reduction!r} instead",
                stacklevel=3,
            )
    if reduction not in known:
        *others, last = map(repr, known)
        raise ValueError(f"{operation}: reduction must be {', '.join(others)} or {last}, got {reduction!r}")
    return reduction
