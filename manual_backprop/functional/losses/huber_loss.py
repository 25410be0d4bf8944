"""Huber's error: squared near the target, absolute far from it; divided by β, the smooth L1 error.

Given   the error e = x − t, a threshold δ > 0, weights w (1 where none are given), elementwise ℓ = w h(e),

            h(e) = e²/2             if |e| ≤ δ
            h(e) = δ (|e| − δ/2)    otherwise

        and the upstream gradient, which `reduction` turns into g = ∂L/∂ℓ. The mean is over the number of
        losses, whatever they weigh.
Want    ∂L/∂x, ∂L/∂t, ∂L/∂w.

1.  Let c = clip(e, −δ, δ), the error cut off at the threshold. Both lines of h are one formula:

        h = c (e − c/2)

    Near the target c = e, and e (e − e/2) = e²/2. Above it c = δ, and δ (e − δ/2) is the second line. Below
    it c = −δ, and −δ (e + δ/2) = δ (−e − δ/2) is the second line too.

2.  The slope of h is that of each line: e near the target, ±δ far from it. That is c:

        h′(e) = c

3.  The inner derivative is 1 for x and −1 for t, and ℓ is linear in w:

        ∂L/∂x = g w c        ∂L/∂t = −g w c        ∂L/∂w = g h

4.  `smooth_l1_loss` divides ℓ by β = δ, and with it the slope, which is 1 far from the target. It comes ever
    closer to the absolute error as β goes to 0, and is that for β = 0 (`l1_loss.py`).

What it does to a fit: the pull of an outlier ends at δ, as that of the absolute error does, which is called
clipping if it is done to a gradient. And near the target it fades with the error, so that gradient descent
with a fixed step settles.

The numerical trap: where `torch.where` chooses between the two lines of h, the square overflows also where it
is not chosen, and a gradient through it is 0 · ∞, NaN. Step 1 squares nothing larger than δ.

Shapes: input and target (*), weight (*); output () or (*). An input and a target of different shapes are
broadcast, with a warning; each gets a gradient of its own shape, summed over where it was repeated.

Source: Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1964);
Girshick, "Fast R-CNN" (2015), equation 3, for β = 1.
"""

from math import isinf
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
from manual_backprop.functional.losses._huber_written import written
from manual_backprop.functional.losses._reduction import (
    REDUCTIONS,
    grad_of_losses,
    reduce,
    reduction_from,
)
from manual_backprop.functional.losses._written import value as value_of
from manual_backprop.functional.losses.l1_loss import L1Loss
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    widen,
)
from manual_backprop.functional.operation.torch_state import may_overwrite_own
from manual_backprop.functional.shapes.broadcast_to import back_to, like


class HuberLoss(Operation):
    """ℓ = w c (e − c/2) / β and ∂L/∂x = g w c / β, with c = clip(x − t, −δ, δ) and β = 1."""

    has_several_passes = True

    formula = Formula(
        "huber_loss",
        "loss",
        "mean of ‹{2} ›c ({0} − {1} − c/2), c = {0} − {1} clipped at ±{4}",
        ("{g}‹ {2}› c/n", "−{g}‹ {2}› c/n", "{g} c ({0} − {1} − c/2)/n"),
    )

    @staticmethod
    def written(*inputs: Any) -> Any:
        return written(*inputs)

    @staticmethod
    def elementary(
        x: Tensor, y: Tensor, weight: Tensor | None, reduction: str, delta: float, beta: float
    ) -> Tensor:
        """Half the square of d = x − y where |d| < δ, else the line δ (|d| − δ/2); all over β."""
        d = x - y
        if isinf(delta):
            return value_of(d**2 / (2 * beta), weight, reduction, weighs=False)
        size = d.abs()
        slope = delta / beta
        losses = torch.where(size < delta, d**2 / (2 * beta), slope * (size - delta / 2))
        return value_of(losses, weight, reduction, weighs=False)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, *_: Any) -> None:
        require_weight_like("huber_loss", input, weight)
        given = f"got {input.dtype} and {target.dtype}"
        if _kind(target) > _kind(input):
            raise RuntimeError(f"huber_loss: the loss, in the input's type, cannot hold the target, {given}")
        if _kind(input) != 1:
            raise NotImplementedError(f"huber_loss: expected floating-point numbers, {given}")

    @classmethod
    def row_dims(cls, *inputs: Any) -> int | None:
        return row_dims_of(*inputs[:3])

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, delta: float, beta: float
    ) -> Tensor:
        if are_alike(input, target, weight):
            return torch.ops.aten.huber_loss(input, target, REDUCTIONS[reduction], delta)  # in one pass
        dtype = input.dtype if weight is None else torch.promote_types(input.dtype, weight.dtype)
        return narrow(_loss(input, target, weight, reduction, delta, beta), dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, ctx.reduction, ctx.delta, ctx.beta = inputs
        ctx.count, ctx.dtype = count_of(input, target), output.dtype
        keep(ctx, input, target, weight)  # their difference is formed anew

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, weight = ctx.saved_tensors
        needs_input, needs_target, needs_weight, *_ = ctx.needs_input_grad
        error = difference(input, target)
        g = grad_of_losses(widen(grad_output), ctx.reduction, ctx.count)
        overwrites = weight is None and may_overwrite_own(grad_output)
        c = (error.clamp_ if overwrites else error.clamp)(-ctx.delta, ctx.delta)

        slope = scaled(over(c, ctx.beta), g if weight is None else g * widen(weight), overwrites)
        grad_input = back_to(like(input), slope) if needs_input else None
        grad_target = back_to(like(target), -slope) if needs_target else None
        grad_weight = back_to(like(weight), g * value(error, c, ctx.beta)) if needs_weight else None
        return grad_input, grad_target, grad_weight, None, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        target_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, target, weight = ctx.saved_tensors
        error = difference(input, target)
        c = error.clamp(-ctx.delta, ctx.delta)
        slope = over(c, ctx.beta) if weight is None else widen(weight) * over(c, ctx.beta)
        moved = torch.zeros_like(slope)
        if input_tangent is not None:
            moved = moved + widen(input_tangent) * slope
        if target_tangent is not None:
            moved = moved - widen(target_tangent) * slope
        if weight_tangent is not None:
            moved = moved + widen(weight_tangent) * value(error, c, ctx.beta)
        return narrow(reduce(moved, ctx.reduction), ctx.dtype)


class SmoothL1Loss(HuberLoss):
    """The same with β = δ; its type is the one that holds both input and target."""

    formula = Formula(
        "smooth_l1_loss",
        "loss",
        "mean of c ({0} − {1} − c/2)/{4}, c = {0} − {1} clipped at ±{4}",
        ("{g} c/(n {4})", "−{g} c/(n {4})"),
    )

    @staticmethod
    def check(input: Tensor, target: Tensor, *_: Any) -> None:
        dtype = torch.promote_types(input.dtype, target.dtype)
        if not dtype.is_floating_point:
            raise NotImplementedError(f"smooth_l1_loss: expected floating-point numbers, got {dtype}")

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, delta: float, beta: float
    ) -> Tensor:
        if are_alike(input, target, weight):
            return torch.ops.aten.smooth_l1_loss(input, target, REDUCTIONS[reduction], beta)
        dtype = torch.promote_types(input.dtype, target.dtype)
        return narrow(_loss(input, target, weight, reduction, delta, beta), dtype)


def _kind(x: Tensor) -> int:
    """0 for integers, 1 for floating-point numbers, 2 for complex ones; each can be held by the next."""
    return 2 if x.is_complex() else int(x.is_floating_point())


def _loss(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, delta: float, beta: float
) -> Tensor:
    error = difference(input, target)
    losses = value(error, error.clamp(-delta, delta), beta)
    return reduce(losses if weight is None else losses * widen(weight), reduction)


def value(error: Tensor, c: Tensor, beta: float) -> Tensor:
    """Step 1: h/β = c (e − c/2) / β."""
    return over(c, beta) * torch.sub(error, c, alpha=0.5)


def over(c: Tensor, beta: float) -> Tensor:
    """Step 4: h′/β = c/β."""
    return c if beta == 1 else c / beta


_huber_loss = function_of(HuberLoss)
_smooth_l1_loss = function_of(SmoothL1Loss)
_l1_loss = function_of(L1Loss)


@public(T.huber_loss, example=example((5, 3), (5, 3)))
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """(x − t)² / 2 where x is within δ of t, then a straight line; as torch.nn.functional.huber_loss.

    Args:
        input: x, (*).
        target: t, (*).
        reduction: "mean" (over the number of losses), "sum" or "none".
        delta: δ, greater than 0, the error from which on the loss is a straight line.
        weight: w, (*), of the input's shape; None for 1.

    Returns:
        The loss, in the input's type: a scalar, or (*) for "none".

    Raises:
        TypeError: an argument is not a Tensor, or δ no number.
        ValueError: an unknown reduction, or a weight of another shape than the input.
        RuntimeError: a δ that is not greater than 0, shapes that cannot be broadcast, or an integer input
            with a target that is not.
        NotImplementedError: `input` is not floating-point.
    """
    require_pair("huber_loss", input, target, weight)
    reduction = reduction_from(None, None, reduction, operation="huber_loss")
    if not delta > 0:  # nor NaN
        raise RuntimeError(f"huber_loss: delta must be greater than 0, got {delta}")
    return _huber_loss(input, target, weight, reduction, delta, 1.0)


@public(T.smooth_l1_loss, example=example((5, 3), (5, 3), beta=0.5))
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(x − t)² / 2β where x is within β of t, then a straight line; as torch.nn.functional.smooth_l1_loss.

    Args:
        input: x, (*).
        target: t, (*).
        size_average: deprecated, see `reduction`.
        reduce: deprecated, see `reduction`.
        reduction: "mean", "sum" or "none".
        beta: β, the error from which on the loss is a straight line; with 0 it is one throughout.

    Returns:
        The loss: a scalar, or (*) for "none".

    Raises:
        TypeError: an argument is not a Tensor, or β no number.
        ValueError: an unknown reduction.
        RuntimeError: a β that is less than 0, or shapes that cannot be broadcast.
        NotImplementedError: `input` is not floating-point.
    """
    require_pair("smooth_l1_loss", input, target)
    reduction = reduction_from(size_average, reduce, reduction, operation="smooth_l1_loss")
    if not beta >= 0:  # nor NaN
        raise RuntimeError(f"smooth_l1_loss: beta must be at least 0, got {beta}")
    if beta == 0:
        return _l1_loss(input, target, None, reduction)
    return _smooth_l1_loss(input, target, None, reduction, beta, beta)
