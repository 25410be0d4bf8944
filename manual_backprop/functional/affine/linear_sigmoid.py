"""A linear layer and its sigmoid as one operation, which keeps one activation instead of two.

Given   zₙⱼ = Σᵢ xₙᵢ Wⱼᵢ + bⱼ,  aₙⱼ = σ(zₙⱼ), and the upstream gradient ∂L/∂a.
Want    ∂L/∂x, ∂L/∂W, ∂L/∂b.

1.  The chain rule goes through z, the step of `sigmoid` first and those of `linear` after it:

        δₙⱼ = ∂L/∂zₙⱼ = ∂L/∂aₙⱼ · aₙⱼ (1 − aₙⱼ)                         (sigmoid, step 3)

        ∂L/∂x = δ W        ∂L/∂W = δᵀ x        ∂L/∂b = Σₙ δₙ             (linear, step 2)

2.  z stands in none of these lines: the slope is read off a. So a is written over z as soon as z is there,
    and z is never kept. Of the two steps taken one after the other, built in, the sigmoid keeps a and
    linear's z lives until a is made; here there is one buffer from the beginning, and one call instead of
    two.

The numerical trap is the one of `sigmoid`: a − a² would cancel where a is close to 1; 1 − a is exact there.

Shapes: input (*, D), weight (M, D) or (D,), bias (M,) or (), output (*, M) or (*).

Source: as in `linear` and `sigmoid`; for the fusion, Chen, Xu, Zhang and Guestrin, "Training deep nets with
sublinear memory cost" (2016), section 3, in-place operation.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.affine.linear import (
    Linear,
    check_activated,
    fit,
    linear_backward,
)
from manual_backprop.functional.operation import Formula, example, function_of, narrow, public, widen
from manual_backprop.functional.operation.torch_state import may_overwrite_own


class LinearSigmoid(Linear):
    """a = σ(x Wᵀ + b), with δ = ∂L/∂a ⊙ a ⊙ (1 − a), and from there as in `Linear`."""

    formula = Formula(
        "linear_sigmoid",
        "activated layer",
        "σ({0} {1}ᵀ‹ + {2}›)",
        ("δ {1}", "δᵀ {0}", "Σₙ δ"),
        delta="{g} ⊙ {out} ⊙ (1 − {out})",
    )

    @staticmethod
    def written(x: Tensor, W: Tensor, b: Tensor | None) -> Any:
        z, through_linear = Linear.written(x, W, b)
        a = torch.sigmoid(z)

        def backward(da: Tensor) -> tuple[Tensor | None, ...]:
            dz = da * a * (1 - a)
            return through_linear(dz)

        return a, backward

    @staticmethod
    def elementary(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        """σ(x Wᵀ + b)."""
        z = T.linear(x, W, b)
        return z.sigmoid()

    @staticmethod
    def check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        if not fit(input, weight, bias) or not input.is_floating_point():
            check_activated("linear_sigmoid", input, weight, bias)

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        z = Linear.forward(input, weight, bias)
        if torch.compiler.is_compiling():
            return (
                z.sigmoid()
            )  # the compiler plans memory itself, and torch 2.11's loses the gradient in place
        return z.sigmoid_()  # a, over z

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        Linear.keep_with(ctx, inputs, output)  # a, for step 1

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        *_, a = ctx.saved_tensors
        wide = widen(a)
        slope, g = 1 - wide, widen(grad_output)
        over = slope if may_overwrite_own(grad_output) else None
        delta = torch.mul(torch.mul(slope, wide, out=over), g, out=over)  # ∂L/∂a a (1 − a)
        return linear_backward(ctx, narrow(delta, a.dtype))

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        *_, a = ctx.saved_tensors
        return Linear.jvp(ctx, *tangents) * (a * (1 - a))


_linear_sigmoid = function_of(LinearSigmoid)


@public(example=example((5, 3), (7, 3), (7,), built_in=lambda x, W, b: T.sigmoid(T.linear(x, W, b))))
def linear_sigmoid(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Sigmoid of x Wᵀ + b: sigmoid(linear(input, weight, bias)) as one operation.

    Args:
        input: x, (*, D): any number of leading dimensions, none included.
        weight: W, (M, D), or (D,) for a single output without a dimension of its own.
        bias: b, (M,) or (), or None for none.

    Returns:
        a, (*, M), or (*) for a weight (D,).

    Raises:
        TypeError: an argument is not a Tensor.
        NotImplementedError: `input` is not floating-point.
        RuntimeError: shapes or dtypes that do not fit each other.
    """
    return _linear_sigmoid(input, weight, bias)
