"""Writing over some places: x[index] = v.

Given   x with v written at the places i(k) that the index names, x′ at i(k) ← vₖ (x[3] = v, x[:, -1] = 0,
        x[rows] = v), and the upstream gradient δ = ∂L/∂x′.
Want    ∂L/∂v and ∂L/∂x, x being the *old* numbers.

1.  Where the index says so, x′ is v, and elsewhere it is still x:

        x′ᵢ = vₖ where i = i(k)        x′ᵢ = xᵢ elsewhere

2.  So the upstream gradient at these places goes to what was written, and elsewhere to x:

        ∂L/∂vₖ = δ at i(k)             ∂L/∂xᵢ = 0 where i = i(k), else δᵢ

    It is the derivation of indexing (getitem.py) read backwards: there the gradient is put where the index
    says, here it is taken from there. v that was broadcast gets the sum over its uses.

3.  `x[index] += v` is three steps to Python: t = x[index], then t += v, then x[index] = t. Where t is a view,
    the second step has written to x already (view.py), and the third has nothing left to do.

The trap: an index that names a place more than once. One of the numbers stays, and nothing tells which; as
with PyTorch, the gradient of each is δ at that place.

What is left to PyTorch: a leaf that requires a gradient, which may not be overwritten; numbers of a type that
has no gradient; forward mode and the transforms of torch.func.

Shapes: x (*), v any shape that broadcasts to that of x[index], each gradient that of its own.
"""

from numbers import Number
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.in_place._places import Places
from manual_backprop.functional.in_place.view import (
    may_be_overwritten,
    overwriting_views,
    read_afresh,
    read_as,
)
from manual_backprop.functional.operation import Formula, Operation, function_of, twin_of
from manual_backprop.functional.operation.torch_state import base_of, is_forward_mode, is_transformed, is_view
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, like
from manual_backprop.functional.shapes.getitem import getitem, is_basic, keep_index, kept_index, on_device


class SetItem(Operation):
    """x[index] ← v; ∂L/∂v = δ[index], and ∂L/∂x is δ with 0 at the index."""

    formula = Formula(
        "setitem", "choice", "{0} with {1} at [{2}]", ("0 at [{2}], else {g}", "{g} at [{2}]"), reordered=True
    )
    generate_vmap_rule = False
    overwrites = True

    @staticmethod
    def written(x: Tensor, value: Any, index: Any) -> Any:
        if isinstance(value, Tensor) and takes_all(index):
            return value.expand(x.shape), lambda g: (None, summed_to(g, value))
        y = x.clone()
        y[index] = value

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dx = g.clone()
            dx[index] = 0
            if not isinstance(value, Tensor):
                return dx, None
            dvalue = g[index]
            more = value.dim() - dvalue.dim()
            return dx, summed_to(dvalue.reshape(*(1,) * more, *dvalue.shape) if more > 0 else dvalue, value)

        return y, backward

    @staticmethod
    def forward(input: Tensor, value: Any, index: Any) -> Tensor:
        input[index] = value
        return input

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Any, Any], output: Tensor) -> None:
        input, value, index = inputs
        ctx.mark_dirty(input)
        keep_index(ctx, index)  # and no number
        ctx.like = like(value)
        ctx.device = value.device if isinstance(value, Tensor) else None

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        needs_input, needs_value, _ = ctx.needs_input_grad
        index, grad_input, grad_value = kept_index(ctx), None, None
        if needs_value:
            part = _at(index, grad_output)
            part = part.reshape((1,) * (len(ctx.like[0]) - part.dim()) + part.shape)
            grad_value = back_to(ctx.like, part).to(ctx.device)
        if needs_input:
            grad_input = _without(index, grad_output)
        return grad_input, grad_value, None


def _without(index: tuple[Any, ...], grad_output: Tensor) -> Tensor:
    """δ with 0 at the index."""
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].dtype == torch.bool:
        (mask,) = index  # to find its places would be a wait on a GPU
        return grad_output.masked_fill(mask.reshape(mask.shape + (1,) * (grad_output.dim() - mask.dim())), 0)
    grad_input = grad_output.clone()
    if is_basic(index):
        _at(index, grad_input).zero_()
    else:
        grad_input[index] = 0
    return grad_input


def _at(index: tuple[Any, ...], tensor: Tensor) -> Tensor:
    """tensor[index]; where that is all of it, itself, since vmap knows no other name for the same."""
    return tensor if takes_all(index) else tensor[index]


def takes_all(index: Any) -> bool:
    """Whether an index takes every number, in the order in which they are."""
    parts = index if isinstance(index, tuple) else (index,)
    return is_basic(parts) and all(part in (..., slice(None)) for part in parts)


_setitem = overwriting_views(function_of(SetItem))


@twin_of(torch.Tensor.__setitem__)
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        index: what may stand between the brackets: numbers, slices, None, …, tensors of places or of truth
            values, lists, and tuples of these.
        value: v, a number, or a tensor of a shape that broadcasts to that of `input[index]`.

    Raises:
        IndexError: a place that is not there.
        RuntimeError: a leaf that requires a gradient, or a value that does not fit.
    """
    if not _is_ours(input, value):
        input[index] = value
        return
    if _is_there(input, index, value):
        return
    if is_view(input) and is_basic(index):  # one that was expanded shows a number at several places
        input, index = getitem(read_afresh(input), index), ...
    value = read_afresh(value) if isinstance(value, Tensor) else value
    _setitem(input, value, on_device(input.device, index))


def _is_ours(input: Tensor, value: Any) -> bool:
    """Whether x may be written over by hand; PyTorch's own call does the rest, or raises."""
    return (
        isinstance(value, Tensor | Number)
        and not (is_transformed() or is_forward_mode() or torch.compiler.is_compiling())
        and may_be_overwritten(input)
    )


def _is_there(input: Tensor, index: Any, value: Any) -> bool:
    """Whether v is x[index] itself, a view: step 3."""
    if not isinstance(value, Tensor) or base_of(value) is not base_of(input) or not is_basic(index):
        return False
    with torch.no_grad():
        part = input[index]
    return Places.of(part) == Places.of(value) and read_as(part) == read_as(value)
