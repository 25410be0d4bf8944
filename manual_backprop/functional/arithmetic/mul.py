"""The product, element by element: each factor's gradient is scaled by the other factor.

Given   zᵢ = xᵢ yᵢ, and the upstream gradient ∂L/∂z.
Want    ∂L/∂x and ∂L/∂y.

1.  With one factor held fast, the product is a straight line in the other, whose slope is the fixed one:

        ∂zᵢ/∂xᵢ = yᵢ        ∂zᵢ/∂yᵢ = xᵢ

2.  Each reaches L through its own zᵢ only, so the chain rule has one term:

        ∂L/∂x = ∂L/∂z ⊙ y        ∂L/∂y = ∂L/∂z ⊙ x

A factor that was broadcast gets the sum over its uses, in its own type (_operands.py): a scale γ of shape
(D,) for all examples has ∂L/∂γ = Σₙ ∂L/∂zₙ ⊙ xₙ.

What it does to a network: a *gate* y between 0 and 1 lets as much of the gradient through as of the number.
A factor that is 0 takes all gradient from the other one. And the gradient of a weight that scales is as large
as what it scales.

Step 2 is the product rule read backwards. Read forwards, ż = ẋ ⊙ y + x ⊙ ẏ, the dot being the direction of a
change: there the two terms meet in one sum.

The numerical trap: 0 · ∞ is NaN, in the value and in the gradients, even where the limit is a number. A mask
is better a choice (where.py) than a product.

On complex numbers autograd's gradient is by the conjugate: ∂L/∂x = ∂L/∂z ⊙ conj(y).

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
from manual_backprop.functional.operation import Formula, Operation, example, public
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, pushed


class Mul(Operation):
    """z = x ⊙ y, with ∂L/∂x = ∂L/∂z ⊙ y and ∂L/∂y = ∂L/∂z ⊙ x."""

    formula = Formula("mul", "elementwise", "{0} · {1}", ("{g} · {1}", "{g} · {0}"))

    @staticmethod
    def written(x: Any, y: Any) -> Any:
        return x * y, lambda g: (summed_to(g * y, x), summed_to(g * x, y))

    @staticmethod
    def forward(input: Any, other: Any) -> Tensor:
        return torch.mul(input, other)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any], output: Tensor) -> None:
        input, other = inputs  # each factor is kept for the other's gradient, and a number has none
        keep_operands(
            ctx, input if isinstance(other, Tensor) else None, other if isinstance(input, Tensor) else None
        )
        remember_operands(ctx, output, *inputs)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        output = cls.forward(*inputs)
        needs_input, needs_other = ctx.needs_input_grad  # which is final where nothing transforms the product
        keep_operands(ctx, inputs[0] if needs_other else None, inputs[1] if needs_input else None)
        remember_operands(ctx, output, *inputs)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, y = kept_operands(ctx)
        needs_input, needs_other = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], grad_output * conj(y)) if needs_input else None
        grad_other = back_to(ctx.like[1], grad_output * conj(x)) if needs_other else None
        return grad_input, grad_other

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None) -> Tensor:
        x, y = kept_operands(ctx)
        by_input = None if input_tangent is None else input_tangent * y
        by_other = None if other_tangent is None else x * other_tangent
        return pushed(ctx.shape, ctx.dtype, by_input, by_other)


_mul = function_of_operands(Mul)


@public(
    torch.mul,
    torch.multiply,
    torch.Tensor.mul,
    torch.Tensor.multiply,
    torch.Tensor.__mul__,
    torch.Tensor.__rmul__,
    example=example((5, 3), (3,)),
)
def mul(input: Any, other: Any) -> Tensor:
    """The product x ⊙ y, elementwise; as torch.mul, with hand-written gradients.

    Args:
        input: x, a tensor or a number.
        other: y, a tensor or a number.

    Returns:
        z, of the shape that both broadcast to, in the type that holds both.

    Raises:
        TypeError: neither a tensor nor a number.
        RuntimeError: shapes that do not broadcast.
    """
    result: Tensor = _mul(input, other)
    return result
