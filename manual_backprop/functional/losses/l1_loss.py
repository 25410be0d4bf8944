"""The absolute error: how far the prediction is from the target, and no farther.

Given   ℓᵢ = wᵢ |xᵢ − tᵢ|, i running over all elements, weights w (1 where none are given),

            "none"  out = ℓ        "sum"  out = Σᵢ ℓᵢ        "mean"  out = Σᵢ ℓᵢ / Σᵢ wᵢ

        and the upstream gradient, which `reduction` turns into gᵢ = ∂L/∂ℓᵢ.
Want    ∂L/∂x, ∂L/∂t, ∂L/∂w.

1.  With e = x − t, the slope of |e| is the sign of e, and at e = 0 it is 0, the middle of the subgradients
    (abs.py). The inner derivative is 1 for x and −1 for t:

        ∂L/∂xᵢ = gᵢ wᵢ sign(eᵢ)
        ∂L/∂tᵢ = −∂L/∂xᵢ

2.  ℓ is linear in w. In the mean, w also stands in the divisor (_weighted_mean.py):

        ∂L/∂wᵢ = gᵢ |eᵢ|                 none, sum
        ∂L/∂wᵢ = g (|eᵢ| − out)          mean

What it does to a fit: every error pulls with the same force, so an outlier counts once and not by its size.
The constant x that fits targets t best has as many of them above as below: it is their median, where the
squared error has their mean. And the pull does not fade near the target, as it does in `huber_loss.py`.

A complex error has the direction e / |e| in place of the sign.

Shapes: input and target (*), weight (*); output () or (*). An input and a target of different shapes are
broadcast, with a warning; each gets a gradient of its own shape, summed over where it was repeated.

Source: Koenker and Bassett, "Regression Quantiles", Econometrica 46 (1978), the quantile 1/2.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._difference import (
    count_of,
    difference,
    require_pair,
    require_weight_like,
    row_dims_of,
    scaled,
)
from manual_backprop.functional.losses._reduction import (
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


class L1Loss(Operation):
    """ℓ = w |x − t| and ∂L/∂x = g w sign(x − t)."""

    has_several_passes = True

    formula = Formula(
        "l1_loss", "loss", "mean of |{0} − {1}|", ("{g} sign({0} − {1})/n", "−{g} sign({0} − {1})/n")
    )

    @staticmethod
    def written(x: Tensor, y: Tensor, weight: Tensor | None, reduction: str) -> Any:
        d = x - y
        loss, n, dweight = reduced(torch.abs(d), weight, reduction)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dx = g * torch.sign(d) / n if weight is None else g * weight * torch.sign(d) / n
            return summed_to(dx, x), summed_to(-dx, y), dweight(g)

        return loss, backward

    @staticmethod
    def elementary(x: Tensor, y: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
        """The sizes of x − y, added up or averaged."""
        d = x - y
        losses = d.abs()
        return value(losses, weight, reduction)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
        require_weight_like("l1_loss", input, weight)
        if torch.bool in (input.dtype, target.dtype):
            raise NotImplementedError(f"l1_loss: expected numbers, got {input.dtype} and {target.dtype}")
        dtype = torch.promote_types(input.dtype, target.dtype)
        if reduction == "mean" and weight is None and not (dtype.is_floating_point or dtype.is_complex):
            raise RuntimeError(f"l1_loss: the mean is of floating-point numbers, got {dtype}")

    @classmethod
    def row_dims(cls, *inputs: Any) -> int | None:
        return row_dims_of(*inputs[:3])

    @staticmethod
    def forward(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
        loss = weighted(difference(input, target).abs(), weight, reduction)
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

        sign = error.sgn_() if overwrites else error.sgn()
        slope = scaled(sign, g if weight is None else g * widen(weight), overwrites)
        grad_input = back_to(like(input), slope) if needs_input else None
        grad_target = back_to(like(target), -slope) if needs_target else None
        grad_weight = grad_of_weight(error.abs(), weight, g, ctx.reduction) if needs_weight else None
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
        direction = error.sgn().conj()  # conj() and real change complex numbers only
        moved = torch.zeros_like(error.real)
        for tangent, slope in ((input_tangent, direction), (target_tangent, -direction)):
            if tangent is not None:
                moved = moved + (widen(tangent) * slope).real
        tangent = weighted_tangent(error.abs(), moved, weight, weight_tangent, ctx.reduction)
        return rounded(tangent, input, target, weight)


class WeightedL1Loss(L1Loss):
    """The same under autocast, which leaves the weighted loss in the type that it is given."""

    formula = Formula(
        "weighted_l1_loss",
        "loss",
        "mean of |{0} − {1}|, n = Σ {2}",
        ("{g} {2} sign({0} − {1})/n", "−{g} {2} sign({0} − {1})/n", "{g} (|{0} − {1}| − {out})/n"),
    )

    @staticmethod
    def autocast_dtype(device_type: str) -> None:
        return None


_l1_loss = function_of(L1Loss)
_weighted_l1_loss = function_of(WeightedL1Loss)


@public(T.l1_loss, example=example((5, 3), (5, 3)))
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The distance of x from t; as torch.nn.functional.l1_loss, with a hand-written gradient.

    Args:
        input: x, (*).
        target: t, (*).
        size_average: deprecated, see `reduction`.
        reduce: deprecated, see `reduction`.
        reduction: "mean" (weighted), "sum" or "none".
        weight: w, (*), of the input's shape; None for 1.

    Returns:
        The loss: a scalar, or (*) for "none".

    Raises:
        TypeError: an argument is not a Tensor.
        ValueError: an unknown reduction, or a weight of another shape than the input.
        RuntimeError: shapes that cannot be broadcast, or the mean of integers without weights.
        NotImplementedError: truth values.
    """
    require_pair("l1_loss", input, target, weight)
    reduction = reduction_from(size_average, reduce, reduction, operation="l1_loss")
    loss = _l1_loss if weight is None else _weighted_l1_loss
    return loss(input, target, weight, reduction)
