"""The standard deviation: the square root of the variance, in the unit of the numbers themselves.

Given   s = v^{1/2},   v = Σᵢ (xᵢ − μ)² / (n − c)

        over the n places of some dimensions, with their mean μ and the correction c (var.py), and the
        upstream gradient g = ∂L/∂s.
Want    ∂L/∂x.

1.  The chain rule goes through the variance. The root has the slope 1 / (2 s) (sqrt.py), the variance
    2 (xᵢ − μ) / (n − c):

        ∂s/∂xᵢ = ∂s/∂v · ∂v/∂xᵢ = (xᵢ − μ) / (s (n − c))

2.  Repeated over the dimensions that are gone:

        ∂L/∂x = g / s · (x − μ) / (n − c)

The numerical trap: numbers that are all equal have s = 0 and x = μ, and the quotient is 0/0. s has a kink
there, like |x| at 0; PyTorch takes the slope 0, and so does this file, which divides by ∞ in place of 0.
Close to it the slope is not small: (x − μ) / s stays of the size of 1 however small both are. So s must not
round to 0 before they do: in float32 the squares of differences below 10⁻²³ are 0, and those of differences
over 10¹⁹ infinite. With the largest difference taken out, m = max |xᵢ − μ|, no square is over 1, and one of
them is 1:

        s = (Σᵢ ((xᵢ − μ)/m)²)^{1/2} / (n − c)^{1/2} · m

The root of the sum is the length of a vector, and m is another norm of one, that with the exponent ∞.

Shapes: input (*), output without the dimensions, or with size 1 there if keepdim; gradient (*).
"""

import math
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    widen,
)
from manual_backprop.functional.operation.written import spread_over
from manual_backprop.functional.reductions._dims import DEVIATION, Dims, called_as
from manual_backprop.functional.reductions.sum import spread, summed
from manual_backprop.functional.reductions.var import along, arguments, differences, freedom, two_pass


class Std(Operation):
    """s = √v and ∂L/∂x = g / s · (x − μ) / (n − c)."""

    formula = Formula(
        "std",
        "reduction",
        "√(Σ ({0} − μ)² / (n − {2}))",
        ("{g} ({0} − μ) / ((n − {2}) {out})",),
        reordered=True,
    )

    @staticmethod
    def written(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        dims, n = summed(dim, x.dim()), freedom(x, dim, correction)
        centred = x - x.mean(dims, keepdim=True)
        std = torch.sqrt((centred**2).sum(dims, keepdim=keepdim) / n)
        return std, lambda g: spread_over(g / (n * std), x, dims, keepdim) * centred

    @staticmethod
    def elementary(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
        """The root of the squares of x − mean, added up, over n − c."""
        dims, n = summed(dim, x.dim()), freedom(x, dim, correction)
        centred = x - x.mean(dims, keepdim=True)
        var = centred.square().sum(dims, keepdim=keepdim) / n
        return var.sqrt()

    @staticmethod
    def forward(input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
        return narrow(deviation(widen(input), dim, correction, keepdim), input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Dims, float, bool], output: Tensor) -> None:
        input, ctx.dim, ctx.correction, ctx.keepdim = inputs
        keep(ctx, input, output)  # the differences are formed anew
        ctx.shape = input.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        x, s = ctx.saved_tensors
        share = over(widen(grad_output), widen(s)) / freedom(x, ctx.dim, ctx.correction)
        return narrow(spread(share, ctx) * differences(widen(x), ctx.dim), x.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        x, s = ctx.saved_tensors
        moved = over(along(input_tangent, x, ctx), widen(s))
        return narrow(moved / freedom(x, ctx.dim, ctx.correction), x.dtype)


def deviation(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
    """The square root of `two_pass`, as the length of the differences divided by the largest of them."""
    if x.numel() == 0:
        return two_pass(x, dim, correction, keepdim).sqrt()
    d, dims = differences(x, dim), tuple(summed(dim, x.dim()))
    m = torch.linalg.vector_norm(d, math.inf, dims, keepdim=True)
    length = torch.linalg.vector_norm(d / T.threshold(m, 0.0, 1.0), 2, dims, keepdim)  # 0/1 if all are equal
    return length / freedom(x, dim, correction) ** 0.5 * (m if keepdim else m.squeeze(dims))


def over(value: Tensor, s: Tensor) -> Tensor:
    """Value / s, and value / ∞ = 0 where s is 0."""
    return value / T.threshold(s, 0.0, math.inf)


_std = function_of(Std)


@public(torch.std, torch.Tensor.std, example=example((5, 3), dim=1))
@called_as(DEVIATION, "dim", "unbiased", "keepdim")
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation over dimensions; as torch.std, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        dim: a dimension, or several; all of them by default. `unbiased` may stand there alone.
        unbiased: whether c is 1; else 0.
        keepdim: leave the dimensions in the result, with size 1.
        correction: c, in place of `unbiased`.

    Returns:
        s; of complex numbers PyTorch's own, with a built-in gradient.

    Raises:
        TypeError: `input` is not a Tensor, `dim` no integers, or arguments that do not go together.
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice, or `input` is not floating-point.
    """
    dim, correction = arguments("std", input, dim, unbiased, keepdim, correction)
    if input.is_complex():
        return torch.std(input, dim, correction=correction, keepdim=keepdim)
    return _std(input, dim, correction, keepdim)
