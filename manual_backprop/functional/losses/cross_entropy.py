"""The cross-entropy of a classifier: softmax, logarithm and likelihood in one step.

Given   scores zₙₖ ("logits"), and for each example a target distribution tₙₖ over the C classes:

            pₙₖ = e^zₙₖ / Σⱼ e^zₙⱼ          the softmax: what the model believes
            ℓₙ  = −Σₖ tₙₖ log pₙₖ            how much that costs

        In the plain case t is *one-hot*: tₙₖ = [k = yₙ], and ℓₙ = −log of the right class's probability.
        The upstream gradient is turned by `reduction` into gₙ = ∂L/∂ℓₙ.
Want    ∂L/∂z.

1.  The logarithm undoes the exponential, which is why the two belong together:

        log pₖ = zₖ − log Σⱼ e^zⱼ

2.  Its derivative is the one of log-softmax (all within one example, so n is left out):

        ∂ log pₖ/∂zᵢ = [k = i] − pᵢ

3.  The chain rule sums over all k, because zᵢ is in every log pₖ through the sum:

        ∂ℓ/∂zᵢ = −Σₖ tₖ ([k = i] − pᵢ) = −tᵢ + pᵢ Σₖ tₖ

4.  A distribution sums to 1. So the gradient is *what was believed minus what is so*:

        ∂ℓ/∂z = p − t              softmax minus one-hot

    It is the error itself: between −1 and 1, zero only when the model is right and sure of it, and without a
    factor p (1 − p) that would vanish for a confident mistake. With squared error on top of a softmax, that
    factor would be there.

5.  The options change t, and step 3 still holds. With class weights w, label smoothing ε:

        tₖ = wₖ ((1 − ε) [k = y] + ε/C)
        ∂ℓ/∂z = p Σₖ tₖ − t                 t need not sum to 1 any more

    An ignored example has ℓ = 0 and the gradient 0. "mean" divides by Σₙ w_{yₙ}, over those that count.
    (`cross_entropy_probabilities` has the version in which the target is itself a distribution.)

The numerical trap: softmax first and logarithm second gives log 0 = −∞ for a score that is 104 below the
largest, in float32. Step 1 never forms p in the forward pass, and subtracts the maximum first.

Shapes: input (N, C), (C,) or (N, C, d1, …); target (N,), () or (N, d1, …) for class indices, the input's for
class probabilities; output () or (N, d1, …).

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equations 4.108 and 4.109; Szegedy et al.,
"Rethinking the Inception architecture for computer vision", CVPR 2016, section 7, for label smoothing.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.activations.log_softmax import log_softmax_tangent
from manual_backprop.functional.losses._classes import (
    Labels,
    all_count,
    check_classes,
    check_labels,
    class_dimension,
    labels_of,
)
from manual_backprop.functional.losses._cross_entropy_written import written
from manual_backprop.functional.losses._expected import expected, smoothing_of
from manual_backprop.functional.losses._reduction import grad_of_losses, reduction_from
from manual_backprop.functional.losses._targets import averaged, counted_by, number_of, target_of
from manual_backprop.functional.losses._targets import labels_of as labels_for
from manual_backprop.functional.losses.cross_entropy_probabilities import cross_entropy_probabilities
from manual_backprop.functional.operation import (
    CLASSES,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    widen,
)
from manual_backprop.functional.operation.torch_state import may_overwrite_own

KEPT = 2**16
"""Numbers up to which log p is kept for the backward: to form p from it is a tenth of the work."""


class CrossEntropy(Operation):
    """For class indices: ℓ = −Σₖ tₖ log pₖ and ∂ℓ/∂z = p Σₖ tₖ − t, with t never written out in full."""

    formula = Formula(
        "cross_entropy", "loss", "−log softmax({0}) at {1}, averaged", ("(softmax({0}) − onehot({1})) {g}/N",)
    )

    @staticmethod
    def written(
        z: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, epsilon: float
    ) -> Any:
        return written(z, y, weight, ignore_index, reduction, epsilon)

    @staticmethod
    def elementary(
        z: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, epsilon: float
    ) -> Tensor:
        """The mean of −Σ t log p, with p = softmax(z) and t one-hot at y, or smoothed."""
        counted = counted_by(y, ignore_index)
        labels = labels_for(y, counted)
        target = target_of(z, labels, counted, weight, epsilon)
        n = number_of(labels, counted, weight)
        logp = T.log_softmax(z, class_dimension(z))
        return averaged(target * logp, class_dimension(z), reduction, n)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, *_: Any) -> None:
        check_classes("cross_entropy", input, target, weight, ignore_index)

    @staticmethod
    def forward(
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        reduction: str,
        epsilon: float,
    ) -> Tensor:
        return _value(input, target, weight, ignore_index, reduction, epsilon)[0]

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        input, target, weight, *ctx.options = inputs
        output, divisor, log_p = _value(*inputs)
        ctx.save_for_backward(input, target, weight)
        ctx.divisor = divisor  # a constant of the data, and one number
        _, reduction, epsilon = ctx.options
        ctx.is_one_hot = (
            weight is None and epsilon == 0 and reduction != "none" and all_count(divisor, target)
        )
        ctx.log_p = log_p if log_p.numel() <= KEPT else None
        return output

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, *ctx.options = inputs
        keep(ctx, input, target, weight)  # p is formed anew from z, which is there anyway: nothing is added

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, weight = ctx.saved_tensors
        ignore_index, reduction, epsilon = ctx.options
        dim = class_dimension(input)
        in_place = may_overwrite_own(grad_output)
        log_p = getattr(ctx, "log_p", None) if in_place else None  # a constant: it has no second derivative
        p = torch.softmax(widen(input), dim) if log_p is None else log_p.exp()
        if in_place and getattr(ctx, "is_one_hot", False):  # step 4, and one g for all
            p.scatter_(dim, target.long().unsqueeze(dim), -1.0, reduce="add")
            p.mul_(grad_of_losses(widen(grad_output), reduction, ctx.divisor))
            return narrow(p, input.dtype), None, None, None, None, None
        labels = labels_of(target, weight, ignore_index, p.dtype)
        divisor = ctx.divisor if hasattr(ctx, "divisor") else -labels.minus_divisor()
        g = grad_of_losses(widen(grad_output), reduction, divisor)
        grad_input = grad_of_scores(p, labels, weight, epsilon, g, in_place)
        return narrow(grad_input, input.dtype), None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        input, target, weight = ctx.saved_tensors
        dim = class_dimension(input)
        p = torch.softmax(widen(input), dim)
        log_p_tangent = log_softmax_tangent(p, widen(input_tangent), dim)
        loss_tangent = expected(log_p_tangent, target, weight, *ctx.options)[0]  # ℓ is linear in log p
        return narrow(loss_tangent, input.dtype)


def grad_of_scores(
    p: Tensor, labels: Labels, weight: Tensor | None, epsilon: float, g: Tensor, in_place: bool = False
) -> Tensor:
    """∂L/∂z = g (p Σₖ tₖ − t), g = ∂L/∂ℓ being a scalar or (N, …); with `in_place`, p is overwritten."""
    dim = class_dimension(p)
    at_y = labels.weigh(g)
    if epsilon == 0:  # t = w_y one-hot
        at_y = at_y.unsqueeze(dim) if at_y.dim() else at_y
        if in_place:
            return p.scatter_(dim, labels.column, -1.0, reduce="add").mul_(at_y)
        minus_one = p.new_full((), -1.0).expand(labels.column.shape)
        return p.scatter_add(dim, labels.column, minus_one) * at_y  # (p − one-hot) g w_y
    g = at_y if weight is None else labels.clear(g)
    at_y, g = (x.unsqueeze(dim) if x.dim() else x for x in (at_y, g))
    smoothing, of_all = smoothing_of(weight, epsilon, p)
    everywhere = g * smoothing  # g t = (1 − ε) at_y [k = y] + everywhere
    at_y = (1 - epsilon) * at_y
    total = at_y + g * of_all
    grad_input = torch.mul(p, total, out=p if in_place else None)  # g p Σₖ tₖ …
    grad_input.scatter_add_(dim, labels.column, (-at_y).expand(labels.column.shape))  # … − g t
    return grad_input.sub_(everywhere)


def check_smoothing(operation: str, label_smoothing: float) -> None:
    """Raise unless ε is a share."""
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"{operation}: label_smoothing must be from 0 to 1, got {label_smoothing}")


def _value(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss; the divisor of the mean, where it is not "none"; and log p."""
    dim = class_dimension(input)
    log_p = torch.log_softmax(widen(input), dim)
    try:
        loss, divisor = expected(log_p, target, weight, ignore_index, reduction, epsilon)
    except IndexError:
        check_labels("cross_entropy", target, input.shape[dim], ignore_index)  # which says more
        raise
    return narrow(loss, input.dtype), divisor, log_p


_cross_entropy = function_of(CrossEntropy)


@public(T.cross_entropy, example=example((5, 3), CLASSES))
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−Σ t log softmax(z); as torch.nn.functional.cross_entropy, with a hand-written gradient.

    Args:
        input: scores z, (N, C), (C,) or (N, C, d1, …).
        target: classes 0 to C − 1, (N,), () or (N, d1, …), int64 or uint8; or class probabilities, of the
            shape of `input`, floating-point.
        weight: one weight for each class, (C,); None for 1.
        size_average: deprecated, see `reduction`.
        ignore_index: a class index that counts neither in the loss nor in the mean.
        reduce: deprecated, see `reduction`.
        reduction: "mean", "sum" or "none".
        label_smoothing: ε, from 0 to 1: the share of the target that is spread evenly over all classes.

    Returns:
        The loss, in nats: a scalar, or (N, d1, …) for "none".

    Raises:
        TypeError: an argument is not a Tensor, or `ignore_index` not an integer.
        ValueError: not one target for each input, or an unknown reduction.
        IndexError: a target that is not a class (on a CPU; a GPU reports it later, by itself).
        RuntimeError: other shapes or types that do not fit, `label_smoothing` outside 0 to 1, or
            `ignore_index` together with class probabilities.
        NotImplementedError: an input that is not floating-point.
    """
    require_tensor("cross_entropy", input=input, target=target)
    if weight is not None:
        require_tensor("cross_entropy", weight=weight)
    reduction = reduction_from(size_average, reduce, reduction, operation="cross_entropy")
    ignore_index = integer("cross_entropy", "ignore_index", ignore_index)
    check_smoothing("cross_entropy", label_smoothing)
    if input.shape == target.shape:
        if not target.is_floating_point():
            raise RuntimeError(
                f"cross_entropy: target has the shape of the input, {tuple(input.shape)}, so it holds class "
                f"probabilities, which are floating-point, not {target.dtype}"
            )
        if ignore_index >= 0:
            raise RuntimeError(
                f"cross_entropy: ignore_index={ignore_index} needs class indices, not probabilities"
            )
        return cross_entropy_probabilities(input, target, weight, reduction, label_smoothing)
    if input.dim() == 1 and target.shape == (1,):
        target = target[0]
    return _cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
