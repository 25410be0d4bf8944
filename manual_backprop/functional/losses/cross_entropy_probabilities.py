"""The cross-entropy with class probabilities: the target is a distribution, and may itself be trained.

Given   ℓₙ = −Σₖ tₙₖ log pₙₖ with p = softmax(z) and, for class probabilities q, weights w and smoothing ε,

            tₙₖ = wₖ ((1 − ε) qₙₖ + ε/C)

        and the upstream gradient, which `reduction` turns into gₙ = ∂L/∂ℓₙ; "mean" divides by N.
Want    ∂L/∂z, ∂L/∂q, ∂L/∂w.

1.  ∂L/∂z is the one of `cross_entropy`, step 3, in which t may be anything:

        ∂L/∂zₙₖ = gₙ (pₙₖ Σⱼ tₙⱼ − tₙₖ)

2.  ℓ is linear in t, and t is linear in q and in w. What multiplies them is their gradient:

        ∂L/∂qₙₖ = −gₙ (1 − ε) wₖ log pₙₖ

3.  wₖ is in the loss of every example, so the chain rule sums over them:

        ∂L/∂wₖ = −Σₙ gₙ ((1 − ε) qₙₖ + ε/C) log pₙₖ

The numerical trap is the one of `log_softmax`: log p is formed from z with the maximum subtracted, never as
the logarithm of p.

Shapes: input and target (N, C), (C,) or (N, C, d1, …), weight (C,); output () or (N, d1, …).

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equations 4.108 and 4.109.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.activations.log_softmax import log_softmax_tangent, stable_log_softmax
from manual_backprop.functional.losses._classes import (
    check_scores,
    check_weight,
    class_dimension,
    class_weights,
)
from manual_backprop.functional.losses._reduction import grad_of_losses, reduce
from manual_backprop.functional.operation import Formula, Operation, function_of, keep, narrow, widen


class CrossEntropyProbabilities(Operation):
    """For class probabilities q, with t = w ((1 − ε) q + ε/C): ∂ℓ/∂z = p Σₖ tₖ − t, and the two of step 6."""

    formula = Formula(
        "cross_entropy_probabilities",
        "loss",
        "−{1} log softmax({0}), averaged",
        ("(softmax({0}) − {1}) {g}/N", "−log softmax({0}) {g}/N"),
    )

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, *_: Any) -> None:
        check_scores("cross_entropy", input)
        if weight is not None:
            check_weight("cross_entropy", weight, input.shape[class_dimension(input)])

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, epsilon: float
    ) -> Tensor:
        dim = class_dimension(input)
        q, w = _smoothed(target, epsilon, dim), class_weights(weight, input)
        losses = -(w * q * stable_log_softmax(widen(input), dim)).sum(dim)
        dtype = torch.promote_types(input.dtype, target.dtype)
        dtype = dtype if weight is None else torch.promote_types(dtype, weight.dtype)
        return narrow(reduce(losses, reduction, losses.numel()), dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, *ctx.options = inputs
        keep(ctx, input, target, weight)  # p is formed anew from z here too

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, weight = ctx.saved_tensors
        (reduction, epsilon), dim = ctx.options, class_dimension(input)
        needs_input, needs_target, needs_weight, *_ = ctx.needs_input_grad
        q, w = _smoothed(target, epsilon, dim), class_weights(weight, input)
        losses = input.numel() // max(input.shape[dim], 1)
        g = grad_of_losses(widen(grad_output), reduction, losses)
        g = g.unsqueeze(dim) if reduction == "none" else g

        grad_input = grad_target = grad_weight = None
        if needs_input:
            t = w * q
            p = torch.softmax(widen(input), dim)
            grad_input = narrow((p * t.sum(dim, keepdim=True) - t) * g, input.dtype)
        if needs_target or needs_weight:
            log_p = stable_log_softmax(widen(input), dim)
            if needs_target:
                grad_target = narrow(-(1 - epsilon) * w * log_p * g, target.dtype)
            if needs_weight:
                grad_weight = (-q * log_p * g).sum_to_size(w.shape).reshape(weight.shape)
                grad_weight = narrow(grad_weight, weight.dtype)
        return grad_input, grad_target, grad_weight, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        target_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, target, weight = ctx.saved_tensors
        (reduction, epsilon), dim = ctx.options, class_dimension(input)
        q, w = _smoothed(target, epsilon, dim), class_weights(weight, input)
        log_p = stable_log_softmax(widen(input), dim)
        terms = []  # the product rule for −Σ w q log p
        if input_tangent is not None:
            terms.append(w * q * log_softmax_tangent(log_p.exp(), widen(input_tangent), dim))
        if target_tangent is not None:
            terms.append(w * (1 - epsilon) * widen(target_tangent) * log_p)
        if weight_tangent is not None:
            terms.append(class_weights(weight_tangent, input) * q * log_p)
        losses = -sum(terms[1:], start=terms[0]).sum(dim)
        return reduce(losses, reduction, losses.numel())


def _smoothed(target: Tensor, epsilon: float, dim: int) -> Tensor:
    """(1 − ε) q + ε/C."""
    q = widen(target)
    return q if epsilon == 0 else (1 - epsilon) * q + epsilon / target.shape[dim]


_cross_entropy_probabilities = function_of(CrossEntropyProbabilities)


def cross_entropy_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−Σ t log softmax(z), for `cross_entropy` to call when its target has the shape of its input.

    Args:
        input: scores z, (N, C), (C,) or (N, C, d1, …).
        target: class probabilities q, of the same shape.
        weight: one weight for each class, (C,); None for 1.
        reduction: "mean" (over the examples), "sum" or "none".
        label_smoothing: ε, from 0 to 1.

    Returns:
        The loss, in nats: a scalar, or (N, d1, …) for "none".

    Raises:
        ValueError: an input without a class dimension.
        RuntimeError: not one weight for each class.
        NotImplementedError: an input that is not floating-point.
    """
    return _cross_entropy_probabilities(input, target, weight, reduction, label_smoothing)
