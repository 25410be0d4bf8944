"""The sum over dimensions.

Given   yₖ = Σᵢ xₖᵢ, i running over the dimensions that are summed and k over those that stay, and the
        upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  xₖᵢ reaches L through yₖ only, with slope 1, whatever i is:

        ∂L/∂xₖᵢ = ∂L/∂yₖ

2.  So each number that was summed gets the gradient of the sum: the upstream gradient, repeated over the
    dimensions that are gone.

        ∂L/∂x = ∂L/∂y, expanded to the shape of x

The sum and the broadcast are each other's backward (broadcast_to.py).

The numerical trap: bfloat16 and float16 are summed in float32 and rounded once. A running sum in them would
stop growing as soon as the next number is less than half of its last place.

Shapes: input (*), output without the summed dimensions, or with size 1 there if keepdim; gradient (*).
"""

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


class Sum(Operation):
    """y = Σ x over some dimensions, and ∂L/∂x = ∂L/∂y, expanded."""

    formula = Formula("sum", "reduction", "Σ {0}", ("{g}, to each number of {0}",))

    @staticmethod
    def written(x: Tensor, dim: Dims, keepdim: bool, dtype: Any) -> Any:
        total = x.sum() if dim is None or dim == () else x.sum(dim, keepdim=keepdim)
        return total, lambda g: spread_over(g, x, dim, keepdim)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def forward(input: Tensor, dim: Dims, keepdim: bool, dtype: torch.dtype | None) -> Tensor:
        return torch.sum(input, dim, keepdim, dtype=dtype)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Dims, bool, torch.dtype | None], output: Tensor
    ) -> None:
        input, ctx.dim, ctx.keepdim, ctx.to = inputs  # no number is kept
        ctx.shape, ctx.dtype = input.shape, input.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        return spread(grad_output, ctx).to(ctx.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        dims = summed(ctx.dim, len(ctx.shape))
        return torch.sum(input_tangent, dims, ctx.keepdim, dtype=ctx.to) if dims else input_tangent.clone()


def spread(grad_output: Tensor, ctx: Any) -> Tensor:
    """Step 2: the upstream gradient repeated over the dimensions that `ctx.dim` names."""
    if not ctx.keepdim:
        for d in sorted(summed(ctx.dim, len(ctx.shape))):
            grad_output = grad_output.unsqueeze(d)
    return grad_output.expand(ctx.shape)


def summed(dim: Dims, dims: int) -> list[int]:
    """The dimensions that `dim` names: all of them for None and ()."""
    if dim is None or dim == ():
        return list(range(dims))
    return [d % max(dims, 1) for d in ((dim,) if isinstance(dim, int) else dim)][:dims]


_sum = function_of(Sum)


@public(torch.sum, torch.Tensor.sum, example=example((5, 3), dim=1))
@called_as(SUMMED, "dim", "keepdim")
def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    """The sum over dimensions; as torch.sum, with a hand-written gradient.

    Args:
        input: x, of any shape (*). Integers are summed as int64.
        dim: a dimension, or several; all of them by default.
        keepdim: leave them in the result, with size 1.
        dtype: the type to sum in.

    Raises:
        TypeError: `input` is not a Tensor, `dim` no integers, or `keepdim` without `dim`.
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice, or a `dtype` that has no gradient where one is due.
    """
    require_tensor("sum", input=input)
    dim = dims_of("sum", dim, keepdim)
    if (
        isinstance(dtype, torch.dtype)
        and input.requires_grad
        and not (dtype.is_floating_point or dtype.is_complex)
    ):
        raise RuntimeError(f"sum: {dtype} has no gradient, which the input requires")
    return _sum(input, dim, keepdim, dtype)
