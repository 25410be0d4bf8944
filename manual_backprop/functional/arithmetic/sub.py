"""The difference: what is taken away gets the upstream gradient with the opposite sign.

Given   zᵢ = xᵢ − α yᵢ, elementwise, α a number (1 by default), and the upstream gradient ∂L/∂z.
Want    ∂L/∂x and ∂L/∂y.

1.  zᵢ moves with xᵢ and against yᵢ:

        ∂zᵢ/∂xᵢ = 1        ∂zᵢ/∂yᵢ = −α

2.  By the chain rule, of one term each:

        ∂L/∂x = ∂L/∂z        ∂L/∂y = −α ∂L/∂z

An operand that was broadcast gets the sum over its uses, in its own type (_operands.py). In a difference of a
number and a tensor, c − x, the tensor is what is taken away: ∂L/∂x = −∂L/∂z.

The sign is the whole derivation, and the place where it is lost: swapping the operands swaps the signs of
both gradients, and a loss of the difference squared does not show it.

The numerical trap: the difference of two numbers that are nearly equal has lost their common digits. What is
left of rounding errors is then large beside it. The gradient is exact all the same.

Shapes: input and other broadcast to the output's (*); each gradient has the shape of its own.

Source: for the lost digits, Higham, "Accuracy and stability of numerical algorithms" (2002), section 1.7.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic._operands import (
    conj,
    function_of_operands,
    remember_operands,
)
from manual_backprop.functional.operation import Formula, Operation, example, public, require_tensor, twin_of
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, pushed


class Sub(Operation):
    """z = x − α y, with ∂L/∂x = ∂L/∂z and ∂L/∂y = −α ∂L/∂z."""

    formula = Formula("sub", "elementwise", "{0} − ‹{2} ›{1}", ("{g}", "−‹{2} ›{g}"))

    @staticmethod
    def written(x: Any, y: Any, alpha: Any) -> Any:
        scaled = y if alpha == 1 else alpha * y

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            return summed_to(g, x), summed_to(-g if alpha == 1 else -alpha * g, y)

        return x - scaled, backward

    @staticmethod
    def forward(input: Any, other: Any, alpha: Any) -> Tensor:
        return torch.sub(input, other, alpha=alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any, Any], output: Tensor) -> None:
        *operands, ctx.alpha = inputs
        remember_operands(ctx, output, *operands)  # the slopes of step 1 depend on neither x nor y

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        needs_input, needs_other, _ = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], grad_output) if needs_input else None
        grad_other = back_to(ctx.like[1], -conj(ctx.alpha) * grad_output) if needs_other else None
        return grad_input, grad_other, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None, _: None) -> Tensor:
        moved = None if other_tangent is None else -ctx.alpha * other_tangent
        return pushed(ctx.shape, ctx.dtype, input_tangent, moved)


_sub = function_of_operands(Sub)


@public(
    torch.sub,
    torch.subtract,
    torch.Tensor.sub,
    torch.Tensor.subtract,
    torch.Tensor.__sub__,
    example=example((5, 3), (3,)),
)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """x − α y, elementwise; as torch.sub, with hand-written gradients.

    Args:
        input: x, a tensor or a number.
        other: y, a tensor or a number.
        alpha: α, a number.

    Returns:
        z, of the shape that both broadcast to, in the type that holds both.

    Raises:
        TypeError: neither a tensor nor a number.
        NotImplementedError: a tensor of truth values.
        RuntimeError: shapes that do not broadcast, or an α of another kind than the tensors' numbers.
    """
    result: Tensor = _sub(input, other, alpha)
    return result


@twin_of(torch.rsub, torch.Tensor.__rsub__)
def rsub(input: Tensor, other: Any, alpha: Any = 1) -> Tensor:
    """y − α x, the operands exchanged; as torch.rsub.

    Args:
        input: x, a tensor.
        other: y, a tensor or a number.
        alpha: α, a number.

    Raises:
        TypeError: `input` is not a Tensor, or `other` neither a tensor nor a number.
        NotImplementedError: a tensor of truth values.
        RuntimeError: shapes that do not broadcast, or an α of another kind than the tensors' numbers.
    """
    require_tensor("rsub", input=input)
    return sub(other, input, alpha=alpha)
