"""The cross-entropy of yes or no: sigmoid, logarithm and likelihood in one step.

Given   scores x ("logits"), targets t from 0 to 1, a weight p for the answer yes and a weight w, both 1 where
        not given; elementwise

            ℓ = −w (p t log σ(x) + (1 − t) log(1 − σ(x)))          σ(x) = 1 / (1 + e⁻ˣ)

        and the upstream gradient, which `reduction` turns into g = ∂L/∂ℓ.
Want    ∂L/∂x, ∂L/∂t. The weights are constants.

1.  The logarithm undoes the exponential. Let s be the *softplus* of −x:

        log σ(x) = −s                    s = log(1 + e⁻ˣ)
        log(1 − σ(x)) = −x − s

2.  Put in, ℓ holds no σ any more:

        ℓ = w (p t s + (1 − t) (x + s)) = w ((1 − t) x + q s)          q = 1 + (p − 1) t

3.  The derivative of s is −e⁻ˣ / (1 + e⁻ˣ) = σ(x) − 1. Since 1 − t − q = −p t,

        ∂L/∂x = g w (1 − t + q (σ(x) − 1)) = g w (q σ(x) − p t)

    With p = 1 it is *what was believed minus what is so*, σ(x) − t, as in `cross_entropy`.

4.  In t, ℓ is a straight line. By the first form of step 2,

        ∂L/∂t = g w (p s − (x + s))

    and x + s = log(1 + eˣ) is the softplus of x.

The numerical trap: log(1 + e⁻ˣ) overflows for x ≪ 0. `torch.logaddexp` takes the larger exponent out first.
And the first form of step 3 cancels for x ≪ 0, where σ(x) − 1 rounds to −1; the last one does not.

Shapes: input and target (*), weights of any shape that broadcasts to (*); output () or (*).

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equations 4.90 and 4.91, for p = w = 1.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._reduction import grad_of_losses, reduce, reduction_from
from manual_backprop.functional.operation import (
    SHARES,
    Formula,
    Operation,
    broadcasts,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)

NAME = "binary_cross_entropy_with_logits"


class BinaryCrossEntropyWithLogits(Operation):
    """ℓ = w ((1 − t) x + q s), ∂L/∂x = g w (q σ(x) − p t) and ∂L/∂t = g w (p s − (x + s))."""

    formula = Formula(
        "binary_cross_entropy_with_logits",
        "loss",
        "−{1} log σ({0}) − (1 − {1}) log(1 − σ({0})), averaged",
        ("(σ({0}) − {1}) {g}/n", "−{0} {g}/n"),
    )

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(
        input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, *_: Any
    ) -> None:
        if input.shape != target.shape:
            raise ValueError(
                f"{NAME}: input and target must have the same shape, got {tuple(input.shape)} and "
                f"{tuple(target.shape)}"
            )
        if not input.is_floating_point():
            raise NotImplementedError(f"{NAME}: expected a floating-point input, got {input.dtype}")
        if not target.is_floating_point():
            kind = NotImplementedError if target.dtype == torch.bool else RuntimeError
            raise kind(f"{NAME}: expected a floating-point target, got {target.dtype}")
        for name, tensor in (("weight", weight), ("pos_weight", pos_weight)):
            if tensor is None:
                continue
            if not broadcasts(tensor.shape, input.shape):
                raise RuntimeError(
                    f"{NAME}: {name} {tuple(tensor.shape)} does not broadcast to input {tuple(input.shape)}"
                )
            if tensor.is_complex():
                raise RuntimeError(f"{NAME}: {name} must be real, as the loss is, got {tensor.dtype}")
            if tensor.requires_grad:
                raise RuntimeError(f"{NAME}: {name} is a constant here and cannot require a gradient")

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
    ) -> Tensor:
        x, t, w, p = _wide(input, target, weight, pos_weight)
        losses = w * ((1 - t) * x + share(t, p) * softplus(-x))
        return narrow(reduce(losses, reduction, _count(losses)), target.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.reduction = inputs
        keep(ctx, *tensors)  # the scores and the data; nothing is added

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, *_ = ctx.saved_tensors
        needs_input, needs_target, *_ = ctx.needs_input_grad
        x, t, w, p = _wide(*ctx.saved_tensors)
        g = grad_of_losses(widen(grad_output), ctx.reduction, _count(x))
        grad_input = grad_target = None
        if needs_input:
            grad_input = narrow(g * w * (share(t, p) * torch.sigmoid(x) - p * t), input.dtype)
        if needs_target:
            grad_target = narrow(g * w * slope_in_t(x, p), target.dtype)
        return grad_input, grad_target, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, target_tangent: Tensor | None, *_: None) -> Tensor:
        _, target, *_ = ctx.saved_tensors
        x, t, w, p = _wide(*ctx.saved_tensors)
        moved = torch.zeros_like(x)
        if input_tangent is not None:
            moved = moved + widen(input_tangent) * w * (share(t, p) * torch.sigmoid(x) - p * t)
        if target_tangent is not None:
            moved = moved + widen(target_tangent) * w * slope_in_t(x, p)
        return narrow(reduce(moved, ctx.reduction, _count(x)), target.dtype)


def share(t: Tensor, p: Tensor | float) -> Tensor | float:
    """Step 2: q = 1 + (p − 1) t, which is 1 without p, for any t."""
    return 1 + (p - 1) * t if isinstance(p, Tensor) else 1.0


def slope_in_t(x: Tensor, p: Tensor | float) -> Tensor:
    """Step 4: p s − (x + s), of which −x is left without p; so no infinite s is taken from another."""
    return p * softplus(-x) - softplus(x) if isinstance(p, Tensor) else -x


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) = log(e⁰ + e^x)."""
    return torch.logaddexp(x, torch.zeros_like(x))


def _wide(input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None) -> tuple[Any, ...]:
    """x, t, w and p, wide enough to compute in; 1 for a weight that is not given."""
    weights = (1.0 if weight is None else widen(weight) for weight in (weight, pos_weight))
    return widen(input), widen(target), *weights


def _count(losses: Tensor) -> float:
    """The divisor of the mean: the number of losses (NaN for none: 0/0)."""
    return losses.numel() or float("nan")


_binary_cross_entropy_with_logits = function_of(BinaryCrossEntropyWithLogits)


@public(T.binary_cross_entropy_with_logits, example=example((2, 3), SHARES))
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """ℓ of σ(x) and t; as torch.nn.functional.binary_cross_entropy_with_logits, with hand-written gradients.

    Args:
        input: scores x, of any shape (*).
        target: t, (*), from 0 to 1.
        weight: w, a factor of each loss, of a shape that broadcasts to (*).
        size_average: deprecated, see `reduction`.
        reduce: deprecated, see `reduction`.
        reduction: "mean", "sum" or "none".
        pos_weight: p, what the answer yes weighs against no, of a shape that broadcasts to (*).

    Returns:
        The loss, in nats and in the target's type: a scalar, or (*) for "none". The mean is over all
        elements, whatever they weigh.

    Raises:
        TypeError: an argument is not a Tensor.
        ValueError: a target of another shape than the input, or an unknown reduction.
        RuntimeError: a weight that does not broadcast, is complex or requires a gradient; an integer target.
        NotImplementedError: an integer input.
    """
    require_tensor(NAME, input=input, target=target)
    for name, tensor in (("weight", weight), ("pos_weight", pos_weight)):
        if tensor is not None:
            require_tensor(NAME, **{name: tensor})
    reduction = reduction_from(size_average, reduce, reduction, operation=NAME)
    return _binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


@twin_of(torch.binary_cross_entropy_with_logits)
def torch_binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:
    """The same, with the arguments of torch's own function, to which reductions are numbers."""
    return binary_cross_entropy_with_logits(
        input, target, weight, reduction=("none", "mean", "sum")[reduction], pos_weight=pos_weight
    )
