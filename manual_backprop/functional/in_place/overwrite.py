"""Writing over a tensor: what was in it is forgotten, and its gradient with it.

Given   the overwrite y = copy_(x, v), yᵢ = vᵢ: y is the memory of x, filled with v, and called x from there
        on; and the upstream gradient δ = ∂L/∂y.
Want    ∂L/∂v and ∂L/∂x, x being the *old* numbers.

1.  yᵢ is vᵢ, and the old xᵢ has no part in it:

        ∂yᵢ/∂vᵢ = 1        ∂yᵢ/∂xᵢ = 0

2.  So the upstream gradient goes to what was written, and none to what was written over:

        ∂L/∂v = δ        ∂L/∂x = 0

    v that was broadcast gets the sum over its uses, in its own type (_operands.py).

3.  An in-place operation computes first, and then writes over. x += y is

        v = x + y        x ← v

    By step 2, δ goes to v alone, and from there to the old x and to y by the derivation of the sum (add.py).
    The 0 for the old x need not be added to what it gets by way of v. The same goes for x −= y, x *= y and
    x /= y. `fill_` and `zero_` write a number.

The trap: the gradients of y in x *= y and x /= y need the *old* x, which is gone by then. So it is copied
first. (In the sum and the difference no number is needed on the way back, which is why they may overwrite.)
Any other operation that kept x finds it changed: PyTorch counts the changes of each tensor, and raises.

Where x is a view, the tensor that it is a view of changes with it: view.py.

What PyTorch's own call is left to: a leaf that requires a gradient, which may not be overwritten; and numbers
of a type that has no gradient.

Shapes: x (*), v any shape that broadcasts to (*), each gradient that of its own.

Source: "In-place operations with autograd", in the "Autograd mechanics" of PyTorch's documentation.
"""

from collections.abc import Callable
from numbers import Number
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import number_of
from manual_backprop.functional.arithmetic._operands import remember_operands
from manual_backprop.functional.arithmetic.add import add
from manual_backprop.functional.arithmetic.div import div
from manual_backprop.functional.arithmetic.mul import mul
from manual_backprop.functional.arithmetic.sub import sub
from manual_backprop.functional.in_place.view import may_be_overwritten, overwriting_views
from manual_backprop.functional.operation import Formula, Operation, broadcasts, function_of, twin_of
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to
from manual_backprop.functional.shapes.clone import clone


class Overwrite(Operation):
    """x ← v, with ∂L/∂v = δ and ∂L/∂x = 0."""

    formula = Formula("overwrite", "elementwise", "{1}, written over {0}", ("0", "{g}"))

    generate_vmap_rule = False
    overwrites = True

    @staticmethod
    def written(x: Tensor, value: Any) -> Any:
        if not isinstance(value, Tensor):
            filled = torch.zeros_like(x) if value == 0 else torch.full_like(x, value)
            return filled, lambda g: (None, None)
        y = value if value.dtype == x.dtype else value.to(x.dtype)
        return y.expand(x.shape), lambda g: (None, summed_to(g, value))

    @staticmethod
    def forward(input: Tensor, value: Any) -> Tensor:
        if isinstance(value, Tensor):
            input.copy_(value)
        else:
            input.fill_(value)
        return input

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Any], output: Tensor) -> None:
        input, value = inputs
        ctx.mark_dirty(input)  # autograd must know, in case another operation kept the old x
        remember_operands(ctx, output, *inputs)
        ctx.device = value.device if isinstance(value, Tensor) else None
        ctx.set_materialize_grads(False)  # a zero tangent made for an x without one could not be overwritten

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        if grad_output is None:
            return None, None
        grad_input = torch.zeros_like(grad_output) if ctx.needs_input_grad[0] else None
        return grad_input, _to_value(ctx, grad_output)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, value_tangent: Tensor | None) -> Tensor:
        if input_tangent is None:
            assert value_tangent is not None
            return value_tangent.to(ctx.dtype).expand(ctx.shape).clone()
        if value_tangent is None:
            return input_tangent.zero_()
        return input_tangent.copy_(value_tangent)  # x is overwritten, so its tangent is too

    @classmethod
    def vmap(
        cls, info: Any, in_dims: tuple[int | None, int | None], input: Tensor, value: Any
    ) -> tuple[Tensor, int | None]:
        aligned = _aligned(in_dims, input, value) if isinstance(value, Tensor) else value
        overwritten: Tensor = cls.apply(input, aligned)
        return overwritten, in_dims[0]


class Update(Overwrite):
    """The same where v was computed from x: the old x gets its gradient by way of v."""

    formula = Formula("update", "elementwise", "{1}, written over {0}", ("0", "{g}"))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor | None) -> tuple[None, Tensor | None]:
        return None, _to_value(ctx, grad_output)


def _to_value(ctx: Any, grad_output: Tensor | None) -> Tensor | None:
    """∂L/∂v = δ, in the shape and type of v and on its device."""
    if grad_output is None or not ctx.needs_input_grad[1]:
        return None
    return back_to(ctx.like[1], grad_output.to(ctx.device))


def _aligned(in_dims: tuple[int | None, int | None], input: Tensor, value: Tensor) -> Tensor:
    """Under vmap: v with its mapped dimension where that of x is, and with as many others."""
    at, of = in_dims
    if at is None:
        raise RuntimeError("in place under vmap: what is written is mapped over, so the tensor must be, too")
    value = value.unsqueeze(0) if of is None else value.movedim(of, 0)
    missing = input.dim() - value.dim()
    shape = (value.shape[0], *(1,) * missing, *value.shape[1:])
    return value.reshape(shape).movedim(0, at)


_overwrite = overwriting_views(function_of(Overwrite))
_update = overwriting_views(function_of(Update))


def _rewrite(input: Tensor, value: Tensor) -> Tensor:
    """x ← v, where v was computed from x; torch.compile needs the 0 for a part of a tensor spelled out."""
    return _overwrite(input, value) if torch.compiler.is_compiling() else _update(input, value)


def _is_ours(input: Tensor, other: Any) -> bool:
    """Whether x may be overwritten by hand; PyTorch's own call does the rest, or raises."""
    fits = broadcasts(other.shape, input.shape) if isinstance(other, Tensor) else isinstance(other, Number)
    return fits and may_be_overwritten(input)


def _is_kept(input: Tensor, other: Any) -> bool:
    """Whether, besides, x can hold the result: a real x no complex one."""
    complex_other = other.is_complex() if isinstance(other, Tensor) else isinstance(other, complex)
    return _is_ours(input, other) and (input.is_complex() or not complex_other)


@twin_of(torch.Tensor.add_, torch.Tensor.__iadd__)
def add_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """`x += α y`; as torch.Tensor.add_, and so are the errors."""
    if not _is_kept(input, other):
        return input.add_(other, alpha=alpha)
    return _rewrite(input, add(input, other, alpha=alpha))


@twin_of(torch.Tensor.sub_, torch.Tensor.subtract_, torch.Tensor.__isub__)
def sub_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """`x -= α y`; as torch.Tensor.sub_."""
    if not _is_kept(input, other):
        return input.sub_(other, alpha=alpha)
    return _rewrite(input, sub(input, other, alpha=alpha))


@twin_of(torch.Tensor.mul_, torch.Tensor.multiply_, torch.Tensor.__imul__)
def mul_(input: Tensor, other: Any) -> Tensor:
    """`x *= y`; as torch.Tensor.mul_."""
    if not _is_kept(input, other):
        return input.mul_(other)
    return _rewrite(input, mul(_old(input, other), other))


@twin_of(
    torch.Tensor.div_,
    torch.Tensor.divide_,
    torch.Tensor.true_divide_,
    torch.Tensor.__idiv__,
    torch.Tensor.__itruediv__,
)
def div_(input: Tensor, other: Any, **rounding: Any) -> Tensor:
    """`x /= y`; as torch.Tensor.div_."""
    if not _is_kept(input, other):
        return input.div_(other, **rounding)
    return _rewrite(input, div(_old(input, other), other, **rounding))


def _old(input: Tensor, other: Any) -> Tensor:
    """A copy of x before it is overwritten, for the gradient of y; a number y has none."""
    return clone(input) if isinstance(other, Tensor) else input


@twin_of(torch.Tensor.copy_)
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """`x ← v`; as torch.Tensor.copy_."""
    if not isinstance(src, Tensor) or not _is_ours(input, src):
        return input.copy_(src, non_blocking)
    return _overwrite(input, src)


def overwritten(function: Callable[[Tensor], Tensor], input: Tensor) -> Tensor:
    """z ← f(z), of an f whose slope its output does not tell: f gets a copy of z, and keeps that."""
    return copy_(input, function(clone(input)))


@twin_of(torch.fill_, torch.Tensor.fill_)
def fill_(input: Tensor, value: Any) -> Tensor:
    """One number everywhere; as torch.Tensor.fill_."""
    if not _is_ours(input, value) or (isinstance(value, Tensor) and value.dim() > 0):
        return input.fill_(value)
    return _overwrite(input, number_of(value, input.device))


@twin_of(torch.zero_, torch.Tensor.zero_)
def zero_(input: Tensor) -> Tensor:
    """0 everywhere; as torch.Tensor.zero_."""
    return fill_(input, 0)
