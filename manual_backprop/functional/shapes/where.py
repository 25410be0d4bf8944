"""The choice: for each place one of two numbers, by a condition.

Given   yᵢ = xᵢ where cᵢ is true, and tᵢ elsewhere, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x and ∂L/∂t; the condition c has none: y does not change with it but in jumps.

1.  Each yᵢ is one of the two numbers, and does not depend on the other one:

        ∂yᵢ/∂xᵢ = 1 where cᵢ, else 0
        ∂yᵢ/∂tᵢ = 0 where cᵢ, else 1

2.  So the upstream gradient goes to the one that was chosen:

        ∂L/∂x = ∂L/∂y where c, and 0 elsewhere
        ∂L/∂t = 0 where c, and ∂L/∂y elsewhere

An input that was broadcast gets the sum over its uses (broadcast_to.py). `masked_fill` chooses between x
and one number: masking the future in an attention, for instance, with t = −∞.

The numerical trap: 0 has to be *put in*. A product of the upstream gradient with a mask of zeros and ones
makes NaN of an infinite one. What the choice does not help against: the slope of what was not chosen. With
y = √x where x > 0, else 0, the gradient at 0 is 0 times the slope of the root, which is infinite there:
NaN. Choose the root's *input* instead.

Shapes: condition, input and other broadcast to the output's (*).
"""

from math import inf
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import number_of
from manual_backprop.functional.operation import (
    MASK,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    twin_of,
)
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, like


class Where(Operation):
    """y = x where c, else t; ∂L/∂x = ∂L/∂y where c, else 0, and ∂L/∂t the rest."""

    formula = Formula(
        "where",
        "choice",
        "{0} where {2}, else {1}",
        ("{g} where {2}, else 0", "0 where {2}, else {g}"),
        reordered=True,
    )

    @staticmethod
    def written(x: Any, t: Any, condition: Tensor) -> Any:
        y = torch.where(condition, x, t)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dx = summed_to(torch.where(condition, g, 0), x)
            return dx, summed_to(torch.where(condition, 0, g), t)

        return y, backward

    @staticmethod
    def forward(input: Any, other: Any, condition: Tensor) -> Tensor:
        return torch.where(condition, input, other)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any, Tensor], output: Tensor) -> None:
        *values, condition = inputs
        keep(ctx, condition)  # step 2 needs c only, and of x and t their shapes
        ctx.like = [like(x) for x in values]
        ctx.shape, ctx.dtype = output.shape, output.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (condition,) = ctx.saved_tensors
        needs_input, needs_other, _ = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], grad_output.where(condition, 0)) if needs_input else None
        grad_other = back_to(ctx.like[1], torch.where(condition, 0, grad_output)) if needs_other else None
        return grad_input, grad_other, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None, _: None) -> Tensor:
        (condition,) = ctx.saved_tensors
        zero = torch.zeros((), dtype=ctx.dtype, device=condition.device)
        x, t = (zero if u is None else u.to(ctx.dtype) for u in (input_tangent, other_tangent))
        return torch.where(condition, x, t).expand(ctx.shape)


_where = function_of(Where)


@public(torch.where, example=example(MASK, (5, 3), (5, 3)))
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """The number x where the condition holds, else t; as torch.where, with a hand-written gradient.

    Args:
        condition: c, truth values.
        input: x, a tensor or a number.
        other: t, a tensor or a number.

    Returns:
        y, of the shape that the three broadcast to; with the condition alone, the places where it holds.

    Raises:
        TypeError: not a tensor as the condition.
        RuntimeError: shapes that do not broadcast, or a condition that holds no truth values.
    """
    if isinstance(condition, Tensor) and condition.dtype == torch.uint8:
        condition = condition.bool()  # as they were kept before there was such a type
    if not isinstance(condition, Tensor) or condition.dtype != torch.bool or input is None or other is None:
        given = () if input is None and other is None else (input, other)
        return torch.where(condition, *given)  # the places, or an error
    return _where(input, other, condition)


@twin_of(torch.Tensor.where)
def _where_method(input: Tensor, condition: Tensor, other: Any) -> Any:
    return where(condition, input, other)


def _holds(dtype: torch.dtype, value: Any) -> bool:
    """Whether it is a number that fits into the type; False where only PyTorch can tell."""
    if not dtype.is_floating_point or not isinstance(value, int | float):
        return False
    return abs(value) <= torch.finfo(dtype).max or abs(value) == inf


@public(torch.masked_fill, torch.Tensor.masked_fill, example=example((5, 3), mask=MASK, value=-1.0))
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """The number `value` where the mask is true, else x; as torch.masked_fill.

    Args:
        input: x, (*).
        mask: truth values, of a shape that broadcasts with (*).
        value: a number, or a tensor that holds one.

    Raises:
        RuntimeError: the mask holds no truth values, `value` holds more than one number, or it requires a
            gradient, which integers have not.
    """
    if mask.dtype != torch.bool or not _holds(input.dtype, value):
        torch.masked_fill(input.detach(), mask, value.detach() if isinstance(value, Tensor) else value)
    number = number_of(value, input.device)
    if isinstance(number, Tensor):
        if number.requires_grad and not (input.is_floating_point() or input.is_complex()):
            raise RuntimeError(f"masked_fill: {input.dtype} has no gradient, which the value requires")
        number = number.to(input.device, input.dtype)
    elif input.dtype == torch.bool:
        number = bool(number)  # a number of another kind would take the result with it
    elif not (input.is_floating_point() or input.is_complex()):
        number = int(number)
    return _where(input, number, ~mask)
