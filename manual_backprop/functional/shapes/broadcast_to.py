"""Broadcasting: numbers used several times over, without being copied.

Given   yₖᵢ = xᵢ for every k (a new dimension, or one of size 1 that is repeated), and the upstream gradient
        ∂L/∂y.
Want    ∂L/∂x.

1.  xᵢ stands at every k of y, so it reaches L by all of these ways, each with slope 1. The chain rule sums
    over the ways:

        ∂L/∂xᵢ = Σₖ ∂L/∂yₖᵢ · ∂yₖᵢ/∂xᵢ = Σₖ ∂L/∂yₖᵢ

2.  So the gradient of a tensor that was broadcast is the upstream gradient, summed over every dimension
    that was added or repeated:

        ∂L/∂x = Σ ∂L/∂y          over those dimensions; then it has the shape of x

Step 2 is the rule of every operation that broadcasts its inputs: z = x + y is the expansion of both to one
shape and then a sum element by element. `unbroadcast` is that rule, once, for all of them.

Where a bias gradient comes from: a bias (M,) is expanded over the N examples, and its gradient is the sum
over them.

The trap: an upstream gradient that is not summed has the wrong shape, and PyTorch's engine sums it silently.
Averaging in place of the sum fits the shape too, and is wrong.

Shapes: input (*), output any shape that (*) broadcasts to, gradient (*).

Source: for the rules of shapes, the "Broadcasting semantics" of PyTorch's
documentation.
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
from manual_backprop.functional.operation.written import summed_to


def unbroadcast(grad_output: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Step 2: the sum over every dimension that broadcasting has added or repeated."""
    if grad_output.shape == shape:
        return grad_output
    added = grad_output.dim() - len(shape)
    repeated = [added + i for i, size in enumerate(shape) if size == 1 and grad_output.shape[added + i] != 1]
    summed = grad_output.sum([*range(added), *repeated], keepdim=True) if added or repeated else grad_output
    return summed.reshape(shape)


Like = tuple[torch.Size, torch.dtype] | None
"""What is to be known of an input that its gradient has to be like; None for a number."""


def like(input: Any) -> Like:
    """The shape and type of an input."""
    return (input.shape, input.dtype) if isinstance(input, Tensor) else None


def back_to(like: Like, gradient: Tensor) -> Tensor:
    """The gradient in the shape and type of its input; of a complex one, a real input takes the real part."""
    assert like is not None
    shape, dtype = like
    if gradient.shape == shape and gradient.dtype == dtype:
        return gradient
    real = gradient.real if gradient.is_complex() and not dtype.is_complex else gradient
    return unbroadcast(real, shape).to(dtype)


def pushed(shape: torch.Size, dtype: torch.dtype, *terms: Tensor | None) -> Tensor:
    """The sum of the tangents that came through the inputs, in the output's shape and type."""
    given = [term.to(dtype).expand(shape) for term in terms if term is not None]
    return sum(given[1:], start=given[0].clone() if len(given) == 1 else given[0])


class Expand(Operation):
    """y is x repeated along some dimensions, and ∂L/∂x the sum of ∂L/∂y over them."""

    formula = Formula(
        "expand", "shape", "{0} repeated to {1}", ("Σ {g} over the repetitions",), reordered=True
    )
    views = True

    @staticmethod
    def written(x: Tensor, shape: tuple[int, ...]) -> Any:
        return x.expand(shape), lambda g: summed_to(g, x)

    @staticmethod
    def forward(input: Tensor, shape: tuple[int, ...]) -> Tensor:
        return input.expand(shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...]], output: Tensor) -> None:
        ctx.shape, ctx.output_shape = inputs[0].shape, output.shape  # no number is kept

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        return unbroadcast(grad_output, ctx.shape), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> Tensor:
        return input_tangent.expand(ctx.output_shape)


_expand = function_of(Expand)


@public(torch.broadcast_to, torch.Tensor.broadcast_to, example=example((3,), size=(5, 3)))
def broadcast_to(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """`input` repeated to the given shape; as torch.broadcast_to, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        size: the shape of the result; −1 keeps a size.

    Returns:
        y, a view of `input`, in which several places may share one number.

    Raises:
        TypeError: `input` is not a Tensor, or `size` not a tuple.
        RuntimeError: `input` does not broadcast to that shape.
    """
    require_tensor("broadcast_to", input=input)
    if not isinstance(size, list | tuple):
        raise TypeError(f"broadcast_to: size must be a tuple of ints, got {size!r}")
    return _expand(input, input.detach().expand(size).shape)


@twin_of(torch.Tensor.expand)
def _expand_method(input: Tensor, *size: Any, **named: Any) -> Tensor:
    return _expand(input, input.detach().expand(*size, **named).shape)


@twin_of(torch.Tensor.expand_as)
def _expand_as(input: Tensor, other: Tensor) -> Tensor:
    return broadcast_to(input, other.shape)
