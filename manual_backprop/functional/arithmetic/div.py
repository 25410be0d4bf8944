"""The quotient, element by element: a dividend is a factor, and a divisor works against its own square.

Given   zᵢ = xᵢ / yᵢ, and the upstream gradient ∂L/∂z.
Want    ∂L/∂x and ∂L/∂y.

1.  In x the quotient is a straight line, with slope 1/y. In y, z y = x stays the same; by the product rule
    ∂z/∂y · y + z = 0, and so

        ∂zᵢ/∂xᵢ = 1 / yᵢ        ∂zᵢ/∂yᵢ = −zᵢ / yᵢ = −xᵢ / yᵢ²

2.  By the chain rule, of one term each:

        ∂L/∂x = ∂L/∂z / y        ∂L/∂y = −∂L/∂z ⊙ (x/y) / y

An operand that was broadcast gets the sum over its uses, in its own type (_operands.py). The reciprocal 1/x
is the quotient of the number 1, with ∂L/∂x = −∂L/∂z ⊙ (1/x) / x.

3.  With a rounding mode, z is a whole number, which does not move but jumps. Its slope between the jumps is

        ∂zᵢ/∂xᵢ = ∂zᵢ/∂yᵢ = 0

The numerical trap: y² overflows where y is beyond the root of the largest number, and underflows to 0
likewise; in float16 that is beyond 256. So x is divided by y twice. And where y is close to 0, both gradients
are huge: a divisor such as a standard deviation gets a small ε added.

Shapes: input and other broadcast to the output's (*); each gradient has the shape of its own.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic._operands import (
    conj,
    function_of_operands,
    keep_operands,
    kept_operands,
    remember_operands,
)
from manual_backprop.functional.operation import (
    POSITIVE,
    Formula,
    Operation,
    example,
    public,
    require_tensor,
    twin_of,
)
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, pushed


class Div(Operation):
    """z = x / y, with ∂L/∂x = ∂L/∂z / y and ∂L/∂y = −∂L/∂z ⊙ (x/y) / y."""

    formula = Formula("div", "elementwise", "{0} / {1}", ("{g} / {1}", "−{g} {0} / {1}²"))

    @staticmethod
    def written(x: Any, y: Any) -> Any:
        z = x / y
        return z, lambda g: (summed_to(g / y, x), summed_to(-g * z / y, y))

    @staticmethod
    def forward(input: Any, other: Any) -> Tensor:
        return torch.div(input, other)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any], output: Tensor) -> None:
        input, other = inputs  # step 2 needs y for both, and x only for ∂L/∂y, which a number has not
        keep_operands(ctx, input if isinstance(other, Tensor) else None, other)
        remember_operands(ctx, output, *inputs)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        output = cls.forward(*inputs)
        _, needs_other = ctx.needs_input_grad  # which is final where nothing transforms the quotient
        keep_operands(ctx, inputs[0] if needs_other else None, inputs[1])
        remember_operands(ctx, output, *inputs)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, y = kept_operands(ctx)
        needs_input, needs_other = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], grad_output / conj(y)) if needs_input else None
        grad_other = back_to(ctx.like[1], -grad_output * conj(x / y / y)) if needs_other else None
        return grad_input, grad_other

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None) -> Tensor:
        x, y = kept_operands(ctx)
        by_input = None if input_tangent is None else input_tangent / y
        by_other = None if other_tangent is None else -other_tangent * (x / y / y)
        return pushed(ctx.shape, ctx.dtype, by_input, by_other)


class RoundedDiv(Operation):
    """z = x / y, rounded to a whole number, with the gradients 0 of step 3."""

    formula = Formula("rounded_div", "elementwise", "{0} / {1}, rounded", ("0",))

    @staticmethod
    def written(x: Any, y: Any, rounding_mode: str) -> Any:
        z = torch.floor(x / y) if rounding_mode == "floor" else torch.trunc(x / y)
        return z, lambda g: (None, None)

    @staticmethod
    def forward(input: Any, other: Any, rounding_mode: str) -> Tensor:
        return torch.div(input, other, rounding_mode=rounding_mode)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any, str], output: Tensor) -> None:
        remember_operands(ctx, output, *inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        needs_input, needs_other, _ = ctx.needs_input_grad
        zero = torch.zeros_like(grad_output)
        grad_input = back_to(ctx.like[0], zero) if needs_input else None
        grad_other = back_to(ctx.like[1], zero) if needs_other else None
        return grad_input, grad_other, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None, _: None) -> Tensor:
        tangent = other_tangent if input_tangent is None else input_tangent
        assert tangent is not None
        return tangent.new_zeros(ctx.shape, dtype=ctx.dtype)


_div = function_of_operands(Div)
_rounded_div = function_of_operands(RoundedDiv)


@public(
    torch.div,
    torch.divide,
    torch.true_divide,
    torch.Tensor.div,
    torch.Tensor.divide,
    torch.Tensor.true_divide,
    torch.Tensor.__truediv__,
    example=example((2, 3), POSITIVE),
)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """The quotient x / y, elementwise; as torch.div, with hand-written gradients.

    Args:
        input: x, a tensor or a number.
        other: y, a tensor or a number.
        rounding_mode: "trunc" rounds towards 0, "floor" down; None does not round.

    Returns:
        z, of the shape that both broadcast to, in the type that holds both; without rounding, integers give
        the default floating-point type.

    Raises:
        TypeError: neither a tensor nor a number.
        RuntimeError: shapes that do not broadcast, or an unknown rounding mode.
    """
    result: Tensor = (
        _div(input, other) if rounding_mode is None else _rounded_div(input, other, rounding_mode)
    )
    return result


@twin_of(torch.Tensor.__rtruediv__)
def _reversed_div(input: Tensor, other: Any) -> Tensor:
    return div(other, input)


@twin_of(torch.reciprocal, torch.Tensor.reciprocal)
def reciprocal(input: Tensor) -> Tensor:
    """The reciprocal 1 / x, elementwise; as torch.reciprocal.

    Args:
        input: x, of any shape (*).

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("reciprocal", input=input)
    return div(1, input)
