"""The split: one tensor as several, side by side; and its unbinding into slices.

Given   (y¹, y², …) where place k of yⁿ is place sⁿ + k of x along one dimension, sⁿ being the sum of the
        sizes before, and the upstream gradients ∂L/∂yⁿ.
Want    ∂L/∂x.

1.  Each element of x stands in one yⁿ and no other, so the chain rule has one term, with slope 1:

        ∂L/∂x at place sⁿ + k = ∂L/∂yⁿₖ

2.  So the upstream gradients stand one behind the other:

        ∂L/∂x = cat(∂L/∂y¹, ∂L/∂y², …)

A part that the loss does not depend on has the upstream gradient 0. To unbind is to split into parts of
size 1 and to leave out the dimension; its backward is stack in place of cat.

Why not an index for each part: each would make a gradient of the size of x, all zeros but for its own part,
and autograd would add them up. For three parts that is three times the memory, and two sums.

Nothing is computed and nothing is copied forward: the parts are views of x's memory.

Shapes: input (…, d, …), outputs (…, dⁿ, …) with Σ dⁿ = d.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import as_int, with_numpys_names
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
    twin_of,
)


class Split(Operation):
    """(y¹, y², …) = x in stretches, and ∂L/∂x = cat(∂L/∂y¹, ∂L/∂y², …)."""

    formula = Formula(
        "split", "shape", "{0} in parts of {1}", ("the gradients of the parts, one behind the other",)
    )
    views = True

    @staticmethod
    def written(x: Tensor, sizes: list[int], dim: int) -> Any:
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        parts = tuple(x.narrow(dim, start, size) for start, size in zip(starts, sizes, strict=True))

        def backward(*grads: Tensor | None) -> Tensor:
            if all(g is not None for g in grads):
                return torch.cat([g for g in grads if g is not None], dim)
            dx = torch.zeros_like(x)
            for g, start, size in zip(grads, starts, sizes, strict=True):
                if g is not None:
                    stop = None if start + size == x.shape[dim] else start + size
                    dx[(*before(x, dim), slice(start or None, stop))] = g
            return dx

        return parts, backward

    @staticmethod
    def forward(input: Tensor, sizes: list[int], dim: int) -> tuple[Tensor, ...]:
        return tuple(input.split(sizes, dim))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, list[int], int], output: Any) -> None:
        _, ctx.sizes, ctx.dim = inputs  # no number is kept

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        return torch.cat(grad_outputs, ctx.dim), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> tuple[Tensor, ...]:
        return tuple(input_tangent.split(ctx.sizes, ctx.dim))


class Unbind(Operation):
    """yₙ = slice n of x, and ∂L/∂x = stack(∂L/∂y₁, ∂L/∂y₂, …)."""

    formula = Formula("unbind", "shape", "the slices of {0}", ("the gradients of the slices, side by side",))
    views = True

    @staticmethod
    def written(x: Tensor, dim: int) -> Any:
        parts = tuple(x.select(dim, i) for i in range(x.shape[dim]))

        def backward(*grads: Tensor | None) -> Tensor:
            if all(g is not None for g in grads):
                return torch.stack([g for g in grads if g is not None], dim)
            dx = torch.zeros_like(x)
            for i, g in enumerate(grads):
                if g is not None:
                    dx[(*before(x, dim), i)] = g
            return dx

        return parts, backward

    @staticmethod
    def forward(input: Tensor, dim: int) -> tuple[Tensor, ...]:
        return tuple(input.unbind(dim))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Any) -> None:
        _, ctx.dim = inputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        return torch.stack(grad_outputs, ctx.dim), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> tuple[Tensor, ...]:
        return tuple(input_tangent.unbind(ctx.dim))


def before(x: Tensor, dim: int) -> tuple[Any, ...]:
    """The index that takes all of the dimensions before `dim`."""
    return (slice(None),) * (dim % x.dim())


_split = function_of(Split)
_unbind = function_of(Unbind)


def _into(input: Tensor, parts: tuple[Tensor, ...], dim: int) -> tuple[Tensor, ...]:
    """`input` in parts of the same sizes as those that PyTorch made of it, checking the arguments."""
    return _split(input, [part.shape[as_int(dim)] for part in parts], as_int(dim))


@public(
    torch.split,
    torch.functional.split,
    example=example((5, 3), split_size_or_sections=2, call=lambda split, x, **sizes: split(x, **sizes)[1]),
)
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of a given size, or of given sizes, along a dimension; as torch.split.

    Args:
        tensor: x, of any shape (*).
        split_size_or_sections: the size of each part but the last, or a list of sizes.
        dim: the dimension.

    Returns:
        The parts, views of `tensor`.

    Raises:
        TypeError: `tensor` is not a Tensor.
        RuntimeError: sizes that do not add up, or a negative one.
        IndexError: no such dimension.
    """
    require_tensor("split", tensor=tensor)
    return _into(tensor, tensor.detach().split(split_size_or_sections, dim), dim)


@twin_of(torch.Tensor.split)
def _split_method(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    return split(input, split_size, dim)


@public(
    torch.chunk,
    torch.Tensor.chunk,
    example=example((5, 3), chunks=2, call=lambda chunk, x, **sizes: chunk(x, **sizes)[1]),
)
@with_numpys_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many parts of equal size, the last one smaller where it does not go up; as torch.chunk.

    Args:
        input: x, of any shape (*).
        chunks: how many.
        dim: the dimension.

    Raises:
        RuntimeError: fewer than one.
        IndexError: no such dimension.
    """
    return _into(input, input.detach().chunk(chunks, dim), dim)


@public(torch.unbind, torch.Tensor.unbind, example=example((5, 3), call=lambda unbind, x: unbind(x)[1]))
@with_numpys_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension, without that dimension; as torch.unbind.

    Args:
        input: x, of at least one dimension.
        dim: the dimension.

    Raises:
        RuntimeError: a dimension of size 0, or no dimension.
        IndexError: no such dimension.
    """
    input.detach().unbind(dim)
    return _unbind(input, as_int(dim))
