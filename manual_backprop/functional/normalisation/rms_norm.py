"""RMS normalisation: each example's features are divided by their root mean square; then they are scaled.

Given   yₙⱼ = wⱼ x̂ₙⱼ,  x̂ₙⱼ = xₙⱼ/sₙ,  sₙ² = (1/D) Σⱼ xₙⱼ² + ε      for example n with D features,
        and the upstream gradient gₙⱼ = ∂L/∂yₙⱼ.
Want    ∂L/∂x, ∂L/∂w.

1.  w is shared by all examples, so its gradient sums over n; x̂ₙⱼ feeds only its own output:

        ∂L/∂wⱼ = Σₙ gₙⱼ x̂ₙⱼ
        ∂L/∂x̂ₙⱼ = gₙⱼ wⱼ

2.  xₙⱼ reaches x̂ₙᵢ directly, if i = j, and through sₙ, whose slope is ∂sₙ/∂xₙⱼ = xₙⱼ/(D sₙ) = x̂ₙⱼ/D:

        ∂x̂ₙᵢ/∂xₙⱼ = (1/sₙ) ([i = j] − x̂ₙᵢ x̂ₙⱼ/D)

3.  Summed over i, with mean being that over the features:

        ∂L/∂x = (1/s) (∂L/∂x̂ − x̂ mean(∂L/∂x̂ ⊙ x̂))

    It is layer normalisation's formula without the mean of ∂L/∂x̂, since no μ is subtracted: see `normalised`.

What the mean does: it takes away the part of ∂L/∂x̂ along x̂. But for ε, a longer x gives the same x̂, so no
gradient may point along x.

The numerical trap: x² overflows float16 from 256 on, so half precision is computed in float32, forwards and
backwards. The default ε is the rounding unit of the type that is computed in.

Shapes: input, output (*, D), weight (D,); instead of D there may be several dimensions, all those of
`normalized_shape`. * are the examples n.

Source: Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019, section 3.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation._normalised import (
    as_rows,
    check_floating,
    check_normalized_shape,
    last_dims,
    require_sizes,
    require_tensors,
    sum_of_columns,
    sum_of_rows,
    through_normalise,
    with_sums,
    written_out,
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
    widen,
)
from manual_backprop.functional.operation.written import summed_to


class RMSNorm(Operation):
    """y = w ⊙ x̂ and ∂L/∂x = (1/s) (∂L/∂x̂ − x̂ mean(∂L/∂x̂ ⊙ x̂)), ∂L/∂x̂ = g ⊙ w."""

    formula = Formula(
        "rms_norm",
        "normalisation",
        "{0}/s‹ {1}›, s² = mean of {0}²",
        ("(h − x̂ mean(h x̂))/s, h = {g}‹ {1}›, x̂ = {0}/s", "Σ {g} x̂"),
        reordered=True,
    )

    @staticmethod
    def written(x: Tensor, weight: Tensor | None, shape: tuple[int, ...], eps: float | None) -> Any:
        dims, eps = last_dims(shape), torch.finfo(x.dtype).eps if eps is None else eps
        rms = torch.sqrt((x**2).mean(dims, keepdim=True) + eps)
        xhat = x / rms
        y = xhat if weight is None else xhat * weight

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dxhat = g if weight is None else g * weight
            stretch = (dxhat * xhat).mean(dims, keepdim=True)
            return (dxhat - xhat * stretch) / rms, None if weight is None else summed_to(g * xhat, weight)

        return y, backward

    @staticmethod
    def elementary(x: Tensor, weight: Tensor | None, shape: tuple[int, ...], eps: float | None) -> Tensor:
        """w x / √(mean of x² + ε)."""
        eps = torch.finfo(x.dtype).eps if eps is None else eps
        rms = (x.square().mean(last_dims(shape), keepdim=True) + eps).sqrt()
        xhat = x / rms
        return xhat if weight is None else xhat * weight

    has_several_passes = True

    @classmethod
    def row_dims(cls, input: Tensor, weight: Tensor | None, shape: tuple[int, ...], *_: Any) -> int:
        return len(shape)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def check(input: Tensor, weight: Tensor | None, shape: tuple[int, ...], eps: float | None) -> None:
        if input.dim() < len(shape):
            raise ValueError(f"rms_norm: expected input (*, {shape}), got {tuple(input.shape)}")
        check_normalized_shape("rms_norm", input, shape, weight=weight)
        check_floating("rms_norm", input)

    @staticmethod
    def forward(input: Tensor, weight: Tensor | None, shape: tuple[int, ...], eps: float | None) -> Tensor:
        x_hat = torch.rms_norm(widen(input), shape, None, eps)  # `over_rms`, in one kernel on CUDA
        return narrow(x_hat if weight is None else x_hat * widen(weight), input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, ctx.shape, ctx.eps = inputs
        keep(ctx, input, weight)  # x̂ and r are formed anew
        ctx.dims = last_dims(ctx.shape)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        needs_input, needs_weight, *_ = ctx.needs_input_grad
        g = as_rows(widen(grad_output), ctx.shape)
        w = None if weight is None else weight.to(g.dtype).reshape(-1)
        x_hat, r = over_rms(as_rows(input, ctx.shape), (1,), ctx.eps)
        gx = g * x_hat
        grad_input = grad_weight = None
        if needs_input:
            h = g if w is None else g * w
            grad_x = with_sums(h, x_hat, r, None, sum_of_columns(gx, w), h.shape[1])
            grad_input = narrow(grad_x.reshape(input.shape), input.dtype)
        if needs_weight:
            grad_weight = narrow(sum_of_rows(gx).reshape(ctx.shape), weight.dtype)
        return grad_input, grad_weight, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, weight_tangent: Tensor | None, *_: None) -> Tensor:
        input, weight = ctx.saved_tensors
        x_hat, r = over_rms(input, ctx.dims, ctx.eps)
        moved = torch.zeros_like(x_hat)  # the product rule: ẏ = w ⊙ (x̂ moved by ẋ) + ẇ ⊙ x̂
        if input_tangent is not None:
            x_hat_tangent = through_normalise(widen(input_tangent), x_hat, r, ctx.dims, centred=False)
            moved = moved + (x_hat_tangent if weight is None else x_hat_tangent * widen(weight))
        if weight_tangent is not None:
            moved = moved + widen(weight_tangent) * x_hat
        return narrow(moved, input.dtype)


def over_rms(input: Tensor, dims: tuple[int, ...], eps: float | None) -> tuple[Tensor, Tensor]:
    """x̂ = x/s and r = 1/s, with the default ε where there is none."""
    x = widen(input)
    return written_out(x, dims, torch.finfo(x.dtype).eps if eps is None else eps, centred=False)


_rms_norm = function_of(RMSNorm)


@public(
    torch.rms_norm,
    T.rms_norm,
    example=example((5, 3), (3,), call=lambda rms_norm, x, w: rms_norm(x, (3,), w)),
)
def rms_norm(
    input: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """w ⊙ x/s; as torch.nn.functional.rms_norm, with hand-written gradients.

    Args:
        input: x, (*, D).
        normalized_shape: the shape (D,) of the last dimensions, whose root mean square is taken together.
        weight: w, (D,), or None for 1.
        eps: ε, added to the mean square; None for the rounding unit.

    Returns:
        y, (*, D), of the input's type; of complex numbers PyTorch's own, with a built-in gradient.

    Raises:
        TypeError: an argument is not a Tensor, or `normalized_shape` no tuple of integers.
        ValueError: an input of fewer dimensions than `normalized_shape`.
        RuntimeError: shapes that do not fit each other.
        NotImplementedError: `input` holds integers.
    """
    require_tensor("rms_norm", input=input)
    require_tensors("rms_norm", weight=weight)
    shape = require_sizes("rms_norm", normalized_shape)
    if input.is_complex():
        return T.rms_norm(input, shape, weight, eps)
    return _rms_norm(input, weight, shape, eps)
