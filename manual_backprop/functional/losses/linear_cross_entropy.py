"""The last layer of a classifier and its loss as one operation, whose logits never stand in memory whole.

Given   zₙₖ = Σᵢ xₙᵢ Wₖᵢ + bₖ and the cross-entropy L of z with the classes y.
Want    ∂L/∂x, ∂L/∂W, ∂L/∂b, for so many classes C that z (N, C) is by far the largest tensor there is.

1.  The chain rule goes through z; the steps are those of `cross_entropy` and of `linear`:

        δ = ∂L/∂z = g (p Σₖ tₖ − t)
        ∂L/∂x = δ W        ∂L/∂W = δᵀ x        ∂L/∂b = Σₙ δₙ

2.  Row n of p and of δ depends on row n of x alone, and the two sums over n may be taken in any parts. For
    chunks c of the examples:

        ∂L/∂x_c = δ_c W        ∂L/∂W = Σ_c δ_cᵀ x_c        ∂L/∂b = Σ_c Σ_{n in c} δₙ

    So a chunk's logits turn into its δ in place, leave their products behind, and make room for the next one.

3.  L is linear in g, and for "mean" and "sum" g is the upstream gradient v times a number that is known from
    the classes (1/Σw, or 1). So the gradients for v = 1 can be formed *in the forward pass*, while a chunk's
    logits are there anyway; the backward multiplies them by v. That takes three products instead of the four
    that forming the logits anew would take.

With "none", and where second derivatives or a transformation are asked for, the backward forms δ anew, by
step 2.

The numerical trap is the one of `log_softmax`: log p is formed from z with the maximum subtracted.

Shapes: input (N, D) or (D,); linear_weight (C, D), linear_bias (C,); target (N,) or (); output () or (N,).

Source: as in `cross_entropy`; for the chunks, Wijmans et al., "Cut your losses in large-vocabulary language
models", ICLR 2025, section 4; Hsu et al., "Liger Kernel" (2024), section 3.2, for gradients formed in the
forward pass.
"""

from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.activations.log_softmax import log_softmax_tangent
from manual_backprop.functional.affine.linear import check_activated, linear
from manual_backprop.functional.losses._chunks import (
    LayerGradients,
    chunks_of,
    joined,
    logits,
)
from manual_backprop.functional.losses._classes import check_classes, check_labels, check_weight, labels_of
from manual_backprop.functional.losses._cross_entropy_written import written
from manual_backprop.functional.losses._expected import expected
from manual_backprop.functional.losses._reduction import (
    grad_of_losses,
    reduce,
    reduction_from,
    slope_of_losses,
)
from manual_backprop.functional.losses.cross_entropy import (
    check_smoothing,
    cross_entropy,
    grad_of_scores,
)
from manual_backprop.functional.operation import (
    CLASSES,
    HALF_PRECISION,
    Formula,
    Operation,
    autocast,
    example,
    function_of,
    is_autocasting,
    keep,
    narrow,
    public,
    require_tensor,
    widen,
)
from manual_backprop.functional.shapes.reshape import reshape


class LinearCrossEntropy(Operation):
    """L = cross-entropy of x Wᵀ + b, chunk by chunk: δ_c = g (p Σ t − t), ∂L/∂W = Σ_c δ_cᵀ x_c."""

    formula = Formula(
        "linear_cross_entropy",
        "loss",
        "−log softmax({0} {1}ᵀ‹ + {2}›) at {3}, averaged",
        ("δ {1}", "δᵀ {0}", "Σₙ δ"),
        delta="(softmax − onehot({3})) {g}/N",
    )

    @staticmethod
    def written(
        x: Tensor, W: Tensor, b: Tensor | None, y: Tensor, weight: Tensor | None, *options: Any
    ) -> Any:
        z = x @ W.T if b is None else x @ W.T + b
        loss, through = written(z, y, weight, *options[:-1])

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            (dz,) = through(g)
            if x.dim() == 1:
                return dz @ W, torch.outer(dz, x), None if b is None else dz
            return dz @ W, dz.T @ x, None if b is None else dz.sum(0)

        return loss, backward

    @staticmethod
    def elementary(
        x: Tensor, W: Tensor, b: Tensor | None, y: Tensor, weight: Tensor | None, *options: Any
    ) -> Tensor:
        """The cross-entropy of z = x Wᵀ + b."""
        z = T.linear(x, W, b)
        ignore_index, reduction, epsilon, _ = options
        return T.cross_entropy(
            z, y, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=epsilon
        )

    @staticmethod
    def check(
        input: Tensor, W: Tensor, b: Tensor | None, target: Tensor, weight: Tensor | None, *options: Any
    ) -> None:
        check_activated("linear_cross_entropy", input, W, b)
        scores = W.new_empty(()).expand(*input.shape[:-1], len(W))
        check_classes("linear_cross_entropy", scores, target, None, options[0])
        check_labels("linear_cross_entropy", target, len(W), options[0])
        if weight is not None:
            check_weight("linear_cross_entropy", weight, len(W))

    @staticmethod
    def forward(
        input: Tensor,
        W: Tensor,
        b: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        reduction: str,
        epsilon: float,
        dtype: torch.dtype,
    ) -> Tensor:
        batched, weight = input.dim() == 2, _wide(weight)
        losses = []
        for x, y in zip(chunks_of(input, W, batched), chunks_of(target, W, batched), strict=True):
            log_p = torch.log_softmax(logits(x, W, b), 1)
            losses.append(expected(log_p, y, weight, ignore_index, "none", epsilon)[0])
        divisor = -labels_of(target, weight, ignore_index, losses[0].dtype).minus_divisor()
        return narrow(reduce(joined(losses, batched), reduction, divisor), dtype)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        input, *_, reduction, _, dtype = inputs
        as_two_steps = dtype != input.dtype  # under autocast: round where they round
        if reduction == "none" or as_two_steps or not any(ctx.needs_input_grad):
            return super().forward_and_keep(ctx, *inputs)
        # Step 3. As save_for_backward is for inputs and outputs, and these are neither, the backward uses
        # them only where it is not differentiated itself.
        loss, ctx.gradients = _loss_and_gradients(inputs, ctx.needs_input_grad)
        cls.setup_context(ctx, inputs, loss)
        return loss

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, W, b, target, weight, *ctx.options = inputs
        keep(ctx, input, W, b, target, weight)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        kept = getattr(ctx, "gradients", None)
        if kept is not None and not torch.is_grad_enabled():
            gradients = kept.times(grad_output, ctx.saved_tensors[0].shape)
        else:
            gradients = _gradients((*ctx.saved_tensors, *ctx.options), ctx.needs_input_grad, grad_output)
        return *gradients, *(None,) * 6

    @staticmethod
    def jvp(
        ctx: Any, input_tangent: Tensor | None, W_tangent: Tensor | None, b_tangent: Tensor | None, *_: None
    ) -> Tensor:
        input, W, b, target, weight = ctx.saved_tensors
        z = widen(linear(input, W, b))
        z_tangent = torch.zeros_like(z)  # the product rule, and then ℓ̇ = −Σ t (log p)˙
        if input_tangent is not None:
            z_tangent = z_tangent + input_tangent @ W.T
        if W_tangent is not None:
            z_tangent = z_tangent + input @ W_tangent.T
        if b_tangent is not None:
            z_tangent = z_tangent + b_tangent
        log_p_tangent = log_softmax_tangent(torch.softmax(z, -1), z_tangent, -1)
        *options, dtype = ctx.options
        return narrow(expected(log_p_tangent, target, _wide(weight), *options)[0], dtype)


def _gradients(
    inputs: tuple[Any, ...], needed: tuple[bool, ...], grad_output: Tensor
) -> tuple[Tensor | None, ...]:
    """Step 2: ∂L/∂x, ∂L/∂W and ∂L/∂b, chunk by chunk."""
    input, W, b, target, weight, ignore_index, reduction, epsilon, _ = inputs
    batched, weight = input.dim() == 2, _wide(weight)
    v = widen(grad_output)
    divisor = -labels_of(target, weight, ignore_index, v.dtype).minus_divisor()
    g_of_all = grad_of_losses(v, reduction, divisor).expand(target.shape)
    grad_x = []
    grad_W = grad_b = None
    chunks = (chunks_of(rows, W, batched) for rows in (input, target, g_of_all))
    for x, y, g in zip(*chunks, strict=True):
        p = torch.softmax(logits(x, W, b), 1)
        delta = grad_of_scores(p, labels_of(y, weight, ignore_index, p.dtype), weight, epsilon, g)
        delta = narrow(delta, W.dtype)
        if needed[0]:
            grad_x.append(delta @ W)  # δ_c W
        if needed[1]:
            grad_W = delta.T @ x if grad_W is None else torch.addmm(grad_W, delta.T, x)  # + δ_cᵀ x_c
        if needed[2]:
            grad_b = delta.sum(0) if grad_b is None else grad_b + delta.sum(0)
    return joined(grad_x, batched) if needed[0] else None, grad_W, grad_b


def _loss_and_gradients(inputs: tuple[Any, ...], needed: tuple[bool, ...]) -> tuple[Tensor, LayerGradients]:
    """Step 3: the loss, and its gradients for v = 1. Nothing looks on: the chunks share one buffer."""
    input, W, b, target, weight, ignore_index, reduction, epsilon, dtype = inputs
    batched, weight = input.dim() == 2, _wide(weight)
    xs, ys = chunks_of(input, W, batched), chunks_of(target, W, batched)
    several, in_place = len(xs) > 1, W.dtype not in HALF_PRECISION
    wide = W.dtype if in_place else torch.float32
    if several:  # the one chunk's divisor comes with its loss
        counted = -labels_of(target, weight, ignore_index, wide).minus_divisor()
        divisor = torch.as_tensor(counted, dtype=wide, device=W.device)
    buffer = W.new_empty(len(xs[0]), len(W)) if in_place else None
    gradients = LayerGradients(sum(map(len, xs)), W, needed)
    losses = []
    for x, y in zip(xs, ys, strict=True):
        place = None if buffer is None else buffer[: len(x)]
        log_p = torch.log_softmax(logits(x, W, b, place), 1, out=place)
        reduced = "sum" if several else reduction
        loss, of_chunk = expected(log_p, y, weight, ignore_index, reduced, epsilon)
        losses.append(loss)
        g = slope_of_losses(reduction, divisor if several else of_chunk)
        p = torch.exp(log_p, out=place)
        labels = labels_of(y, weight, ignore_index, p.dtype)
        delta = grad_of_scores(p, labels, weight, epsilon, g, in_place=True)
        gradients.add(narrow(delta, W.dtype), x)
    loss = torch.stack(losses).sum() * g if several else losses[0]
    return narrow(loss, dtype), gradients


def _several_logits(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """X Wᵀ + b, (N, C, d1, …), of a W (C, d1, …, D); all rows of W at once."""
    *rows, D = W.shape
    z = linear(x, reshape(W, (prod(rows), D)), None if b is None else reshape(b, (prod(rows),)))
    return reshape(z, (*z.shape[:-1], *rows))


def _wide(weight: Tensor | None) -> Tensor | None:
    return None if weight is None else widen(weight)


_linear_cross_entropy = function_of(LinearCrossEntropy)


@public(example=example((5, 7), (3, 7), CLASSES, built_in=lambda x, W, y: T.cross_entropy(T.linear(x, W), y)))
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """cross_entropy(linear(input, linear_weight, linear_bias), target) as one operation.

    The signature is torch.nn.functional.linear_cross_entropy's, where there is one, without `options`: the
    chunks are always on, and second derivatives, torch.func and the compiler work with them. Several losses
    for each input, and class probabilities, are computed as the two steps that they are.

    Args:
        input: x, (N, D) or (D,).
        linear_weight: W, (C, D), or (C, d1, …, D) for d1 × … losses of each input.
        target: classes 0 to C − 1, (N,), () or (N, d1, …), int64 or uint8; or class probabilities, of the
            shape of the logits, floating-point.
        linear_bias: b, of the shape of W without D; None for none.
        weight: one weight for each class, (C,); None for 1.
        reduction: "mean", "sum" or "none".
        ignore_index: a class index that counts neither in the loss nor in the mean; None for −100.
        label_smoothing: ε, from 0 to 1: the share of the target that is spread evenly over all classes.

    Returns:
        The loss, in nats: a scalar, or of the shape of the classes for "none".

    Raises:
        TypeError: an argument is not a Tensor, or `ignore_index` not an integer.
        ValueError: an unknown reduction, or not one target for each input.
        IndexError: a target that is not a class (on a CPU; a GPU reports it later, by itself).
        RuntimeError: shapes or dtypes that do not fit each other.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("linear_cross_entropy", input=input, linear_weight=linear_weight, target=target)
    for name, tensor in (("linear_bias", linear_bias), ("weight", weight)):
        if tensor is not None:
            require_tensor("linear_cross_entropy", **{name: tensor})
    reduction = reduction_from(None, None, reduction, operation="linear_cross_entropy")
    check_smoothing("linear_cross_entropy", label_smoothing)
    several = linear_weight.dim() > 2
    if linear_weight.dim() < 2 or input.dim() not in ((2,) if several else (1, 2)):
        raise RuntimeError(
            "linear_cross_entropy: expected input (N, D) and linear_weight (C, d1, …, D), or input (D,) and "
            f"linear_weight (C, D), got input {tuple(input.shape)} and linear_weight "
            f"{tuple(linear_weight.shape)}"
        )
    arguments = (input, linear_weight, linear_bias)
    ignored = -100 if ignore_index is None else integer("linear_cross_entropy", "ignore_index", ignore_index)
    if several or target.is_floating_point():
        return cross_entropy(
            _several_logits(*arguments),
            target,
            weight,
            ignore_index=ignored,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    device_type = input.device.type
    if not is_autocasting(device_type):
        return _linear_cross_entropy(
            *arguments, target, weight, ignored, reduction, label_smoothing, input.dtype
        )
    half = torch.get_autocast_dtype(device_type)  # the product in half precision, the loss in float32
    with torch.autocast(device_type, enabled=False):
        x, W, b = (autocast(argument, half) for argument in arguments)
        return _linear_cross_entropy(
            x,
            W,
            b,
            target,
            autocast(weight, torch.float32),
            ignored,
            reduction,
            label_smoothing,
            widen(x).dtype,
        )
