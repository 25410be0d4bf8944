"""The permutation of dimensions, the transpose among them: the same numbers, read in another order.

Given   yₖ = xᵢ where k is the index i = (i₁, …, iₙ) with its parts in the order π, that is kⱼ = i at place
        π(j), and the upstream gradient ∂L/∂y. For a matrix, yₖᵢ = xᵢₖ.
Want    ∂L/∂x.

1.  Each element of y is one of x and no other, so the chain rule has one term, with slope 1. For a matrix:

        ∂L/∂xᵢₖ = ∂L/∂yₖᵢ          that is, ∂L/∂x = (∂L/∂y)ᵀ

2.  With more dimensions, what π has moved is moved back: dimension j of y came from dimension π(j) of x, so
    dimension π(j) of the gradient is dimension j of the upstream gradient, which is the inverse order π⁻¹:

        ∂L/∂x = permute(∂L/∂y, π⁻¹)

A transpose exchanges two dimensions and is its own inverse. Other orders are not: (0, 1, 2) → (2, 0, 1) is
undone by (1, 2, 0), and with a tensor whose sizes are all equal the wrong order goes through unseen.

Nothing is computed and nothing is copied: y is another view of x's memory.

Shapes: input (d₁, …, dₙ), output its sizes in the order π, gradient (d₁, …, dₙ).
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import as_int, is_integer
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
    twin_of,
)


class Permute(Operation):
    """y is x with its dimensions in the order π, and ∂L/∂x = ∂L/∂y in the order π⁻¹."""

    formula = Formula(
        "permute", "shape", "{0} with dimensions {1}", ("{g}, its dimensions put back",), reordered=True
    )
    views = True

    @staticmethod
    def written(x: Tensor, dims: tuple[int, ...]) -> Any:
        inverse = tuple(dims.index(d) for d in range(len(dims)))
        return x.permute(dims), lambda g: g.permute(inverse)

    @staticmethod
    def forward(input: Tensor, dims: tuple[int, ...]) -> Tensor:
        return input.permute(dims)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...]], output: Tensor) -> None:
        ctx.dims = inputs[1]  # no number is kept

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        inverse = sorted(range(len(ctx.dims)), key=lambda j: ctx.dims[j])
        return grad_output.permute(inverse), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> Tensor:
        return input_tangent.permute(ctx.dims)


_permute = function_of(Permute)


@public(torch.permute, example=example((2, 3, 5), dims=(2, 0, 1)))
def permute(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The dimensions in another order; as torch.permute, with a hand-written gradient.

    Args:
        input: x, (d₁, …, dₙ).
        dims: for each dimension of the result, which one of `input` it is.

    Returns:
        y, a view of `input`.

    Raises:
        TypeError: `input` is not a Tensor.
        RuntimeError: another number of dimensions, or one that is named twice.
        IndexError: no such dimension.
    """
    require_tensor("permute", input=input)
    input.detach().permute(dims)  # raises what is wrong with the dimensions
    return _permute(input, tuple(d % input.dim() for d in dims))


@twin_of(torch.Tensor.permute)
def _permute_method(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    given = named.get("dims", dims)
    return permute(input, given[0] if len(given) == 1 and not isinstance(given[0], int) else given)


@public(
    torch.transpose,
    torch.Tensor.transpose,
    example=example((2, 3, 5), dim0=0, dim1=2),
)
@twin_of(torch.swapdims, torch.Tensor.swapdims)
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged; as torch.transpose.

    Args:
        input: x, of any shape (*).
        dim0: one dimension.
        dim1: the other.

    Raises:
        IndexError: no such dimension.
    """
    input.detach().transpose(dim0, dim1)  # raises what is wrong with the dimensions
    order = list(range(input.dim()))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permute(input, tuple(order))


@twin_of(torch.swapaxes, torch.Tensor.swapaxes)
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose`, with the names that torch.swapaxes has for its arguments."""
    return transpose(input, axis0, axis1)


@public(torch.t, torch.Tensor.t, example=example((5, 3)))
def t(input: Tensor) -> Tensor:
    """A matrix transposed, (M, D) → (D, M); a vector or a number as it is; as torch.t.

    Args:
        input: x, of at most two dimensions.

    Raises:
        RuntimeError: more than two dimensions.
    """
    input.detach().t()  # raises if there are more
    return _permute(input, tuple(reversed(range(input.dim()))))


@twin_of(torch.Tensor.T.__get__)  # type: ignore[attr-defined]
def _reversed(input: Tensor, *_: Any) -> Tensor:
    return _permute(input, tuple(reversed(range(input.dim()))))


@twin_of(torch.Tensor.mT.__get__)  # type: ignore[attr-defined]
def _matrices_transposed(input: Tensor, *_: Any) -> Tensor:
    input.detach().mT  # noqa: B018 - raises if it is no matrix
    return transpose(input, -2, -1)


@public(
    torch.movedim,
    torch.Tensor.movedim,
    torch.moveaxis,
    torch.Tensor.moveaxis,
    example=example((2, 3, 5), source=0, destination=2),
)
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in their order; as torch.movedim.

    Args:
        input: x, of any shape (*).
        source: a dimension, or a tuple of them.
        destination: where they go.

    Raises:
        IndexError: no such dimension.
        RuntimeError: unlike many sources and destinations, or one that is named twice.
    """
    input.detach().movedim(source, destination)  # raises what is wrong with the dimensions
    moved, places = ([d] if is_integer(d) else list(d) for d in (source, destination))
    n = max(input.dim(), 1)
    moved, places = ([as_int(d) % n for d in dims] for dims in (moved, places))
    order = [d for d in range(input.dim()) if d not in moved]
    for place, d in sorted(zip(places, moved, strict=True)):
        order.insert(place, d)
    return _permute(input, tuple(order[: input.dim()]))
