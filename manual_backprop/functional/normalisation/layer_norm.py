"""Layer normalisation: each example's features get mean 0 and variance 1; then they are scaled and shifted.

Given   yₙⱼ = wⱼ x̂ₙⱼ + bⱼ,  x̂ₙⱼ = (xₙⱼ − μₙ)/sₙ,     n being an example, j one of its D features,
        μₙ and sₙ² − ε being mean and variance of example n's features,
        and the upstream gradient gₙⱼ = ∂L/∂yₙⱼ.
Want    ∂L/∂x, ∂L/∂w, ∂L/∂b.

1.  w and b are shared by all examples, so their gradients sum over n:

        ∂L/∂wⱼ = Σₙ gₙⱼ x̂ₙⱼ
        ∂L/∂bⱼ = Σₙ gₙⱼ

2.  x̂ₙⱼ feeds only its own output:

        ∂L/∂x̂ₙⱼ = gₙⱼ wⱼ

3.  Back through the normalisation by the formula that `normalised` derives, with means over the features j:

        ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂))

    w stands inside the means: each feature has its own.

The examples do not meet: unlike in batch normalisation, an example's output is the same in any batch, in
training and in evaluation.

The numerical trap is the variance, which cancels if formed as a difference of squares: see `normalised`.

Shapes: input, output (*, D), weight and bias (D,); instead of D there may be several dimensions, all those of
`normalized_shape`. * are the examples n.

Source: Ba, Kiros and Hinton, "Layer normalization", arXiv 1607.06450 (2016), section 3.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation._normalised import (
    as_rows,
    check_normalized_shape,
    check_types,
    kept_or_normalised,
    last_dims,
    normalise,
    normalised_rows,
    require_sizes,
    require_tensors,
    scale_and_shift,
    sum_of_columns,
    sum_of_rows,
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
from manual_backprop.functional.operation.written import summed_to


class LayerNorm(Operation):
    """y = w ⊙ x̂ + b and ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂)), ∂L/∂x̂ = g ⊙ w."""

    formula = Formula(
        "layer_norm",
        "normalisation",
        "({0} − μ)/s‹ {1}›‹ + {2}›, over each example",
        (
            "(h − mean h − x̂ mean(h x̂))/s over each example, h = {g}‹ {1}›, x̂ = ({0} − μ)/s",
            "Σ {g} x̂",
            "Σ {g}",
        ),
        reordered=True,
    )

    @staticmethod
    def written(
        x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], eps: float
    ) -> Any:
        xhat, through = written(x, last_dims(shape), eps)
        scaled = xhat if weight is None else xhat * weight
        y = scaled if bias is None else scaled + bias

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dxhat = g if weight is None else g * weight
            dweight = None if weight is None else summed_to(g * xhat, weight)
            return through(dxhat), dweight, None if bias is None else summed_to(g, bias)

        return y, backward

    @staticmethod
    def elementary(
        x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], eps: float
    ) -> Tensor:
        """w (x − mean) / √(var + ε) + b."""
        dims = last_dims(shape)
        centred = x - x.mean(dims, keepdim=True)
        var = centred.square().mean(dims, keepdim=True)
        xhat = centred / (var + eps).sqrt()
        scaled = xhat if weight is None else xhat * weight
        return scaled if bias is None else scaled + bias

    has_several_passes = True

    @classmethod
    def row_dims(cls, input: Tensor, weight: Tensor | None, bias: Tensor | None, *options: Any) -> int:
        return len(options[0])

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def check(
        input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], eps: float
    ) -> None:
        check_normalized_shape("layer_norm", input, shape, weight=weight, bias=bias)
        check_types("layer_norm", input, weight=weight, bias=bias)

    @staticmethod
    def forward(
        input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], eps: float
    ) -> Tensor:
        x_hat, _ = normalise(widen(input), last_dims(shape), eps)
        return narrow(scale_and_shift(x_hat, weight, bias, shape), input.dtype)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        input, weight, bias, shape, eps = inputs
        if not input.numel():
            return super().forward_and_keep(ctx, *inputs)
        w, b = (None if p is None else widen(p) for p in (weight, bias))
        y, ctx.mean, ctx.r = normalised_rows(widen(input), shape, w, b, eps)  # two numbers for each example
        cls.setup_context(ctx, inputs, y)
        return narrow(y, input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, bias, shape, ctx.eps = inputs
        keep(ctx, input, weight)  # x̂ and r are formed anew; of b nothing but its type is needed
        ctx.shape, ctx.dims, ctx.bias_dtype = shape, last_dims(shape), None if bias is None else bias.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        needs_input, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        g = as_rows(widen(grad_output), ctx.shape)
        w = None if weight is None else widen(weight).reshape(-1)
        grad_input = grad_weight = grad_bias = None
        if needs_input or needs_weight:
            x_hat, r = kept_or_normalised(ctx, as_rows(widen(input), ctx.shape), (1,), ctx.eps)
            gx = g * x_hat
        if needs_input:
            h = g if w is None else g * w
            grad_x = with_sums(h, x_hat, r, sum_of_columns(g, w), sum_of_columns(gx, w), h.shape[1])
            grad_input = narrow(grad_x.reshape(input.shape), input.dtype)
        if needs_weight:
            grad_weight = narrow(sum_of_rows(gx).reshape(ctx.shape), weight.dtype)
        if needs_bias:
            grad_bias = narrow(sum_of_rows(g).reshape(ctx.shape), ctx.bias_dtype)
        return grad_input, grad_weight, grad_bias, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        bias_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, weight = ctx.saved_tensors
        x_hat, r = normalise(widen(input), ctx.dims, ctx.eps)
        moved = torch.zeros_like(x_hat)  # the product rule: ẏ = w ⊙ (x̂ moved by ẋ) + ẇ ⊙ x̂ + ḃ
        if input_tangent is not None:
            x_hat_tangent = through_normalise(widen(input_tangent), x_hat, r, ctx.dims)
            moved = moved + (x_hat_tangent if weight is None else x_hat_tangent * widen(weight))
        if weight_tangent is not None:
            moved = moved + widen(weight_tangent) * x_hat
        if bias_tangent is not None:
            moved = moved + widen(bias_tangent)
        return narrow(moved, input.dtype)


_layer_norm = function_of(LayerNorm)


@public(
    T.layer_norm,
    example=example((5, 3), (3,), (3,), call=lambda layer_norm, x, w, b: layer_norm(x, (3,), w, b)),
)
def layer_norm(
    input: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """w ⊙ (x − μ)/s + b; as torch.nn.functional.layer_norm, with hand-written gradients.

    Args:
        input: x, (*, D).
        normalized_shape: the shape (D,) of the last dimensions, which are normalised together.
        weight: w, (D,), or None for 1.
        bias: b, (D,), or None for 0.
        eps: ε, added to the variance.

    Returns:
        y, (*, D).

    Raises:
        TypeError: an argument is not a Tensor, or `normalized_shape` no tuple of integers.
        RuntimeError: shapes or dtypes that do not fit each other.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("layer_norm", input=input)
    require_tensors("layer_norm", weight=weight, bias=bias)
    return _layer_norm(input, weight, bias, require_sizes("layer_norm", normalized_shape), eps)


@twin_of(torch.layer_norm)
def _torch_layer_norm(
    input: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """The same with the one argument more that torch.layer_norm has, and does not use."""
    return layer_norm(input, normalized_shape, weight, bias, eps)
