"""Writing over a view: a part of a tensor is overwritten, and the tensor changes with it.

Given   a tensor x; a view v of it, vₖ = xᵢ at the place i = p(k), as x[0], x[:, 1:3] and x.view(-1) are: v
        has no numbers of its own. Then v is overwritten with w (v *= 2, F.relu(v, inplace=True), …). And the
        upstream gradient δ = ∂L/∂x′, x′ being x from there on.
Want    ∂L/∂w, ∂L/∂x for the *old* numbers, and what any view that is read afterwards means for them.

1.  x has changed where v looks at it, and nowhere else:

        x′ᵢ = wₖ where i = p(k)        x′ᵢ = xᵢ elsewhere

2.  wₖ reaches L through x′ at p(k) alone, and the old xᵢ reaches it only where it is still there. So v's
    places are taken out of the gradient of x and given to what was written:

        ∂L/∂wₖ = δ at p(k)             ∂L/∂xᵢ = 0 where i = p(k), else δᵢ

    PyTorch calls a node that does this CopySlices.

3.  Any view r of the same memory, rⱼ = xᵢ at i = q(j), v itself too, is a view of x′ now, whatever it was
    made of. It is read afresh: rⱼ = x′ at q(j). By the derivation of indexing (getitem.py), the way back is
    to begin with zeros and to add each ∂L/∂rⱼ at q(j):

        ∂L/∂x′ᵢ = Σⱼ ∂L/∂rⱼ [i = q(j)]

    Where r shows a place of x′ that v has overwritten, step 2 hands its gradient on to w.

4.  Where a view is in memory, its strides say: how far one step along each dimension is. So p is found by
    numbering the elements of x, laying the numbers out in memory as x is, and looking at them with v's
    strides. If v shows all of x in x's own order, p(k) = k, and both ways are a reshape.

How w is written by hand: the operation is given an alias of v, the same memory under another name, which
autograd does not know as a view. It overwrites that as it would any tensor. Nothing is copied.

The trap: giving δ to w and leaving it in ∂L/∂x too. The numbers that were overwritten get a gradient then, of
which nothing in the forward pass tells.

What is left to PyTorch: a view of another type than x (`view_as_real`, `view(dtype)`); forward mode and the
transforms of torch.func.

Shapes: x (*), v, w and r any that views of (*) can have, each gradient that of its own.

Source: "In-place operations with autograd" and "In-place correctness checks", in the "Autograd mechanics" of
PyTorch's documentation.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.in_place._places import Places, part_of
from manual_backprop.functional.operation import Formula, Operation, function_of
from manual_backprop.functional.operation.torch_state import (
    base_of,
    is_forward_mode,
    is_overwritable_view,
    is_transformed,
    is_view,
    without_counting_a_change,
)


class Alias(Operation):
    """v under another name, which autograd takes for a tensor of its own; ∂L/∂v = ∂L/∂alias."""

    formula = Formula("alias", "shape", "{0}", ("{g}",))

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output


class WriteView(Operation):
    """x′ is x with w at v's places, where it already is: step 2."""

    formula = Formula(
        "write_view", "choice", "{0} with {1} in its place", ("0 in the place of {1}, else {g}", "{g} there")
    )
    overwrites = True
    generate_vmap_rule = False

    @staticmethod
    def written(x: Tensor, w: Tensor, places: Places) -> Any:
        part = part_of(places)
        if part is None:
            return NotImplemented
        if not part.places:
            return part.put(w).reshape(x.shape), lambda g: (None, part.shown(part.of(g)))
        y = part.of(x).clone()
        y[part.places] = part.put(w)

        def backward(g: Tensor) -> tuple[Tensor, Tensor]:
            g = part.of(g)
            dx = g.clone()
            dx[part.places] = 0
            return dx.reshape(x.shape), part.shown(g[part.places])

        return y.reshape(x.shape), backward

    @staticmethod
    def forward(input: Tensor, written: Tensor, places: Places) -> Tensor:
        return input

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Places], output: Tensor) -> None:
        ctx.mark_dirty(inputs[0])
        ctx.places = inputs[2]  # no number is kept

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        needs_input, needs_written, _ = ctx.needs_input_grad
        places = ctx.places
        if places.are_all:
            grad_written = grad_output.reshape(places.view_shape) if needs_written else None
            return torch.zeros_like(grad_output) if needs_input else None, grad_written, None
        p, delta = places.numbers(grad_output.device), grad_output.reshape(-1)
        grad_input = delta.index_fill(0, p, 0).reshape(places.shape) if needs_input else None
        grad_written = delta.index_select(0, p).reshape(places.view_shape) if needs_written else None
        return grad_input, grad_written, None


class ReadView(Operation):
    """r is x′ at its places: step 3."""

    formula = Formula("read_view", "choice", "what a view shows of {0}", ("{g} in its place, else 0",))
    views = True

    @staticmethod
    def written(x: Tensor, places: Places) -> Any:
        part = part_of(places)
        if part is None:
            return NotImplemented

        def backward(g: Tensor) -> Tensor:
            if not part.places:
                return part.put(g).reshape(x.shape)
            dx = part.of(torch.zeros_like(x)).clone()
            dx[part.places] = part.put(g)
            return dx.reshape(x.shape)

        whole = part.of(x)
        return part.shown(whole[part.places] if part.places else whole), backward

    @staticmethod
    def forward(input: Tensor, places: Places) -> Tensor:
        offset = int(input.storage_offset()) + places.offset
        return input.as_strided(places.view_shape, places.view_strides, offset)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Places], output: Tensor) -> None:
        ctx.places = inputs[1]  # no number is kept

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        places = ctx.places
        if places.are_all:
            return grad_output.reshape(places.shape), None
        p, delta = places.numbers(grad_output.device), grad_output.reshape(-1)
        zeros = grad_output.new_zeros(places.shape).reshape(-1)
        return zeros.index_add(0, p, delta).reshape(places.shape), None


_alias = function_of(Alias)
_write_view = function_of(WriteView)
_read_view = function_of(ReadView)


def overwriting_views(overwrite: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`overwrite(input, …)`, which writes over `input`, also for one that is a view."""

    def overwrite_any(input: Tensor, *others: Any) -> Tensor:
        if torch.compiler.is_compiling() or not _is_writable_view(input):
            return overwrite(input, *others)
        alias = _alias(read_afresh(input))
        overwrite(alias, *others)
        if alias.requires_grad:
            x = base_of(input)
            with without_counting_a_change(x):  # of which the numbers are as `overwrite` has left them
                _write_view(x, alias, Places.of(input))
        return input

    return overwrite_any


def is_outdated(tensor: Tensor) -> bool:
    """Whether it is a view whose graph PyTorch has made anew, since its memory was written over."""
    return is_view(tensor) and tensor.grad_fn is not None and tensor.grad_fn.name() == "AsStridedBackward0"


def read_afresh(tensor: Tensor) -> Tensor:
    """The tensor itself, or, of a view whose memory was written over, what it has become: step 3."""
    if not is_outdated(tensor) or not _shows_its_base(tensor):
        return tensor
    return _read_view(base_of(tensor), Places.of(tensor))


def may_be_overwritten(tensor: Tensor) -> bool:
    """Whether overwriting the tensor can be put down by hand; PyTorch's own call does the rest, or raises.

    It may not be a leaf that requires a gradient, nor hold numbers of a type that has no gradient.
    """
    return (
        (tensor.is_floating_point() or tensor.is_complex())
        and not (tensor.is_leaf and tensor.requires_grad)
        and (torch.compiler.is_compiling() or not is_view(tensor) or _is_writable_view(tensor))
    )


def read_as(tensor: Tensor) -> tuple[torch.dtype, bool, bool]:
    """How the numbers in its memory are read: as which type, conjugate, with the other sign."""
    return tensor.dtype, tensor.is_conj(), tensor.is_neg()


def _is_writable_view(tensor: Tensor) -> bool:
    """Whether it is a view, and writing over it can be put down by hand; PyTorch's own does it for others."""
    x = base_of(tensor)
    return (
        torch.is_grad_enabled()
        and is_view(tensor)
        and is_overwritable_view(tensor)
        and not (x.is_leaf and x.requires_grad)
        and _shows_its_base(tensor)
    )


def _shows_its_base(view: Tensor) -> bool:
    """Whether the view shows numbers of x as they are, and nothing transforms them."""
    x = base_of(view)
    return (
        not (is_transformed() or is_forward_mode())
        and read_as(view) == read_as(x)
        and view.layout is x.layout is torch.strided
    )
