"""The absolute value.

Given   y = |x|, elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output depends on one input only. |x| is x to the right of 0 and −x to the left:

        dy/dx = 1 if x > 0, −1 if x < 0

    *At* 0 there is no derivative: any number between −1 and 1 is a subgradient. PyTorch takes 0, the middle,
    and so does this file. That is the sign of x:

        ∂L/∂xᵢ = ∂L/∂yᵢ · sign(xᵢ)

2.  In one line for the whole tensor:

        ∂L/∂x = ∂L/∂y ⊙ sign(x)

A complex x has the direction x / |x| in place of the sign, and y is real.

What it does to a loss: the slope does not shrink with the error, so an optimizer with a fixed step does not
settle at the minimum but steps over it.

Shapes: input, output and gradient (*), all alike.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
)


class Abs(Operation):
    """y = |x| and ∂L/∂x = ∂L/∂y ⊙ sign(x)."""

    formula = Formula("abs", "elementwise", "|{0}|", ("{g} ⊙ sign {0}",), slope=lambda x, y: x.sign())

    @staticmethod
    def written(x: Tensor) -> Any:
        y = torch.abs(x)
        return y, lambda g: g * torch.sign(x)

    @staticmethod
    def check(input: Tensor) -> None:
        if input.dtype == torch.bool:
            raise NotImplementedError("abs: expected numbers, got torch.bool")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.abs(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # the output has lost the sign

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_output * x.sgn()

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return (input_tangent * x.sgn().conj()).real  # conj() and real change complex numbers only


_abs = function_of(Abs)


@public(
    torch.abs,
    torch.Tensor.abs,
    torch.absolute,
    torch.Tensor.absolute,
    torch.Tensor.__abs__,
    example=example((5, 3)),
)
def abs(input: Tensor) -> Tensor:
    """The absolute value of x, element by element; as torch.abs, with a hand-written gradient.

    Args:
        input: x, of any shape (*).

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: truth values.
    """
    require_tensor("abs", input=input)
    return _abs(input)
