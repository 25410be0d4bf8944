"""The cross-entropy with class probabilities: the target is a distribution, and may itself be trained.

Given   ℓₙ = −Σₖ tₙₖ log pₙₖ with p = softmax(z) and, for class probabilities q, weights w and smoothing ε,

            tₙₖ = wₖ ((1 − ε) qₙₖ + ε/C)

        reduced by a divisor E that has the minus sign of ℓ:

            "none"  outₙ = Σₖ tₙₖ log pₙₖ / E              E = −1
            "sum"   out = Σₙ Σₖ tₙₖ log pₙₖ / E            E = −1
            "mean"  out = Σₙ Σₖ tₙₖ log pₙₖ / E            E = −N

        and the upstream gradient v = ∂L/∂out, one number or (N,).
Want    ∂L/∂z, ∂L/∂q, ∂L/∂w.

1.  Let hₙ = vₙ/E, which is −∂L/∂ℓₙ. ∂L/∂z is the one of `cross_entropy`, step 3, in which t may be anything:

        ∂L/∂zₙₖ = hₙ (tₙₖ − pₙₖ Σⱼ tₙⱼ)

2.  out is linear in t, and t is linear in q and in w. What multiplies them is their gradient:

        ∂L/∂tₙₖ = hₙ log pₙₖ
        ∂L/∂qₙₖ = (1 − ε) wₖ ∂L/∂tₙₖ

3.  wₖ is in the loss of every example, so the chain rule sums over them:

        ∂L/∂wₖ = Σₙ ((1 − ε) qₙₖ + ε/C) ∂L/∂tₙₖ

The numerical trap is the one of `log_softmax`: log p is formed from z with the maximum subtracted, never as
the logarithm of p. `torch.log_softmax` does so.

Shapes: input and target (N, C), (C,) or (N, C, d1, …), weight (C,); output () or (N, d1, …).

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equations 4.108 and 4.109.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.log_softmax import log_softmax_tangent
from manual_backprop.functional.losses._classes import (
    check_scores,
    check_weight,
    class_dimension,
    class_weights,
)
from manual_backprop.functional.losses._targets import averaged
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
    def written(z: Tensor, q: Tensor, weight: Tensor | None, reduction: str, epsilon: float) -> Any:
        dim = class_dimension(z)
        logp = torch.log_softmax(z, dim)
        smoothed = q if epsilon == 0 else (1 - epsilon) * q + epsilon / z.shape[dim]
        w = None if weight is None else _by_class(weight, z)
        target = smoothed if w is None else w * smoothed
        n = z.numel() // z.shape[dim]
        n = n if reduction == "mean" else 1
        loss = averaged(target * logp, dim, reduction, n)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            g = g.unsqueeze(dim) if reduction == "none" else g
            p = torch.softmax(z, dim)
            dz = g * (p * target.sum(dim, keepdim=True) - target) / n
            dt = -g * logp / n
            dq = dt if w is None else w * dt
            examples = tuple(d for d in range(z.dim()) if d != dim)
            terms = dt * smoothed
            dweight = terms.sum(examples) if examples else terms
            return dz, (1 - epsilon) * dq, None if weight is None else dweight

        return loss, backward

    @staticmethod
    def elementary(z: Tensor, q: Tensor, weight: Tensor | None, reduction: str, epsilon: float) -> Tensor:
        """The mean of −Σ t log p, with p = softmax(z) and t = q, or smoothed."""
        dim = class_dimension(z)
        t = q if epsilon == 0 else (1 - epsilon) * q + epsilon / z.shape[dim]
        t = t if weight is None else _by_class(weight, z) * t
        logp = T.log_softmax(z, dim)
        return averaged(t * logp, dim, reduction, z.numel() // z.shape[dim])

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
        terms = _target(target, weight, epsilon, dim) * torch.log_softmax(widen(input), dim)
        reduced = terms.sum(dim) if reduction == "none" else terms.sum()
        dtype = torch.promote_types(input.dtype, target.dtype)
        dtype = dtype if weight is None else torch.promote_types(dtype, weight.dtype)
        return narrow(reduced / _divisor(input, dim, reduction), dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, *ctx.options = inputs
        keep(ctx, input, target, weight)  # p is formed anew from z here too

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, weight = ctx.saved_tensors
        (reduction, epsilon), dim = ctx.options, class_dimension(input)
        needs_input, needs_target, needs_weight, *_ = ctx.needs_input_grad
        h = widen(grad_output) / _divisor(input, dim, reduction)
        h = h.unsqueeze(dim) if reduction == "none" else h

        grad_input = grad_target = grad_weight = None
        if needs_input:
            t, p = _target(target, weight, epsilon, dim), torch.softmax(widen(input), dim)
            slope = torch.addcmul(t, p, t.sum(dim, keepdim=True), value=-1)  # t − p Σ t
            grad_input = narrow(slope * h, input.dtype)
        if needs_target or needs_weight:
            grad_t = torch.log_softmax(widen(input), dim) * h
            if needs_target:
                grad_q = grad_t if epsilon == 0 else (1 - epsilon) * grad_t
                grad_target = narrow(_weigh(grad_q, weight, dim), target.dtype)
            if needs_weight:
                terms = _smoothed(target, epsilon, dim) * grad_t
                grad_w = terms.sum_to_size(class_weights(weight, terms).shape).reshape(weight.shape)
                grad_weight = narrow(grad_w, weight.dtype)
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
        log_p = torch.log_softmax(widen(input), dim)
        terms = []  # the product rule for Σ w q log p
        if input_tangent is not None:
            log_p_tangent = log_softmax_tangent(log_p.exp(), widen(input_tangent), dim)
            terms.append(_target(target, weight, epsilon, dim) * log_p_tangent)
        if target_tangent is not None:
            terms.append(_weigh((1 - epsilon) * widen(target_tangent), weight, dim) * log_p)
        if weight_tangent is not None:
            terms.append(_weigh(_smoothed(target, epsilon, dim), weight_tangent, dim) * log_p)
        moved = sum(terms[1:], start=terms[0]).sum(dim)
        return (moved if reduction == "none" else moved.sum()) / _divisor(input, dim, reduction)


def _by_class(weight: Tensor, z: Tensor) -> Tensor:
    """wₖ as (C, 1, …), which broadcasts against scores (N, C, d1, …)."""
    return weight.reshape(len(weight), *(1,) * (z.dim() - 1 - class_dimension(z)))


def _target(target: Tensor, weight: Tensor | None, epsilon: float, dim: int) -> Tensor:
    """t = w ((1 − ε) q + ε/C)."""
    return _weigh(_smoothed(target, epsilon, dim), weight, dim)


def _smoothed(target: Tensor, epsilon: float, dim: int) -> Tensor:
    """(1 − ε) q + ε/C."""
    q = widen(target)
    return q if epsilon == 0 else (1 - epsilon) * q + epsilon / target.shape[dim]


def _weigh(values: Tensor, weight: Tensor | None, dim: int) -> Tensor:
    """The values, (N, C, …), times wₖ."""
    return values if weight is None else class_weights(weight, values) * values


def _divisor(input: Tensor, dim: int, reduction: str) -> int:
    """E."""
    return -(input.numel() // max(input.shape[dim], 1)) if reduction == "mean" else -1


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
