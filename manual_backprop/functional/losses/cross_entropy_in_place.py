"""The cross-entropy that turns the logits into their gradient: one tensor (N, C) where there were three.

Given   logits z, classes y, and L = cross_entropy(z, y), reduced to one number.
Want    ∂L/∂z, in the place where z stood.

1.  By `cross_entropy`, steps 3 to 5, with D the divisor of the mean (1 for the sum) and v the
    upstream gradient:

        ∂L/∂z = (v/D) (p Σₖ tₖ − t)

2.  Everything but v is known in the forward pass, and each line needs z only through the line before it. So
    each is written over the last one:

        log p = z − log Σ e^z        over z         (the loss is read off here)
        p = e^{log p}                over log p
        (p Σₖ tₖ − t) / D            over p

    The backward multiplies that by v, again in place.

What it costs: z is gone, whence the name with PyTorch's underscore. Whoever kept z for a backward of their
own is told by autograd. The gradient can be returned once only, and there are no second derivatives: they
would need z.

The numerical trap is the one of `log_softmax`: the maximum is subtracted before the exponential.

Shapes: input (N, C), (C,) or (N, C, d1, …); target (N,), () or (N, d1, …); output ().

Source: as in `cross_entropy`; Hsu et al., "Liger Kernel" (2024), section 3.2.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.losses._classes import (
    check_classes,
    check_labels,
    class_dimension,
    labels_of,
)
from manual_backprop.functional.losses._expected import expected
from manual_backprop.functional.losses._reduction import reduction_from, slope_of_losses
from manual_backprop.functional.losses.cross_entropy import check_smoothing, grad_of_scores
from manual_backprop.functional.operation import HALF_PRECISION, public, require_tensor


class CrossEntropyInPlace(torch.autograd.Function):
    """z ← (p Σₖ tₖ − t) / D, and ∂L/∂z = v times that."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        reduction: str,
        epsilon: float,
    ) -> tuple[Tensor, Tensor]:
        labels = labels_of(target, weight, ignore_index, input.dtype)
        log_p = torch.log_softmax(input, class_dimension(input), out=input)
        loss, divisor = expected(log_p, target, weight, ignore_index, reduction, epsilon)
        g = slope_of_losses(reduction, divisor)
        p = log_p.exp_()
        ctx.gradient = grad_of_scores(p, labels, weight, epsilon, g, in_place=True)
        ctx.mark_dirty(input)
        ctx.set_materialize_grads(False)
        return loss, input

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_output: Tensor | None, grad_input: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        if grad_input is not None:
            raise RuntimeError(
                "cross_entropy_: what is left in the place of the logits cannot be differentiated"
            )
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            raise RuntimeError(
                "cross_entropy_: the gradient was returned already; it is there for one backward"
            )
        return gradient.mul_(grad_output), None, None, None, None, None


@public()
def cross_entropy_(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss of `cross_entropy`, with the logits `input` turned into its gradient.

    Args:
        input: scores z, (N, C), (C,) or (N, C, d1, …), float32 or float64; overwritten.
        target: classes 0 to C − 1, (N,), () or (N, d1, …), int64 or uint8.
        weight: one weight for each class, (C,); None for 1.
        ignore_index: a class index that counts neither in the loss nor in the mean.
        reduction: "mean" or "sum".
        label_smoothing: ε, from 0 to 1: the share of the target that is spread evenly over all classes.

    Returns:
        The loss, in nats, a scalar.

    Raises:
        TypeError: an argument is not a Tensor, or `ignore_index` not an integer.
        ValueError: a reduction that gives no single number, or not one target for each input.
        IndexError: a target that is not a class (on a CPU; a GPU reports it later, by itself).
        RuntimeError: shapes or types that do not fit, a leaf that requires a gradient; a second
            backward.
        NotImplementedError: an input of another type.
    """
    require_tensor("cross_entropy_", input=input, target=target)
    if weight is not None:
        require_tensor("cross_entropy_", weight=weight)
    if reduction_from(None, None, reduction, operation="cross_entropy_") == "none":
        raise ValueError("cross_entropy_: reduction must be 'mean' or 'sum', not 'none'")
    ignore_index = integer("cross_entropy_", "ignore_index", ignore_index)
    check_smoothing("cross_entropy_", label_smoothing)
    if input.dtype in HALF_PRECISION:
        raise NotImplementedError(f"cross_entropy_: expected float32 or float64, got {input.dtype}")
    check_classes("cross_entropy_", input, target, weight, ignore_index)
    check_labels("cross_entropy_", target, input.shape[class_dimension(input)], ignore_index)
    if input.is_leaf and input.requires_grad and torch.is_grad_enabled():
        raise RuntimeError("cross_entropy_: a leaf that requires a gradient cannot be overwritten")
    loss, _ = CrossEntropyInPlace.apply(input, target, weight, ignore_index, reduction, label_smoothing)
    return loss
