"""The squared error: how far the prediction is from the target.

Given   ℓᵢ = wᵢ (xᵢ − tᵢ)², i running over all elements, weights w (1 where none are given),

            "none"  out = ℓ        "sum"  out = Σᵢ ℓᵢ        "mean"  out = Σᵢ ℓᵢ / Σᵢ wᵢ

        and the upstream gradient, which `reduction` turns into gᵢ = ∂L/∂ℓᵢ.
Want    ∂L/∂x, ∂L/∂t, ∂L/∂w.

1.  The chain rule for the square, whose inner derivative is 1 for x and −1 for t:

        ∂L/∂xᵢ = 2 gᵢ wᵢ (xᵢ − tᵢ)
        ∂L/∂tᵢ = −∂L/∂xᵢ

2.  ℓ is linear in w. In the mean, w also stands in the divisor (_weighted_mean.py):

        ∂L/∂wᵢ = gᵢ (xᵢ − tᵢ)²               none, sum
        ∂L/∂wᵢ = g ((xᵢ − tᵢ)² − out)        mean

What it does to a classifier: with a = σ(z) before it, ∂L/∂z = 2 g (a − t) a (1 − a), and a confident mistake
(a close to 0 where t is 1) has next to no gradient. Cross-entropy has none of that last factor.

The numerical trap: x² − 2xt + t² is the same on paper and cancels where x is close to t. Subtract, then
square.

Shapes: input and target (*), weight (*); output () or (*). An input and a target of different shapes are
broadcast, with a warning; each gets a gradient of its own shape, summed over where it was repeated.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323
(1986), the equations for E and ∂E/∂y.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._difference import (
    are_alike,
    count_of,
    difference,
    require_pair,
    require_weight_like,
    row_dims_of,
    scaled,
)
from manual_backprop.functional.losses._reduction import (
    REDUCTIONS,
    divisor_of,
    grad_of_losses,
    reduction_from,
    rounded,
)
from manual_backprop.functional.losses._weighted_mean import grad_of_weight, weighted, weighted_tangent
from manual_backprop.functional.losses._written import reduced, value
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    widen,
)
from manual_backprop.functional.operation.torch_state import may_overwrite_own
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, like


class MSELoss(Operation):
    """ℓ = w (x − t)² and ∂L/∂x = 2 g w (x − t)."""

    has_several_passes = True

    formula = Formula(
        "mse_loss", "loss", "mean of ({0} − {1})²", ("2 {g} ({0} − {1})/n", "−2 {g} ({0} − {1})/n")
    )

    @staticmethod
    def written(x: Tensor, y: Tensor, weight: Tensor | None, reduction: str) -> Any:
        d = x - y
        loss, n, dweight = reduced(d**2, weight, reduction)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dx = g * 2 * d / n if weight is None else g * 2 * weight * d / n
            return summed_to(dx, x), summed_to(-dx, y), dweight(g)

        return loss, backward

    @staticmethod
    def elementary(x: Tensor, y: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
        """The squares of x − y, added up or averaged."""
        d = x - y
        losses = d**2
        return value(losses, weight, reduction)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
        dtype = torch.promote_types(input.dtype, target.dtype)
        if not dtype.is_floating_point:
            raise NotImplementedError(f"mse_loss: expected floating-point numbers, got {dtype}")
        require_weight_like("mse_loss", input, weight)

    @classmethod
    def row_dims(cls, *inputs: Any) -> int | None:
        return row_dims_of(*inputs[:3])

    @staticmethod
    def forward(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
        if are_alike(input, target, weight):
            return torch.ops.aten.mse_loss(input, target, REDUCTIONS[reduction])  # in one pass
        loss = weighted(difference(input, target).square(), weight, reduction)
        return rounded(loss, input, target, weight)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, ctx.reduction = inputs
        ctx.count = count_of(input, target)
        keep(ctx, input, target, weight)  # their difference is formed anew

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, weight = ctx.saved_tensors
        needs_input, needs_target, needs_weight, _ = ctx.needs_input_grad
        error = difference(input, target)
        divisor = ctx.count if weight is None else divisor_of(error, weight)
        g = grad_of_losses(widen(grad_output), ctx.reduction, divisor)
        overwrites = weight is None and may_overwrite_own(grad_output)

        slope = scaled(error, 2 * g if weight is None else 2 * g * widen(weight), overwrites)
        grad_input = back_to(like(input), slope) if needs_input else None
        grad_target = back_to(like(target), -slope) if needs_target else None
        grad_weight = grad_of_weight(error.square(), weight, g, ctx.reduction) if needs_weight else None
        return grad_input, grad_target, grad_weight, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        target_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        _: None,
    ) -> Tensor:
        input, target, weight = ctx.saved_tensors
        error = difference(input, target)
        moved = torch.zeros_like(error)  # 2 (x − t)(ẋ − ṫ)
        for tangent, slope in ((input_tangent, 2 * error), (target_tangent, -2 * error)):
            if tangent is not None:
                moved = moved + widen(tangent) * slope
        tangent = weighted_tangent(error.square(), moved, weight, weight_tangent, ctx.reduction)
        return rounded(tangent, input, target, weight)


class WeightedMSELoss(MSELoss):
    """The same of any numbers, in the type that they are given in, which autocast leaves it."""

    formula = Formula(
        "weighted_mse_loss",
        "loss",
        "mean of ({0} − {1})², n = Σ {2}",
        ("2 {g} {2} ({0} − {1})/n", "−2 {g} {2} ({0} − {1})/n", "{g} (({0} − {1})² − {out})/n"),
    )

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
        if torch.bool in (input.dtype, target.dtype):
            raise NotImplementedError(f"mse_loss: expected numbers, got {input.dtype} and {target.dtype}")
        require_weight_like("mse_loss", input, weight)

    @staticmethod
    def autocast_dtype(device_type: str) -> None:
        return None


_mse_loss = function_of(MSELoss)
_weighted_mse_loss = function_of(WeightedMSELoss)


@public(T.mse_loss, example=example((5, 3), (5, 3)))
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x − t)²; as torch.nn.functional.mse_loss, with a hand-written gradient.

    Args:
        input: x, (*).
        target: t, (*).
        size_average: deprecated, see `reduction`.
        reduce: deprecated, see `reduction`.
        reduction: "mean" (weighted), "sum" or "none".
        weight: w, (*), of the input's shape; None for 1.

    Returns:
        The loss: a scalar, or (*) for "none"; of complex numbers with weights PyTorch's own, with a built-in
        gradient.

    Raises:
        TypeError: an argument is not a Tensor.
        ValueError: an unknown reduction, or a weight of another shape than the input.
        RuntimeError: shapes that cannot be broadcast.
        NotImplementedError: neither is floating-point, or with weights, one holds truth values.
    """
    require_pair("mse_loss", input, target, weight)
    reduction = reduction_from(size_average, reduce, reduction, operation="mse_loss")
    if weight is not None and any(x.is_complex() for x in (input, target, weight)):
        return T.mse_loss(input, target, reduction=reduction, weight=weight)  # type: ignore[call-arg]
    loss = _mse_loss if weight is None else _weighted_mse_loss
    return loss(input, target, weight, reduction)
