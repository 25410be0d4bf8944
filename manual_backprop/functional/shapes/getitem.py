"""Indexing: some of the numbers, by their places.

Given   yₖ = x at place i(k), where the index says for each k which place i(k) is taken (x[3], x[:, -1],
        x[rows]), and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  xᵢ reaches L through every k that takes it: through none, one, or several where an index names a place
    more than once. The chain rule sums over these ways, each with slope 1, and [i(k) = i] is 1 where k
    takes place i:

        ∂L/∂xᵢ = Σₖ ∂L/∂yₖ · ∂yₖ/∂xᵢ = Σₖ ∂L/∂yₖ [i(k) = i]

2.  That is a *scatter-add*: begin with zeros, and add each ∂L/∂yₖ to the place that yₖ came from. A place
    that was not taken keeps its 0.

        ∂L/∂x = 0, then for each k: ∂L/∂x at i(k) += ∂L/∂yₖ

3.  Numbers, slices, None and … take no place twice. There, adding is putting: the gradient is put where the
    index says. For tensors of places and of truth values, i(k) is found by numbering the elements of x and
    indexing the numbers likewise. A vector of places along one dimension says itself where to add.

The trap: `grad[rows] = …` instead of adding keeps only the last of the ways to a row that is taken twice.
With rows that differ it is right, so only a repeated index shows it.

Shapes: input (*), output as the index makes it, gradient (*).
"""

from math import prod
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import integer, with_numpys_names
from manual_backprop.functional.operation import (
    PLACES,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
    twin_of,
)
from manual_backprop.functional.operation.torch_state import may_overwrite_own
from manual_backprop.functional.shapes._getitem_written import written
from manual_backprop.functional.shapes.clone import clone


class GetItem(Operation):
    """y = x at the index, and ∂L/∂x the scatter-add of ∂L/∂y."""

    formula = Formula("getitem", "choice", "{0}[{1}]", ("{g} at [{1}], else 0",))
    views = True

    @staticmethod
    def written(x: Tensor, index: Any) -> Any:
        return x[index], lambda g: written(x, index, g)

    @staticmethod
    def forward(input: Tensor, index: Any) -> Tensor:
        return input[index]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Any], output: Tensor) -> None:
        ctx.shape = inputs[0].shape  # no number of x is kept
        keep_index(ctx, inputs[1])

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        index = kept_index(ctx)
        if is_basic(index):
            grad_input = grad_output.new_zeros(ctx.shape)
            grad_input[index] = grad_output
            return grad_input, None
        if is_vector(index):
            dim = len(index) - 1
            return added_at(grad_output, ctx.shape, dim, index[-1] % ctx.shape[dim]), None  # −1 is the last
        numbers = torch.arange(prod(ctx.shape), device=grad_output.device).reshape(ctx.shape)
        places = numbers[index].flatten()  # i(k)
        grad_input = grad_output.new_zeros(prod(ctx.shape))
        return grad_input.index_add(0, places, grad_output.reshape(places.shape)).reshape(ctx.shape), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> Tensor:
        return input_tangent[kept_index(ctx)]


class IndexSelect(GetItem):
    """The same for a vector of places, counted from 0, along one dimension."""

    views = False

    @staticmethod
    def forward(input: Tensor, index: Any) -> Tensor:
        return input.index_select(len(index) - 1, index[-1])

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        return added_at(grad_output, ctx.shape, len(ctx.index) - 1, places), None


def added_at(grad_output: Tensor, shape: torch.Size, dim: int, places: Tensor) -> Tensor:
    """Step 2 for a vector of places along a dimension of x, which is of that shape."""
    zeros = grad_output.new_zeros(shape)
    add = zeros.index_add_ if may_overwrite_own(grad_output) else zeros.index_add
    return add(dim, places, grad_output)


def keep_index(ctx: Any, index: Any) -> None:
    """Keep an index, and its tensors as PyTorch keeps tensors: it notices if they are written over."""
    parts = index if isinstance(index, tuple) else (index,)
    ctx.index = [None if isinstance(part, Tensor) else (part,) for part in parts]
    keep(ctx, *[part for part in parts if isinstance(part, Tensor)])


def kept_index(ctx: Any) -> tuple[Any, ...]:
    """The index that was kept."""
    tensors = list(ctx.saved_tensors)
    return tuple(tensors.pop(0) if part is None else part[0] for part in ctx.index)


def is_basic(index: Any) -> bool:
    """Whether an index is made of numbers, slices, None and … alone, which take no place twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(part, int | slice | EllipsisType | None) and not isinstance(part, bool) for part in parts
    )


def is_vector(index: tuple[Any, ...]) -> bool:
    """Whether an index takes the dimensions before its last part whole, and that is a vector of places."""
    *before, last = index
    if not isinstance(last, Tensor) or last.dim() != 1 or last.dtype not in (torch.int64, torch.int32):
        return False
    return all(isinstance(part, slice) and part == slice(None) for part in before)


_getitem, _index_select = function_of(GetItem), function_of(IndexSelect)


@twin_of(torch.Tensor.__getitem__)
def getitem(input: Tensor, index: Any) -> Tensor:
    """`input[index]`, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        index: what may stand between the brackets: numbers, slices, None, …, tensors of places or of truth
            values, lists, and tuples of these.

    Returns:
        y; a view of `input` for numbers, slices, None and … alone.

    Raises:
        TypeError: `input` is not a Tensor, or the index no index.
        IndexError: a place that is not there.
    """
    require_tensor("getitem", input=input)
    return _getitem(input, on_device(input.device, index))


def on_device(device: torch.device, index: Any) -> Any:
    """The index with its places on the device of x: they are copied there once, for both ways."""
    if isinstance(index, tuple):
        return tuple(on_device(device, part) for part in index)
    if isinstance(index, list) and index and all(isinstance(place, int) for place in index):
        return torch.tensor(index, device=device)
    if isinstance(index, Tensor) and index.dim() and index.dtype in (torch.int64, torch.int32):
        return index.to(device)
    return index


@public(torch.select, torch.Tensor.select, example=example((5, 3), dim=1, index=2))
@with_numpys_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The part at one place of a dimension, without that dimension; as torch.select.

    Args:
        input: x, of any shape (*).
        dim: the dimension.
        index: the place.

    Raises:
        IndexError: no such dimension or place.
    """
    return _getitem(input, _at(input, dim, integer("select", "index", index)))


@public(torch.narrow, torch.Tensor.narrow, example=example((5, 3), dim=0, start=1, length=2))
@with_numpys_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` places of a dimension from `start` on; as torch.narrow.

    Args:
        input: x, of any shape (*).
        dim: the dimension.
        start: the first place; a negative one counts from the end.
        length: how many.

    Raises:
        IndexError: no such dimension or start.
        RuntimeError: more than there are.
    """
    if not (type(dim) is type(start) is type(length) is int and _is_there(input, dim, start, length)):
        input.detach().narrow(dim, start, length)  # raises what is wrong with them
    first = int(start) % input.shape[dim] if input.shape[dim] else 0
    return _getitem(input, _at(input, dim, slice(first, first + length)))


@public(torch.index_select, torch.Tensor.index_select, example=example((5, 3), dim=0, index=PLACES))
@with_numpys_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The parts at the places that a vector names; as torch.index_select.

    Args:
        input: x, of any shape (*).
        dim: the dimension.
        index: (K,), integers.

    Raises:
        IndexError: no such dimension or place.
        RuntimeError: `index` holds no integers.
    """
    if input.dim() == 0 or not isinstance(index, Tensor) or index.dim() != 1:
        input.detach().index_select(dim, index)  # raises what is wrong with them
        if input.dim() == 0:
            return clone(input)  # a number has one place, however often it is named
        index = index.reshape(index.numel())
    return _index_select(input, _at(input, dim, index))


def _is_there(input: Tensor, dim: int, start: int, length: int) -> bool:
    """Whether a dimension has these places, which are counted from 0."""
    return -input.dim() <= dim < input.dim() and 0 <= start <= start + length <= input.shape[dim]


def _at(input: Tensor, dim: int, part: Any) -> tuple[Any, ...]:
    """The index that has `part` at dimension `dim` and takes all of the others."""
    if not -input.dim() <= dim < input.dim():
        raise IndexError(
            f"dim must be from {-input.dim()} to {input.dim() - 1} for input {tuple(input.shape)}, got {dim}"
        )
    return (slice(None),) * (dim % input.dim()) + (part,)
