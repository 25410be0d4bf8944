"""The variance: how far numbers are from their mean.

Given   v = Σᵢ dᵢ² / (n − c),   dᵢ = xᵢ − μ,   μ = Σᵢ xᵢ / n

        over the n places of some dimensions, with the correction c: 1 for an estimate from a sample, 0 for
        the numbers as they are, as every normalisation has it; and the upstream gradient g = ∂L/∂v.
Want    ∂L/∂x.

1.  xᵢ stands in its own difference with the slope 1, and in all of them through the mean, whose slope is
    1/n:

        ∂dⱼ/∂xᵢ = [i = j] − 1/n

2.  The chain rule sums over the differences:

        ∂v/∂xᵢ = Σⱼ 2 dⱼ ([i = j] − 1/n) / (n − c) = (2 dᵢ − (2/n) Σⱼ dⱼ) / (n − c)

3.  The differences from the mean sum to 0, so the way through the mean drops out. Repeated over the
    dimensions that are gone:

        ∂L/∂x = g · 2 / (n − c) · (x − μ)

The numerical trap: Σᵢ xᵢ² / n − μ² is the same on paper, needs one pass less and cancels where the mean is
large: of 10,000 and 10,001 in float32 it leaves nothing right. First the mean, then the squares of the
differences.

Shapes: input (*), output without the dimensions, or with size 1 there if keepdim; gradient (*).

Source: Chan, Golub and LeVeque, "Algorithms for computing the sample variance: analysis and recommendations",
The American Statistician 37 (1983), the two-pass algorithm.
"""

import math
import warnings
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import require_flags
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
from manual_backprop.functional.operation.written import spread_over
from manual_backprop.functional.reductions._dims import DEVIATION, Dims, called_as, check_dims, dims_of
from manual_backprop.functional.reductions.sum import spread, summed


class Var(Operation):
    """v = Σ (x − μ)² / (n − c) and ∂L/∂x = g · 2 (x − μ) / (n − c)."""

    formula = Formula(
        "var", "reduction", "Σ ({0} − μ)² / (n − {2})", ("2 {g} ({0} − μ) / (n − {2})",), reordered=True
    )

    @staticmethod
    def written(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Any:
        dims, n = summed(dim, x.dim()), freedom(x, dim, correction)
        centred = x - x.mean(dims, keepdim=True)
        var = (centred**2).sum(dims, keepdim=keepdim) / n
        return var, lambda g: spread_over(g, x, dims, keepdim) * 2 * centred / n

    @staticmethod
    def elementary(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
        """The squares of x − mean, added up, over n − c."""
        dims, n = summed(dim, x.dim()), freedom(x, dim, correction)
        centred = x - x.mean(dims, keepdim=True)
        return centred.square().sum(dims, keepdim=keepdim) / n

    @staticmethod
    def forward(input: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
        return narrow(two_pass(widen(input), dim, correction, keepdim), input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Dims, float, bool], output: Tensor) -> None:
        input, ctx.dim, ctx.correction, ctx.keepdim = inputs
        keep(ctx, input)  # the differences are formed anew
        ctx.shape = input.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        share = widen(grad_output) / (freedom(x, ctx.dim, ctx.correction) / 2)  # 2 g / (n − c)
        return narrow(spread(share, ctx) * differences(widen(x), ctx.dim), x.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (x,) = ctx.saved_tensors
        moved = along(input_tangent, x, ctx) / (freedom(x, ctx.dim, ctx.correction) / 2)
        return narrow(moved, x.dtype)


def differences(x: Tensor, dim: Dims) -> Tensor:
    """The differences x − μ."""
    return x - x.mean(summed(dim, x.dim()), keepdim=True)


def along(input_tangent: Tensor, x: Tensor, ctx: Any) -> Tensor:
    """The sum Σᵢ (xᵢ − μ) ẋᵢ, in which a tangent moves the squares."""
    products = differences(widen(x), ctx.dim) * widen(input_tangent)
    return products.sum(summed(ctx.dim, x.dim()), ctx.keepdim)


def two_pass(x: Tensor, dim: Dims, correction: float, keepdim: bool) -> Tensor:
    """The formula itself, for numbers that are wide enough to compute in."""
    squares = differences(x, dim).square().sum(summed(dim, x.dim()), keepdim)
    return squares / freedom(x, dim, correction)


def freedom(x: Tensor, dim: Dims, correction: float) -> float:
    """The divisor n − c, at least 0; it divides tensors, whose quotients by 0 are infinite or NaN."""
    n = math.prod([x.shape[d] for d in summed(dim, x.dim())])
    return max(n - correction, 0.0)


def arguments(
    operation: str, input: Tensor, dim: Any, unbiased: Any, keepdim: Any, correction: float | None
) -> tuple[Dims, float]:
    """`dim` and the correction, checked."""
    require_tensor(operation, input=input)
    require_flags(operation, unbiased=unbiased)
    dim = dims_of(operation, dim, keepdim)
    check_dims(operation, input, dim)
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"{operation}: expected floating-point numbers, got {input.dtype}")
    correction = (1 if unbiased else 0) if correction is None else correction
    n = math.prod([input.shape[d] for d in summed(dim, input.dim())])
    if n <= correction and not torch.compiler.is_compiling():  # a warning is not traced
        warnings.warn(
            f"{operation}: {n} numbers and the correction {correction} leave no degrees of freedom",
            stacklevel=4,
        )
    return dim, correction


_var = function_of(Var)


@public(torch.var, torch.Tensor.var, example=example((5, 3), dim=1))
@called_as(DEVIATION, "dim", "unbiased", "keepdim")
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance over dimensions; as torch.var, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        dim: a dimension, or several; all of them by default. `unbiased` may stand there alone.
        unbiased: whether c is 1; else 0.
        keepdim: leave the dimensions in the result, with size 1.
        correction: c, in place of `unbiased`.

    Returns:
        v; of complex numbers PyTorch's own, with a built-in gradient.

    Raises:
        TypeError: `input` is not a Tensor, `dim` no integers, or arguments that do not go together.
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice, or `input` is not floating-point.
    """
    dim, correction = arguments("var", input, dim, unbiased, keepdim, correction)
    if input.is_complex():
        return torch.var(input, dim, correction=correction, keepdim=keepdim)
    return _var(input, dim, correction, keepdim)
