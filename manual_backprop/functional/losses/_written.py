"""Losses, one for each number, reduced: as one writes it out, with the gradient of the weights."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from manual_backprop.functional.operation.written import summed_to


def value(losses: Tensor, weight: Tensor | None, reduction: str, *, weighs: bool = True) -> Tensor:
    """The losses, their sum or their mean, each with its weight.

    Args:
        losses: (*).
        weight: of each; None for 1.
        reduction: "none", "sum" or "mean".
        weighs: whether the mean divides by the sum of the weights, not by their number.
    """
    return reduced(losses, weight, reduction, weighs=weighs)[0]


def reduced(
    losses: Tensor, weight: Tensor | None, reduction: str, *, weighs: bool = True
) -> tuple[Tensor, Any, Callable[[Tensor], Tensor | None]]:
    """The value, what the mean divides by, or 1, and the gradient of the weights from that of the value."""
    by_weights = weight is not None and weighs and reduction == "mean"
    n: Any = 1
    if reduction == "mean":
        n = weight.sum() if weight is not None and by_weights else losses.numel()
    loss = losses if weight is None else weight * losses
    if reduction == "sum" or by_weights:
        loss = loss.sum() / n
    elif reduction == "mean":
        loss = loss.mean()

    def of_weight(g: Tensor) -> Tensor | None:
        if weight is None:
            return None
        if not by_weights:
            return summed_to(g * losses / n, weight)
        if weight.shape == losses.shape:
            return g * (losses - loss) / n
        return summed_to(g * losses / n, weight) - g * loss / n

    return loss, n, of_weight
