"""The copy: the same numbers in memory of their own, and perhaps of another type.

Given   yᵢ = xᵢ, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output is one input, with slope 1:

        ∂L/∂xᵢ = ∂L/∂yᵢ

2.  If y is of another type, its gradient comes in that type and has to go on in that of x:

        ∂L/∂x = ∂L/∂y, rounded to the type of x

A rounding is no smooth function: its slope is 0 between the jumps. What is meant by a cast is the number
before it was rounded, and that has slope 1.

`contiguous` copies only where the numbers do not already stand row by row, `to` only where type or device
differ; where there is nothing to do they give back x itself, and there is nothing to derive.

The numerical trap: what is added up in float16 or bfloat16 on the way back stays rounded, whatever comes
after it.

Shapes: input, output and gradient (*), all alike.

Source: for gradients in half precision, Micikevicius et al., "Mixed precision
training", ICLR 2018.
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
    twin_of,
)


class Copy(Operation):
    """y = x in memory of its own, of a given type and on a given device; ∂L/∂x = ∂L/∂y, in those of x."""

    formula = Formula("copy", "elementwise", "a copy of {0}", ("{g}",), reordered=True)

    @staticmethod
    def written(x: Tensor, dtype: torch.dtype, *_: Any) -> Any:
        if dtype == x.dtype:
            return x.clone(), lambda g: g
        return x.to(dtype), lambda g: g.to(x.dtype)

    @staticmethod
    def forward(input: Tensor, dtype: torch.dtype, device: torch.device, memory_format: Any) -> Tensor:
        return input.to(device, dtype, copy=True, memory_format=memory_format)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, *ctx.to = inputs  # no number is kept
        ctx.dtype, ctx.device = input.dtype, input.device

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        return grad_output.to(ctx.device, ctx.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        dtype, device, memory_format = ctx.to
        return input_tangent.to(device, dtype, copy=True, memory_format=memory_format)


_copy = function_of(Copy)


@public(torch.clone, torch.Tensor.clone, example=example((5, 3)))
def clone(input: Tensor, *, memory_format: torch.memory_format = torch.preserve_format) -> Tensor:
    """A copy; as torch.clone, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        memory_format: the order of the numbers in memory.

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("clone", input=input)
    return _copy(input, input.dtype, input.device, memory_format)


@twin_of(torch.Tensor.contiguous)
def _contiguous(input: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
    if input.is_contiguous(memory_format=memory_format):
        return input
    return _copy(input, input.dtype, input.device, memory_format)


@twin_of(torch.Tensor.to)
def _to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    like = torch.empty(0, dtype=input.dtype, device=input.device).to(*args, **kwargs)
    same = like.dtype == input.dtype and like.device == input.device
    copies = kwargs.get("copy", False) or (len(args) > 2 and args[-1] is True)
    if same and not copies and "memory_format" not in kwargs:
        return input
    if not (like.is_floating_point() or like.is_complex()):
        return input.detach().to(*args, **kwargs)  # integers have no gradient
    return _copy(input, like.dtype, like.device, kwargs.get("memory_format", torch.preserve_format))


@twin_of(torch.Tensor.double)
def _double(input: Tensor) -> Tensor:
    return _to(input, torch.float64)


@twin_of(torch.Tensor.float)
def _float(input: Tensor) -> Tensor:
    return _to(input, torch.float32)


@twin_of(torch.Tensor.half)
def _half(input: Tensor) -> Tensor:
    return _to(input, torch.float16)


@twin_of(torch.Tensor.bfloat16)
def _bfloat16(input: Tensor) -> Tensor:
    return _to(input, torch.bfloat16)


@twin_of(torch.Tensor.type_as)
def _type_as(input: Tensor, other: Tensor) -> Tensor:
    if not (input.is_floating_point() or input.is_complex()):
        return input.type_as(other)  # integers have no gradient
    return _to(input, other.dtype)
