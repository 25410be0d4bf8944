"""The sum: each summand hands the upstream gradient on as it is.

Given   zᵢ = xᵢ + α yᵢ, elementwise, α a number (1 by default), and the upstream gradient ∂L/∂z.
Want    ∂L/∂x and ∂L/∂y.

1.  zᵢ moves as far as xᵢ does, and α times as far as yᵢ:

        ∂zᵢ/∂xᵢ = 1        ∂zᵢ/∂yᵢ = α

2.  Each of them reaches L through its own zᵢ only, so the chain rule has one term:

        ∂L/∂x = ∂L/∂z        ∂L/∂y = α ∂L/∂z

A summand that was broadcast gets the sum over its uses, in its own type (_operands.py): so a bias (M,), added
to N examples (N, M), has the gradient Σₙ ∂L/∂zₙ.

Why residual networks can be deep: in z = x + f(x) the gradient of x is ∂L/∂z plus what comes back through f,
so that it arrives whole, however small the part through f is. And why gradients are *added* where a tensor is
used twice: x + x is a sum whose two summands move together, 1 + 1 times as far.

The numerical trap: the sum of a very large and a very small number forgets the small one. The gradient does
not know of it: the small one still has slope 1.

Shapes: input and other broadcast to the output's (*); each gradient has the shape of its own.

Source: for the residual, He, Zhang, Ren and Sun, "Identity mappings in deep residual networks", ECCV 2016,
equation 5.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic._operands import (
    conj,
    function_of_operands,
    remember_operands,
)
from manual_backprop.functional.operation import Formula, Operation, example, public
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, pushed


class Add(Operation):
    """z = x + α y, with ∂L/∂x = ∂L/∂z and ∂L/∂y = α ∂L/∂z."""

    formula = Formula("add", "elementwise", "{0} + ‹{2} ›{1}", ("{g}", "‹{2} ›{g}"))

    @staticmethod
    def written(x: Any, y: Any, alpha: Any) -> Any:
        scaled = y if alpha == 1 else alpha * y

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            return summed_to(g, x), summed_to(g if alpha == 1 else alpha * g, y)

        return x + scaled, backward

    @staticmethod
    def forward(input: Any, other: Any, alpha: Any) -> Tensor:
        return torch.add(input, other, alpha=alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any, Any], output: Tensor) -> None:
        *operands, ctx.alpha = inputs
        remember_operands(ctx, output, *operands)  # the slopes of step 1 depend on neither x nor y

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        needs_input, needs_other, _ = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], grad_output) if needs_input else None
        grad_other = back_to(ctx.like[1], scaled(grad_output, conj(ctx.alpha))) if needs_other else None
        return grad_input, grad_other, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None, _: None) -> Tensor:
        moved = None if other_tangent is None else scaled(other_tangent, ctx.alpha)
        return pushed(ctx.shape, ctx.dtype, input_tangent, moved)


def scaled(tensor: Tensor, alpha: Any) -> Tensor:
    """α times the tensor; the tensor itself for α = 1."""
    return tensor if alpha == 1 else alpha * tensor


_add = function_of_operands(Add)


@public(
    torch.add,
    torch.Tensor.add,
    torch.Tensor.__add__,
    torch.Tensor.__radd__,
    example=example((5, 3), (3,), alpha=2),
)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """x + α y, elementwise; as torch.add, with hand-written gradients.

    Args:
        input: x, a tensor or a number.
        other: y, a tensor or a number.
        alpha: α, a number.

    Returns:
        z, of the shape that both broadcast to, in the type that holds both.

    Raises:
        TypeError: neither a tensor nor a number.
        RuntimeError: shapes that do not broadcast, or an α of another kind than the tensors' numbers.
    """
    result: Tensor = _add(input, other, alpha)
    return result
