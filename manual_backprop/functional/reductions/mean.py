"""The mean over dimensions.

Given   yₖ = Σᵢ xₖᵢ / n, i running over the n places that are averaged and k over those that stay, and the
        upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  xₖᵢ reaches L through yₖ only, with the slope 1/n:

        ∂L/∂xₖᵢ = ∂L/∂yₖ / n

2.  So each number gets its share of the upstream gradient, repeated over the dimensions that are gone
    (sum.py):

        ∂L/∂x = ∂L/∂y / n, expanded to the shape of x

The trap is n: the number of places that were averaged, not that of the examples, and not that of all
numbers where some dimensions stay.

Shapes: input (*), output without the averaged dimensions, or with size 1 there if keepdim; gradient (*).
"""

from math import prod
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
)
from manual_backprop.functional.operation.written import spread_over
from manual_backprop.functional.reductions._dims import SUMMED, Dims, called_as, dims_of
from manual_backprop.functional.reductions.sum import spread, summed


class Mean(Operation):
    """y = Σ x / n over some dimensions, and ∂L/∂x = ∂L/∂y / n, expanded."""

    formula = Formula("mean", "reduction", "mean of {0}", ("{g}/n, to each number of {0}",))

    @staticmethod
    def written(x: Tensor, dim: Dims, keepdim: bool, dtype: Any) -> Any:
        average = x.mean() if dim is None or dim == () else x.mean(dim, keepdim=keepdim)
        n = x.numel() // max(average.numel(), 1)
        return average, lambda g: spread_over(g / n, x, dim, keepdim)

    @staticmethod
    def forward(input: Tensor, dim: Dims, keepdim: bool, dtype: torch.dtype | None) -> Tensor:
        return torch.mean(input, dim, keepdim, dtype=dtype)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Dims, bool, torch.dtype | None], output: Tensor
    ) -> None:
        input, ctx.dim, ctx.keepdim, ctx.to = inputs  # no number is kept
        ctx.shape, ctx.dtype = input.shape, input.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        n = prod([ctx.shape[d] for d in summed(ctx.dim, len(ctx.shape))])
        return (spread(grad_output, ctx) / n).to(ctx.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        dims = summed(ctx.dim, len(ctx.shape))
        return torch.mean(input_tangent, dims, ctx.keepdim, dtype=ctx.to) if dims else input_tangent.clone()


_mean = function_of(Mean)


@public(torch.mean, torch.Tensor.mean, example=example((5, 3), dim=1))
@called_as(SUMMED, "dim", "keepdim")
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    """The mean over dimensions; as torch.mean, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        dim: a dimension, or several; all of them by default.
        keepdim: leave them in the result, with size 1.
        dtype: the type to average in.

    Raises:
        TypeError: `input` is not a Tensor, `dim` no integers, or `keepdim` without `dim`.
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice, or `input` is not floating-point.
    """
    require_tensor("mean", input=input)
    dim = dims_of("mean", dim, keepdim)
    return _mean(input, dim, keepdim, dtype)
