"""A linear layer and its ReLU as one operation, which keeps one activation instead of two.

Given   zₙⱼ = Σᵢ xₙᵢ Wⱼᵢ + bⱼ,  aₙⱼ = max(0, zₙⱼ), and the upstream gradient ∂L/∂a.
Want    ∂L/∂x, ∂L/∂W, ∂L/∂b.

1.  The chain rule goes through z, the step of `relu` first and those of `linear` after it:

        δₙⱼ = ∂L/∂zₙⱼ = ∂L/∂aₙⱼ where aₙⱼ > 0, and 0 elsewhere          (relu, step 3)

        ∂L/∂x = δ W        ∂L/∂W = δᵀ x        ∂L/∂b = Σₙ δₙ             (linear, step 2)

2.  z stands in none of these lines: the slope is read off a. So a is written over z as soon as z is there,
    and z is never kept. Of the two steps taken one after the other, built in, ReLU keeps a and linear's z
    lives until a is made; here there is one buffer from the beginning, and one call instead of two.

The numerical trap is the one of `relu`: the 0 is put in, not multiplied.

Shapes: input (*, D), weight (M, D) or (D,), bias (M,) or (), output (*, M) or (*).

Source: as in `linear` and `relu`; for the fusion, Chen, Xu, Zhang and Guestrin, "Training deep nets with
sublinear memory cost" (2016), section 3, in-place operation.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations._corners import gate
from manual_backprop.functional.affine.linear import (
    Linear,
    check_activated,
    fit,
    linear_backward,
)
from manual_backprop.functional.operation import Formula, example, function_of, public


class LinearReLU(Linear):
    """a = max(0, x Wᵀ + b), with δ = ∂L/∂a where a > 0, and from there as in `Linear`."""

    formula = Formula(
        "linear_relu",
        "activated layer",
        "max(0, {0} {1}ᵀ‹ + {2}›)",
        ("δ {1}", "δᵀ {0}", "Σₙ δ"),
        delta="{g} where {out} > 0",
    )

    @staticmethod
    def written(x: Tensor, W: Tensor, b: Tensor | None) -> Any:
        z, through_linear = Linear.written(x, W, b)
        a = torch.relu(z)

        def backward(da: Tensor) -> tuple[Tensor | None, ...]:
            dz = torch.where(a > 0, da, 0)
            return through_linear(dz)

        return a, backward

    @staticmethod
    def elementary(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        """Max(0, x Wᵀ + b)."""
        z = T.linear(x, W, b)
        return T.relu(z)

    @staticmethod
    def check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        if not fit(input, weight, bias) or not input.is_floating_point():
            check_activated("linear_relu", input, weight, bias)

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        z = Linear.forward(input, weight, bias)
        if torch.compiler.is_compiling():
            return z.relu()  # the compiler plans memory itself, and torch 2.11's loses the gradient in place
        return z.relu_()  # a, over z

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        Linear.keep_with(ctx, inputs, output)  # a, for step 1

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        *_, a = ctx.saved_tensors
        return linear_backward(ctx, gate(grad_output, a))

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        *_, a = ctx.saved_tensors
        return Linear.jvp(ctx, *tangents).masked_fill(a <= 0, 0)


_linear_relu = function_of(LinearReLU)


@public(example=example((5, 3), (7, 3), (7,), built_in=lambda x, W, b: T.relu(T.linear(x, W, b))))
def linear_relu(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """max(0, x Wᵀ + b): relu(linear(input, weight, bias)) as one operation.

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
    return _linear_relu(input, weight, bias)
