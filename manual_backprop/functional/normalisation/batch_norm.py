"""Batch normalisation: over the batch, each feature gets mean 0 and variance 1, then a scale and a shift.

Given   yₙⱼ = wⱼ x̂ₙⱼ + bⱼ,  x̂ₙⱼ = (xₙⱼ − μⱼ)/sⱼ,     n being an example, j a feature (a channel)
        in training     μⱼ and sⱼ² − ε: mean and variance of feature j over the N examples,
        in evaluation   μⱼ and sⱼ² − ε: constants, the running mean and variance,
        and the upstream gradient gₙⱼ = ∂L/∂yₙⱼ.
Want    ∂L/∂x, ∂L/∂w, ∂L/∂b.

1.  w and b are shared by all examples, and x̂ₙⱼ feeds only its own output:

        ∂L/∂wⱼ = Σₙ gₙⱼ x̂ₙⱼ
        ∂L/∂bⱼ = Σₙ gₙⱼ
        ∂L/∂x̂ₙⱼ = gₙⱼ wⱼ

2.  In evaluation μ and s are constants, and the slope of x̂ is 1/s:

        ∂L/∂x = (1/s) ∂L/∂x̂

3.  In training they are made of x, of all examples: each xₙⱼ moves the whole column j of x̂. The formula that
    `normalised` derives, mean being that over the examples n:

        ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂))

    wⱼ is the same for the whole column, so it may also be drawn in front, as w/s.

Images have further dimensions: each position of each image is one more example n of its channel j.

The running statistics u remember the batches' v, by u ← (1 − m) u + m v = u + m (v − u), with the momentum m.
The variance that they remember is the unbiased one, with N − 1 below the sum, whereas x̂ is made with N. No
gradient flows through them.

The numerical trap is the variance, which cancels if formed as a difference of squares: see `normalised`.

Shapes: input, output (N, C) or (N, C, *), weight, bias and running statistics (C,).

Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
covariate shift", ICML 2015, algorithms 1 and 2.
"""

from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import as_number, require_flags
from manual_backprop.functional.normalisation._normalised import (
    along_channels,
    by_channel,
    check_types,
    for_kernel,
    kept_or_normalised,
    normalise,
    of_channels,
    require_tensors,
    scale_and_shift,
    through_normalise,
    with_sums,
    written,
)
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)

Pair = tuple[Tensor | None, Tensor | None]  # a mean and a variance


class BatchNorm(Operation):
    """y = w ⊙ x̂ + b and, in training, ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂))."""

    formula = Formula(
        "batch_norm",
        "normalisation",
        "({0} − μ)/s‹ {1}›‹ + {2}›, over each channel",
        (
            "(h − mean h − x̂ mean(h x̂))/s over each channel, h = {g}‹ {1}›, x̂ = ({0} − μ)/s",
            "Σ {g} x̂",
            "Σ {g}",
        ),
        reordered=True,
    )

    @staticmethod
    def written(x: Tensor, weight: Tensor | None, bias: Tensor | None, *rest: Any) -> Any:
        running_mean, running_var, _, _, training, _, eps = rest
        examples = _examples(x)
        if training:
            xhat, through = written(x, examples, eps)
        else:
            std = torch.sqrt(by_channel(running_var, x) + eps)
            xhat = (x - by_channel(running_mean, x)) / std
        scaled = xhat if weight is None else xhat * by_channel(weight, x)
        y = scaled if bias is None else scaled + by_channel(bias, x)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dxhat = g if weight is None else g * by_channel(weight, x)
            dx = through(dxhat) if training else dxhat / std
            dweight = None if weight is None else (g * xhat).sum(examples).reshape(weight.shape)
            return dx, dweight, None if bias is None else g.sum(examples).reshape(bias.shape)

        return y, backward

    @staticmethod
    def elementary(x: Tensor, weight: Tensor | None, bias: Tensor | None, *rest: Any) -> Tensor:
        """w (x − mean) / √(var + ε) + b, with the mean and variance of the batch, or the running ones."""
        running_mean, running_var, _, _, training, _, eps = rest
        examples = _examples(x)
        mean = x.mean(examples, keepdim=True) if training else by_channel(running_mean, x)
        centred = x - mean
        var = centred.square().mean(examples, keepdim=True) if training else by_channel(running_var, x)
        xhat = centred / (var + eps).sqrt()
        scaled = xhat if weight is None else xhat * along_channels(weight, x)
        return scaled if bias is None else scaled + along_channels(bias, x)

    has_several_passes = True

    @staticmethod
    def forward(
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        old_mean: Tensor | None,
        old_var: Tensor | None,
        training: bool,
        momentum: float,
        eps: float,
    ) -> Tensor:
        if training and running_mean is not None and input.numel():
            var, mean = torch.var_mean(widen(input), _examples(input), correction=1)
            _remember((mean, var), (running_mean, running_var), (old_mean, old_var), momentum)
        x_hat, _ = _normalise(input, *((None, None) if training else (running_mean, running_var)), eps)
        return narrow(scale_and_shift(x_hat, weight, bias, of_channels(input)), input.dtype)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        input, weight, bias, running_mean, running_var, old_mean, old_var, training, momentum, eps = inputs
        if not training or not input.numel():
            return super().forward_and_keep(ctx, *inputs)
        x, mean = for_kernel(widen(input), _examples(input))
        w, b = (None if p is None else widen(p).reshape(input.shape[1]) for p in (weight, bias))
        # With momentum 1 and nothing remembered, the kernel leaves the batch's own statistics behind.
        shift, var = (x.new_zeros(x.shape[1]) if running_mean is not None else None for _ in range(2))
        y, of_kernel, r = torch.native_batch_norm(x, w, b, shift, var, True, 1.0, eps)
        ctx.mean = along_channels(of_kernel, x) if mean is None else mean  # two numbers for each channel
        ctx.r = along_channels(r, x)
        if var is not None:
            _remember((ctx.mean, var), (running_mean, running_var), (old_mean, old_var), momentum)
        cls.setup_context(ctx, inputs, y)
        return narrow(y, input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, bias, mean, var, _, _, training, _, ctx.eps = inputs
        # x̂ and r are formed anew, in training without the running statistics; b matters by its form only.
        keep(ctx, input, weight, *((None, None) if training else (mean, var)))
        ctx.bias_like = None if bias is None else (bias.shape, bias.dtype)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, var = ctx.saved_tensors
        needs_input, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        g, examples = widen(grad_output), _examples(input)
        in_training = mean is None
        n = max(g.numel() // max(g.shape[1], 1), 1)
        grad_input = grad_weight = grad_bias = None
        if needs_input or needs_weight:
            if in_training:
                x_hat, r = kept_or_normalised(ctx, widen(input), examples, ctx.eps)
            else:
                x_hat, r = _normalise(input, mean, var, ctx.eps)
        moves_all = needs_input and in_training  # step 3: each number moves its channel's μ and s
        if needs_weight or moves_all:
            of_gx = (g * x_hat).sum(examples, keepdim=True)
        if needs_bias or moves_all:
            of_g = g.sum(examples, keepdim=True)
        if needs_input:
            scale = r if weight is None else r * along_channels(widen(weight), g)  # w/s
            grad_x = with_sums(g, x_hat, scale, of_g, of_gx, n) if in_training else g * scale
            grad_input = narrow(grad_x, input.dtype)
        if needs_weight:
            grad_weight = narrow(of_gx.reshape(weight.shape), weight.dtype)
        if needs_bias:
            shape, dtype = ctx.bias_like
            grad_bias = narrow(of_g.reshape(shape), dtype)
        return grad_input, grad_weight, grad_bias, *(None,) * 7

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        bias_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, weight, mean, var = ctx.saved_tensors
        x_hat, r = _normalise(input, mean, var, ctx.eps)
        moved = torch.zeros_like(x_hat)  # the product rule: ẏ = w ⊙ (x̂ moved by ẋ) + ẇ ⊙ x̂ + ḃ
        if input_tangent is not None:
            u = widen(input_tangent)
            u = through_normalise(u, x_hat, r, _examples(input)) if mean is None else u * r
            moved = moved + (u if weight is None else u * along_channels(widen(weight), u))
        if weight_tangent is not None:
            moved = moved + along_channels(widen(weight_tangent), moved) * x_hat
        if bias_tangent is not None:
            moved = moved + along_channels(widen(bias_tangent), moved)
        return narrow(moved, input.dtype)


def _examples(input: Tensor) -> tuple[int, ...]:
    """The dimensions that examples of one channel lie along: all but the second."""
    return (0, *range(2, input.dim()))


def _normalise(input: Tensor, mean: Tensor | None, var: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ and r = 1/s, from the batch itself or from the mean and variance that are given."""
    x = widen(input)
    if mean is None or var is None:
        return normalise(x, _examples(x), eps)
    r = (along_channels(widen(var), x) + eps).rsqrt()
    return (x - along_channels(widen(mean), x)) * r, r


def _remember(batch: tuple[Tensor, Tensor], running: Pair, old: Pair, momentum: float) -> None:
    """Sets u ← u + m (v − u), with v of the batch and a copy of u: forward mode may run this twice."""
    for u, u_old, v in zip(running, old, batch, strict=True):
        if u is not None and u_old is not None:
            u.copy_(torch.lerp(widen(u_old), v.reshape(u.shape), momentum))


def _check(input: Tensor, training: bool, **parameters: Tensor | None) -> None:
    if input.dim() < 2:
        raise IndexError(f"batch_norm: expected input (N, C) or (N, C, *), got {tuple(input.shape)}")
    mean, var = parameters["running_mean"], parameters["running_var"]
    if training and (mean is None) != (var is None):
        raise ValueError("batch_norm: expected both running_mean and running_var, or neither, got one")
    if not training and (mean is None or var is None):
        missing = "running_mean" if mean is None else "running_var"
        raise RuntimeError(f"batch_norm: in evaluation {missing} must be a Tensor, got None")
    for name, tensor in parameters.items():
        if tensor is not None and tensor.numel() != input.shape[1]:
            raise RuntimeError(
                f"batch_norm: {name} must have {input.shape[1]} elements, one for each channel of input "
                f"{tuple(input.shape)}, got {tensor.numel()}"
            )
        if tensor is not None and name.startswith("running") and tensor.requires_grad:
            raise RuntimeError(f"batch_norm: {name} is no input to differentiate, but requires a gradient")
    check_types("batch_norm", input, **parameters)


_batch_norm = function_of(BatchNorm)


@public(
    T.batch_norm,
    example=example(
        (5, 3), (3,), (3,), call=lambda batch_norm, x, w, b: batch_norm(x, None, None, w, b, training=True)
    ),
)
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """w ⊙ (x − μ)/s + b; as torch.nn.functional.batch_norm, with hand-written gradients.

    Args:
        input: x, (N, C) or (N, C, …).
        running_mean: (C,); normalises in evaluation, and is updated in training. There it may be None.
        running_var: likewise.
        weight: w, (C,), or None for 1.
        bias: b, (C,), or None for 0.
        training: whether the batch's own mean and variance normalise it.
        momentum: m, the share of this batch in the running statistics.
        eps: ε, added to the variance.

    Returns:
        y, of the input's shape.

    Raises:
        TypeError: an argument is not a Tensor, or `momentum` no number.
        ValueError: one value for each channel in training, an `eps` that is too small, or one of the running
            statistics without the other.
        IndexError: an input of fewer than two dimensions.
        RuntimeError: shapes or dtypes that do not fit each other, or no running statistics in evaluation.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("batch_norm", input=input)
    if training and prod(input.shape[:1] + input.shape[2:]) == 1 and input.dim() > 1:
        raise ValueError(
            f"batch_norm: expected more than one value for each channel, got input {tuple(input.shape)}"
        )
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be {'positive' if training else 'at least 0'}, got {eps}")
    return _torch_batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, torch.backends.cudnn.enabled
    )


@twin_of(torch.batch_norm)
def _torch_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: Any,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """The same with the order of arguments that torch.batch_norm has; there `eps` and N may be anything."""
    require_tensor("batch_norm", input=input)
    parameters = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    require_tensors("batch_norm", **parameters)
    require_flags("batch_norm", training=training)
    momentum = as_number(momentum)
    if not isinstance(momentum, int | float):
        raise TypeError(f"batch_norm: momentum must be a number, got {type(momentum).__name__}")
    _check(input, training, **parameters)
    old = (r.clone() if training and r is not None else None for r in (running_mean, running_var))
    return _batch_norm(input, weight, bias, running_mean, running_var, *old, training, momentum, eps)
