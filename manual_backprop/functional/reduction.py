"""From one loss for each example to the number that is minimised, and where 1/N enters the gradient.

Given   losses ℓₙ, a reduction, and the upstream gradient g = ∂L/∂out of what the reduction returned.
Want    ∂L/∂ℓₙ.

        "none"   out = ℓ            ∂L/∂ℓₙ = gₙ
        "sum"    out = Σₙ ℓₙ        ∂L/∂ℓₙ = g
        "mean"   out = Σₙ ℓₙ / D    ∂L/∂ℓₙ = g / D

D is the number of examples N, or the sum of their weights where they have any. It is a constant of the data,
so it goes through to the gradient unchanged: with "mean" every gradient of the network carries one factor
1/D, and the size of a step does not depend on the size of the batch.
"""

import warnings

from torch import Tensor


def reduce(losses: Tensor, reduction: str, divisor: Tensor | float) -> Tensor:
    """Losses (*) → themselves for "none", a scalar for "sum" and "mean"."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / divisor


def grad_of_losses(grad_output: Tensor, reduction: str, divisor: Tensor | float) -> Tensor:
    """∂L/∂ℓ: of the shape of the losses for "none", one scalar for all of them for "sum" and "mean"."""
    return grad_output / divisor if reduction == "mean" else grad_output


def reduction_from(size_average: bool | None, reduce: bool | None, reduction: str, *, operation: str) -> str:
    """The reduction meant, by torch.nn.functional's rules: the two deprecated flags win where one is given.

    Raises:
        ValueError: a reduction other than "none", "mean" and "sum".
    """
    if size_average is not None or reduce is not None:
        per_example = reduce is not None and not reduce
        reduction = "none" if per_example else "sum" if size_average is False else "mean"
        warnings.warn(
            f"{operation}: size_average and reduce are deprecated, use reduction={reduction!r} instead",
            stacklevel=3,
        )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{operation}: reduction must be 'none', 'mean' or 'sum', not {reduction!r}")
    return reduction
