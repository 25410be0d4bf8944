"""The reshape: the same numbers, in the same order, in another shape.

Given   y of another shape with yₖ = xₖ, k counting the elements row by row in both,
        and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each element of y is one of x and no other, so the chain rule has one term, with slope 1:

        ∂L/∂xₖ = ∂L/∂yₖ

2.  The elements are counted alike, so the gradient is reshaped back:

        ∂L/∂x = reshape(∂L/∂y, shape of x)

Nothing is computed, and where the strides allow it nothing is copied: y is another view of x's memory. (What
writing over it means for x is in in_place/view.py.)

The numerical trap is none. The trap of bookkeeping: the upstream gradient may be expanded or transposed,
and a view of that in the shape of x may not exist. So the way back is a reshape, which copies where it
must.

Shapes: input (*), output any shape with as many elements, gradient (*).
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import with_numpys_names
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
    twin_of,
)


class Reshape(Operation):
    """y with the numbers of x, and ∂L/∂x = ∂L/∂y in the shape of x."""

    formula = Formula("reshape", "shape", "{0} as {1}", ("{g}, in the shape of {0}",), reordered=True)
    views = True

    @staticmethod
    def written(x: Tensor, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape), lambda g: g.reshape(x.shape)

    @staticmethod
    def forward(input: Tensor, shape: tuple[int, ...]) -> Tensor:
        return input.reshape(shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...]], output: Tensor) -> None:
        ctx.shape, ctx.output_shape = inputs[0].shape, output.shape  # no number is kept

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        return grad_output.reshape(ctx.shape), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> Tensor:
        return input_tangent.reshape(ctx.output_shape)


_reshape = function_of(Reshape)


def _as(input: Tensor, view: Tensor) -> Tensor:
    """`input` in the shape of `view`, which PyTorch made of it, checking the arguments."""
    return _reshape(input, view.shape)


@public(torch.reshape, example=example((5, 3), shape=(15,)))
def reshape(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The numbers of `input` in the given shape; as torch.reshape, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        shape: the sizes; one of them may be −1, for what is left.

    Returns:
        y, a view of `input` where its strides allow one.

    Raises:
        TypeError: `input` is not a Tensor, or `shape` not a tuple.
        RuntimeError: another number of elements.
    """
    require_tensor("reshape", input=input)
    if not isinstance(shape, list | tuple):
        raise TypeError(f"reshape: shape must be a tuple of ints, got {shape!r}")
    return _as(input, input.detach().reshape(shape))


@twin_of(torch.Tensor.reshape)
def _reshape_method(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    return _as(input, input.detach().reshape(*shape, **named))


@twin_of(torch.Tensor.view)
def _view(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    view = input.detach().view(*shape, **named)
    return input.view(*shape, **named) if view.dtype != input.dtype else _as(input, view)


@twin_of(torch.Tensor.view_as, torch.Tensor.reshape_as)
def _view_as(input: Tensor, other: Tensor) -> Tensor:
    return _as(input, input.detach().reshape(other.shape))


@public(torch.flatten, torch.Tensor.flatten, example=example((2, 3, 5), start_dim=1))
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one; as torch.flatten.

    Args:
        input: x, of any shape (*).
        start_dim: the first dimension that is taken in.
        end_dim: the last one.

    Raises:
        IndexError: no such dimension.
        RuntimeError: `start_dim` comes after `end_dim`.
    """
    return _as(input, input.detach().flatten(start_dim, end_dim))


@public(torch.unflatten, torch.Tensor.unflatten, example=example((6, 5), dim=0, sizes=(2, 3)))
@with_numpys_names
def unflatten(input: Tensor, dim: int, sizes: tuple[int, ...]) -> Tensor:
    """One dimension as several; as torch.unflatten.

    Args:
        input: x, of any shape (*).
        dim: the dimension that is divided.
        sizes: into what; one of them may be −1, for what is left.

    Raises:
        IndexError: no such dimension.
        RuntimeError: the sizes do not multiply to that of the dimension.
    """
    return _as(input, input.detach().unflatten(dim, sizes))


@public(torch.squeeze, torch.Tensor.squeeze, example=example((5, 1, 3)))
@with_numpys_names
def squeeze(input: Tensor, *dim: Any, **named: Any) -> Tensor:
    """Without the dimensions of size 1, or without those named of them; as torch.squeeze.

    Args:
        input: x, of any shape (*).
        dim: a dimension, or a tuple of them; all by default.
        named: `dim` by its name.

    Raises:
        TypeError: dimensions that stand side by side, and not in a tuple.
        IndexError: no such dimension.
    """
    if len(dim) > 1:
        raise TypeError(f"squeeze: several dimensions are a tuple of them, got {dim}")
    return _as(input, input.detach().squeeze(*dim, **named))


@public(torch.unsqueeze, torch.Tensor.unsqueeze, example=example((5, 3), dim=1))
@with_numpys_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1; as torch.unsqueeze.

    Args:
        input: x, of any shape (*).
        dim: where the new dimension stands.

    Raises:
        IndexError: `dim` is not between −n − 1 and n, for n dimensions.
    """
    return _as(input, input.detach().unsqueeze(dim))
