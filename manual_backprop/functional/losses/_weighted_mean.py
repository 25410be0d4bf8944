"""The mean of weighted losses, in which the weights stand twice.

Given   losses hᵢ with weights wᵢ (1 where none are given), reduced to

            "none"  outᵢ = wᵢ hᵢ        "sum"  out = Σᵢ wᵢ hᵢ        "mean"  out = Σᵢ wᵢ hᵢ / S, S = Σᵢ wᵢ

        and gᵢ = ∂L/∂(wᵢ hᵢ), which is v/S for the mean, with v = ∂L/∂out.
Want    ∂L/∂w.

1.  wᵢ hᵢ is linear in wᵢ:

        ∂L/∂wᵢ = gᵢ hᵢ                                   none, sum

2.  In the mean, w also stands in the divisor. By the quotient rule,

        ∂L/∂wᵢ = v (hᵢ S − Σⱼ wⱼ hⱼ) / S² = g (hᵢ − out)        mean
"""

from torch import Tensor

from manual_backprop.functional.losses._reduction import divisor_of, reduce
from manual_backprop.functional.operation import narrow, widen
from manual_backprop.functional.shapes.broadcast_to import unbroadcast


def weighted(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """What the weighted losses (*) are reduced to."""
    if weight is None:
        return reduce(losses, reduction)
    return reduce(losses * widen(weight), reduction, divisor_of(losses, weight))


def grad_of_weight(losses: Tensor, weight: Tensor, grad: Tensor, reduction: str) -> Tensor:
    """∂L/∂w, `grad` being g."""
    grad_weight = unbroadcast(grad * losses, weight.shape)
    if reduction == "mean":  # where w is broadcast, S still has it once
        grad_weight = grad_weight - grad * weighted(losses, weight, "mean")
    return narrow(grad_weight, weight.dtype)


def weighted_tangent(
    losses: Tensor, tangent: Tensor, weight: Tensor | None, weight_tangent: Tensor | None, reduction: str
) -> Tensor:
    """How what the losses are reduced to moves, if they move by `tangent` and the weights by their own."""
    moved = weighted(tangent, weight, reduction)
    if weight_tangent is None:
        return moved
    S = divisor_of(losses, weight)
    moved = moved + reduce(widen(weight_tangent) * losses, reduction, S)
    if reduction == "mean":  # step 2
        moved = moved - widen(weight_tangent).sum() * weighted(losses, weight, "mean") / S
    return moved
