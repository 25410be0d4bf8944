"""The Kullback-Leibler divergence: how many nats more it costs to believe q where p is so.

Given   log-probabilities x = log q ("input") and probabilities t = p ("target"), elementwise

            ℓ = t (log t − x)

        or, with `log_target`, the logarithms u = log p in the place of t = e^u; and the upstream gradient,
        which `reduction` turns into g = ∂L/∂ℓ. With "batchmean", Σ ℓ is divided by the number N of examples,
        and is the divergence of one of them, on average.
Want    ∂L/∂x and ∂L/∂t, or ∂L/∂u.

1.  In x, ℓ is a straight line:

        ∂L/∂x = −g t

2.  In t it is a product; the slope of log t is 1/t and cancels the factor t:

        ∂L/∂t = g (log t − x + 1)

3.  By the chain rule, with dt/du = e^u:

        ∂L/∂u = g e^u (u − x + 1)

What it does to a classifier: with x = log softmax(z) before it, and Σ t = 1 for each example, step 1 goes on
(`log_softmax.py`) to

        ∂L/∂z = g (q Σ t − t) = g (q − t)        what was believed minus what is so

the gradient of cross-entropy: the two differ by Σ t log t, the entropy of the target, in which z is not.

The numerical trap: a class that never is has t = 0, and 0 · log 0 is NaN where the limit is 0.
`torch.xlogy` gives 0. The slope of step 2 is −∞ there, as it is on paper.

With "mean" the sum is divided by the number of classes too, and is no divergence; a warning says so.

Shapes: input and target (*), or broadcast to it; output () or (*).

Source: Kullback and Leibler, "On Information and Sufficiency", Annals of Mathematical Statistics 22 (1951).
"""

import warnings
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import require_flags
from manual_backprop.functional.arithmetic.div import div
from manual_backprop.functional.losses._reduction import grad_of_losses, reduce, reduction_from, rounded
from manual_backprop.functional.operation import (
    POSITIVE,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
    widen,
)
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, like


class KLDiv(Operation):
    """ℓ = t (log t − x), ∂L/∂x = −g t and ∂L/∂t = g (log t − x + 1)."""

    formula = Formula(
        "kl_div",
        "loss",
        "mean of p (log p − {0}), p = {1} or its exponential",
        ("−{g} p/n", "{g} ∂(p log p − p {0})/∂{1}/n"),
    )

    @staticmethod
    def written(x: Tensor, t: Tensor, reduction: str, log_target: bool) -> Any:
        if log_target:
            p = torch.exp(t)
            losses = p * (t - x)
        else:
            p = t
            losses = _entropy(t) - t * x if _has_zeros(t) else t * (torch.log(t) - x)
        n = _count(x, losses, reduction)
        loss = losses if reduction == "none" else losses.sum() / n

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dx = -g * p / n
            dx = dx if dx.shape == losses.shape else dx.expand(losses.shape)
            dt = g * (p * (t - x + 1) if log_target else torch.log(t) - x + 1) / n
            return summed_to(dx, x), summed_to(dt, t)

        return loss, backward

    @staticmethod
    def elementary(x: Tensor, t: Tensor, reduction: str, log_target: bool) -> Tensor:
        """The products p (log p − x), added up or averaged."""
        if log_target:
            losses = t.exp() * (t - x)
        elif _has_zeros(t):
            return NotImplemented
        else:
            losses = t * (t.log() - x)
        return losses if reduction == "none" else losses.sum() / _count(x, losses, reduction)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, *_: Any) -> None:
        if not (input.is_floating_point() and target.is_floating_point()):
            raise RuntimeError(
                f"kl_div: expected floating-point numbers, got {input.dtype} and {target.dtype}"
            )

    @staticmethod
    def forward(input: Tensor, target: Tensor, reduction: str, log_target: bool) -> Tensor:
        x, t = widen(input), widen(target)
        losses = t.exp() * (t - x) if log_target else torch.addcmul(torch.xlogy(t, t), t, x, value=-1)
        return rounded(reduce(losses, reduction, _divisor(input, losses.shape, reduction)), input, target)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, ctx.reduction, ctx.log_target = inputs
        keep(ctx, input, target)  # the believed and the true, nothing made of them

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target = ctx.saved_tensors
        needs_input, needs_target, *_ = ctx.needs_input_grad
        x, t = widen(input), widen(target)
        shape = torch.broadcast_shapes(x.shape, t.shape)
        g = grad_of_losses(widen(grad_output), ctx.reduction, _divisor(input, shape, ctx.reduction))
        g = g if x.shape == t.shape else g.expand(shape)  # x or t may be smaller
        grad_input = grad_target = None
        if needs_input:
            grad_input = back_to(like(input), -g * _probability(t, ctx.log_target))
        if needs_target:
            grad_target = back_to(like(target), g * _slope_in_target(x, t, ctx.log_target))
        return grad_input, grad_target, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, target_tangent: Tensor | None, *_: None) -> Tensor:
        input, target = ctx.saved_tensors
        x, t = widen(input), widen(target)
        moved = torch.zeros_like(x - t)
        if input_tangent is not None:
            moved = moved - widen(input_tangent) * _probability(t, ctx.log_target)
        if target_tangent is not None:
            moved = moved + widen(target_tangent) * _slope_in_target(x, t, ctx.log_target)
        tangent = reduce(moved, ctx.reduction, _divisor(input, moved.shape, ctx.reduction))
        return rounded(tangent, input, target)


def _has_zeros(t: Tensor) -> bool:
    return bool((t == 0).any())


def _entropy(t: Tensor) -> Tensor:
    """The products t log t, which are 0 where t is."""
    return torch.where(t > 0, t * torch.log(t), 0)


def _count(x: Tensor, losses: Tensor, reduction: str) -> int:
    """What the sum of the losses is divided by."""
    return {"mean": losses.numel(), "batchmean": x.shape[0] if x.dim() else 1}.get(reduction, 1)


def _probability(t: Tensor, log_target: bool) -> Tensor:
    return t.exp() if log_target else t


def _slope_in_target(x: Tensor, t: Tensor, log_target: bool) -> Tensor:
    """Steps 2 and 3."""
    return t.exp() * (t - x + 1) if log_target else t.log() - x + 1


def _divisor(input: Tensor, losses: torch.Size, reduction: str) -> float:
    """Of "batchmean" the number of examples, of "mean" that of losses (NaN for none: 0/0)."""
    examples = input.shape[0] if input.dim() else 1
    return (examples if reduction == "batchmean" else losses.numel()) or float("nan")


_kl_div = function_of(KLDiv)


@public(T.kl_div, example=example((2, 3), POSITIVE, reduction="batchmean"))
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t − x); as torch.nn.functional.kl_div, with hand-written gradients.

    Args:
        input: x, log-probabilities of any shape (*).
        target: t, probabilities (*), or their logarithms.
        size_average: deprecated, see `reduction`.
        reduce: deprecated, see `reduction`.
        reduction: "batchmean" (the divergence, on average over the examples), "sum", "none", or "mean", which
            divides by the number of classes too, and warns of it.
        log_target: whether `target` holds logarithms.

    Returns:
        The loss, in nats: a scalar, or (*) for "none".

    Raises:
        TypeError: an argument is not a Tensor, or `log_target` not a bool.
        ValueError: an unknown reduction.
        RuntimeError: `input` is not floating-point, or the shapes cannot be broadcast.
    """
    require_tensor("kl_div", input=input, target=target)
    require_flags("kl_div", log_target=log_target)
    per_example = reduction == "batchmean"
    flagged = size_average is not None or reduce is not None
    reduction = reduction_from(
        size_average, reduce, reduction, operation="kl_div", known=("none", "mean", "sum", "batchmean")
    )
    if reduction == "mean" and not flagged and not torch.compiler.is_compiling():
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of classes too; 'batchmean' is the divergence",
            stacklevel=2,
        )
    loss = _kl_div(input, target, reduction, log_target)
    return div(loss, input.shape[0]) if flagged and per_example else loss  # the flags do not take it away
