"""The negative log-likelihood: how surprised the model was by the right class.

Given   log-probabilities xₙₖ, right classes yₙ, class weights wₖ (1 where none are given):

            ℓₙ = −w_{yₙ} · xₙ,yₙ        and ℓₙ = 0 where yₙ is `ignore_index`

        reduced to one number, or to each for itself, by a divisor E that has the minus sign of ℓ:

            "none"  outₙ = w_{yₙ} xₙ,yₙ / E         E = −1
            "sum"   out = Σₙ w_{yₙ} xₙ,yₙ / E       E = −1
            "mean"  out = Σₙ w_{yₙ} xₙ,yₙ / E       E = −Σₙ w_{yₙ} over the examples that count

        and the upstream gradient v = ∂L/∂out, one number or (N,).
Want    ∂L/∂x.

1.  A loss picks one number of its row, with slope w/E. All others have slope 0:

        ∂out/∂xₙₖ = w_{yₙ} [k = yₙ] / E

2.  Each xₙₖ is in one loss only, so the chain rule has one term:

        ∂L/∂xₙₖ = vₙ w_{yₙ} [k = yₙ] / E

3.  For all rows at once: zeros, with vₙ w_{yₙ} / E *scattered* to column yₙ. Gathering forwards is scattering
    backwards.

The numerical trap: an ignored example may hold anything, even −∞, and 0 · ∞ is NaN. Its loss and its gradient
are *put* to 0, not multiplied by 0. Nor does it count in the divisor of the mean; when all examples are
ignored, the mean is 0/0 = NaN, as PyTorch has it, but the gradient 0.

Shapes: input (N, C), (C,) or (N, C, d1, …); target (N,), () or (N, d1, …); output () or the target's.

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.108.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.losses._classes import (
    all_count,
    check_classes,
    check_labels,
    class_dimension,
    labels_of,
)
from manual_backprop.functional.losses._expected import at_labels
from manual_backprop.functional.losses._reduction import reduction_from
from manual_backprop.functional.losses._targets import averaged, counted_by, number_of, target_of
from manual_backprop.functional.losses._targets import labels_of as labels_for
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


class NLLLoss(Operation):
    """out = Σ w xₙ,yₙ / E and ∂L/∂x = v w / E, scattered to column y."""

    formula = Formula("nll_loss", "loss", "−{0} at column {1}, averaged", ("−{g}/N at column {1}, else 0",))

    @staticmethod
    def written(logp: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Any:
        dim = class_dimension(logp)
        counted = counted_by(y, ignore_index)
        labels = labels_for(y, counted)
        target = target_of(logp, labels, counted, weight, 0.0)
        n = number_of(labels, counted, weight) if reduction == "mean" else 1

        def backward(g: Tensor) -> tuple[Tensor, ...]:
            return (-(g.unsqueeze(dim) if reduction == "none" else g) * target / n,)

        return averaged(target * logp, dim, reduction, n), backward

    @staticmethod
    def elementary(
        logp: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
    ) -> Tensor:
        """The mean of −Σ t log p, with t one-hot at y."""
        counted = counted_by(y, ignore_index)
        labels = labels_for(y, counted)
        target = target_of(logp, labels, counted, weight, 0.0)
        return averaged(target * logp, class_dimension(logp), reduction, number_of(labels, counted, weight))

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.float32

    @staticmethod
    def check(
        input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
    ) -> None:
        check_classes("nll_loss", input, target, weight, ignore_index)

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
    ) -> Tensor:
        return _value(input, target, weight, ignore_index, reduction)[0]

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        output, divisor = _value(*inputs)
        ctx.is_one_hot = inputs[2] is None and inputs[4] != "none" and all_count(divisor, inputs[1])
        ctx.E = -divisor if inputs[4] == "mean" else -1.0  # a constant of the data, and one number
        cls.setup_context(ctx, inputs, output)
        return output

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, target, weight, ctx.ignore_index, ctx.reduction = inputs
        keep(ctx, target, weight)  # step 3: where to scatter to, and how much; of x nothing but its shape
        ctx.shape, ctx.dim = input.shape, class_dimension(input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None, None]:
        target, weight = ctx.saved_tensors
        v = widen(grad_output)
        zeros = v.new_zeros(ctx.shape)
        in_place = may_overwrite_own(grad_output)
        if in_place and getattr(ctx, "is_one_hot", False):  # nothing ignored, and one slope for all
            column = target.long().unsqueeze(ctx.dim)
            grad_input = zeros.scatter_(ctx.dim, column, (v / ctx.E).expand(column.shape))
            return narrow(grad_input, grad_output.dtype), None, None, None, None
        labels = labels_of(target, weight, ctx.ignore_index, v.dtype)
        E = ctx.E if hasattr(ctx, "E") else labels.minus_divisor() if ctx.reduction == "mean" else -1.0
        slope = labels.weigh(v / E).expand(target.shape).unsqueeze(ctx.dim)
        scatter = zeros.scatter_ if in_place else zeros.scatter
        grad_input = scatter(ctx.dim, labels.column, slope)
        return narrow(grad_input, grad_output.dtype), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        target, weight = ctx.saved_tensors  # the loss is linear in x: its tangent is the loss of the tangent
        return nll_loss(input_tangent, target, weight, ignore_index=ctx.ignore_index, reduction=ctx.reduction)


def _value(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> tuple[Tensor, Tensor]:
    """The loss; and the divisor of the mean, where it is not "none"."""
    x = widen(input)
    w = None if weight is None else weight.to(x.dtype)
    try:
        loss, divisor = at_labels(x, target.long(), w, reduction, ignore_index)
    except IndexError:
        check_labels("nll_loss", target, x.shape[class_dimension(x)], ignore_index)  # which says more
        raise
    return narrow(loss, input.dtype), divisor


_nll_loss = function_of(NLLLoss)


@public(T.nll_loss, example=example((5, 3), CLASSES))
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−log p of the right class; as torch.nn.functional.nll_loss, with a hand-written gradient.

    Args:
        input: log-probabilities, (N, C), (C,) or (N, C, d1, …).
        target: classes 0 to C − 1, (N,), () or (N, d1, …), int64 or uint8.
        weight: one weight for each class, (C,); None for 1.
        size_average: deprecated, see `reduction`.
        ignore_index: a target that counts neither in the loss nor in the mean.
        reduce: deprecated, see `reduction`.
        reduction: "mean" (weighted), "sum" or "none".

    Returns:
        The loss, in nats: a scalar, or of the target's shape for "none".

    Raises:
        TypeError: an argument is not a Tensor, or `ignore_index` not an integer.
        ValueError: not one target for each input, or an unknown reduction.
        IndexError: a target that is not a class (on a CPU; a GPU reports it later, by itself).
        RuntimeError: other shapes or types that do not fit.
        NotImplementedError: an input that is not floating-point.
    """
    require_tensor("nll_loss", input=input, target=target)
    if weight is not None:
        require_tensor("nll_loss", weight=weight)
    reduction = reduction_from(size_average, reduce, reduction, operation="nll_loss")
    ignore_index = integer("nll_loss", "ignore_index", ignore_index)
    if input.dim() == 1 and target.shape == (1,):
        target = target[0]
    return _nll_loss(input, target, weight, ignore_index, reduction)
