"""The cross-entropy of yes or no: sigmoid, logarithm and likelihood in one step.

Given   scores x ("logits"), targets t from 0 to 1, a weight p for the answer yes and a weight w, both 1 where
        not given; elementwise

            ℓ = −w (p t log σ(x) + (1 − t) log(1 − σ(x)))          σ(x) = 1 / (1 + e⁻ˣ)

        reduced by a divisor E that has the minus sign of ℓ:

            "none"  out = w (p t log σ(x) + (1 − t) log(1 − σ(x))) / E         E = −1
            "sum"   out = Σ w (p t log σ(x) + (1 − t) log(1 − σ(x))) / E       E = −1
            "mean"  out = Σ w (p t log σ(x) + (1 − t) log(1 − σ(x))) / E       E = −n, the number of elements

        and the upstream gradient v = ∂L/∂out; h = v/E.
Want    ∂L/∂x, ∂L/∂t. The weights are constants.

1.  The logarithm undoes the exponential:

        l = log σ(x) = −log(1 + e⁻ˣ)
        log(1 − σ(x)) = log σ(−x) = l − x

2.  Put in, no logarithm but l is left:

        out E = Σ w (p t l + (1 − t) (l − x)) = Σ w (q l − (1 − t) x)         q = p t + 1 − t

3.  The derivative of l is e⁻ˣ / (1 + e⁻ˣ) = 1 − σ(x). Since q − (1 − t) = p t,

        ∂L/∂x = h w (q (1 − σ(x)) − (1 − t)) = h w (p t − q σ(x))

    With p = 1 it is *what is so minus what was believed*, t − σ(x), times h = −v/n, as in `cross_entropy`.

4.  In t, out is a straight line. By the first form of step 2,

        ∂L/∂t = h w (p log σ(x) − log σ(−x))

    which with p = 1 is h w x.

The numerical trap: log(1 + e⁻ˣ) overflows for x ≪ 0. `logsigmoid` takes the larger exponent out of the
logarithm and is left with e^{−|x|}. And the first form of step 3 cancels for x ≪ 0, where 1 − σ(x) rounds to
1; the last one does not.

Shapes: input and target (*), weights of any shape that broadcasts to (*); output () or (*).

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equations 4.90 and 4.91, for p = w = 1.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses._binary_cross_entropy_written import written
from manual_backprop.functional.losses._difference import scaled
from manual_backprop.functional.losses._reduction import reduction_from
from manual_backprop.functional.losses._written import value
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
from manual_backprop.functional.operation.torch_state import may_overwrite_own

NAME = "binary_cross_entropy_with_logits"


class BinaryCrossEntropyWithLogits(Operation):
    """out = Σ w (q l − (1 − t) x) / E, ∂L/∂x = h w (p t − q σ(x)), ∂L/∂t = h w (p log σ(x) − log σ(−x))."""

    has_several_passes = True

    formula = Formula(
        "binary_cross_entropy_with_logits",
        "loss",
        "−{1} log σ({0}) − (1 − {1}) log(1 − σ({0})), averaged",
        ("(σ({0}) − {1}) {g}/n", "−{0} {g}/n"),
    )

    @staticmethod
    def written(
        x: Tensor, t: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
    ) -> Any:
        return written(x, t, weight, pos_weight, reduction)

    @staticmethod
    def elementary(
        x: Tensor, t: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
    ) -> Tensor:
        """The mean of −t log p − (1 − t) log(1 − p), with p = σ(x)."""
        p = torch.sigmoid(x)
        yes = t if pos_weight is None else pos_weight * t
        losses = -(yes * p.log() + (1 - t) * (1 - p).log())
        return value(losses, weight, reduction, weighs=False)

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

    @classmethod
    def row_dims(cls, *inputs: Any) -> int | None:
        input, _, *weights, _ = inputs
        return 0 if all(weight is None or weight.shape == input.shape for weight in weights) else None

    @staticmethod
    def forward(
        input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
    ) -> Tensor:
        x, t, w, p = _wide(input, target, weight, pos_weight)
        log_yes, no = share(T.logsigmoid(x), t, p), 1 - t
        over = no if x.dtype == t.dtype and may_overwrite_own(x) else None  # it is not needed any more
        terms = _weigh(torch.addcmul(log_yes, no, x, value=-1, out=over), w)
        return narrow((terms if reduction == "none" else terms.sum()) / _divisor(x, reduction), target.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, reduction = inputs
        ctx.E, ctx.is_each = _divisor(inputs[0], reduction), reduction == "none"
        keep(ctx, *tensors)  # the scores and the data; nothing is added

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, target, *_ = ctx.saved_tensors
        needs_input, needs_target, *_ = ctx.needs_input_grad
        x, t, w, p = _wide(*ctx.saved_tensors)
        h = widen(grad_output) / ctx.E
        grad_input = grad_target = None
        if needs_input:
            overwrites = w is None and p is None and x.dtype == t.dtype and may_overwrite_own(grad_output)
            slope = slope_in_x(x, t, p, overwrites)
            grad_input = narrow(_weigh(scaled(slope, h, overwrites), w), input.dtype)
        if needs_target:
            grad_target = narrow(_weigh(slope_in_t(x, p) * h, w), target.dtype)
        return grad_input, grad_target, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, target_tangent: Tensor | None, *_: None) -> Tensor:
        _, target, *_ = ctx.saved_tensors
        x, t, w, p = _wide(*ctx.saved_tensors)
        moved = torch.zeros_like(x)
        if input_tangent is not None:
            moved = moved + _weigh(slope_in_x(x, t, p) * widen(input_tangent), w)
        if target_tangent is not None:
            moved = moved + _weigh(slope_in_t(x, p) * widen(target_tangent), w)
        moved = moved if ctx.is_each else moved.sum()
        return narrow(moved / ctx.E, target.dtype)


def share(values: Tensor, t: Tensor, p: Tensor | None) -> Tensor:
    """Step 2: q values, with q = p t + (1 − t), which is 1 without p, for any t."""
    return values if p is None else torch.addcmul(1 - t, p, t) * values


def slope_in_x(x: Tensor, t: Tensor, p: Tensor | None, overwrites: bool = False) -> Tensor:
    """Step 3: p t − q σ(x); written over σ(x) where that may be."""
    believed = torch.sigmoid(x)
    return torch.sub(_weigh(t, p), share(believed, t, p), out=believed if overwrites else None)


def slope_in_t(x: Tensor, p: Tensor | None) -> Tensor:
    """Step 4: p log σ(x) − log σ(−x), of which x is left without p; so no infinity is taken from another."""
    return x if p is None else p * T.logsigmoid(x) - T.logsigmoid(-x)


def _wide(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """x, t, w and p, wide enough to compute in."""
    w, p = (None if weight is None else widen(weight) for weight in (weight, pos_weight))
    return widen(input), widen(target), w, p


def _weigh(values: Tensor, weight: Tensor | None) -> Tensor:
    return values if weight is None else values * weight


def _divisor(x: Tensor, reduction: str) -> int:
    """E."""
    return -x.numel() if reduction == "mean" else -1


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
