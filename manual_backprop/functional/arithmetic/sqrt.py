"""The square root.

Given   y = √x, elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output depends on one input only. x = y², so by the rule for the inverse of a function

        dy/dx = 1 / (dx/dy) = 1 / (2 y)

2.  In one line for the whole tensor:

        ∂L/∂x = ∂L/∂y / (2 y)

The numerical trap is 0, where the slope is infinite. An upstream gradient of 0 makes NaN of it (0 / 0): the
length of a vector of zeros, √(Σᵢ xᵢ²), has the gradient 0 · ∞. That is why something small is added *under*
the root; added to the root it would not help.

Shapes: input, output and gradient (*), all alike.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import (
    POSITIVE,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
)


class Sqrt(Operation):
    """y = √x and ∂L/∂x = ∂L/∂y / (2 y)."""

    formula = Formula("sqrt", "elementwise", "√{0}", ("{g} / (2 {out})",), slope=lambda x, y: 1 / (2 * y))

    @staticmethod
    def written(x: Tensor) -> Any:
        y = torch.sqrt(x)
        return y, lambda g: g / (2 * y)

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.sqrt(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 1: the derivative needs y only

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grad_output / (2 * y).conj()  # conj() changes complex numbers only

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return input_tangent / (2 * y)


_sqrt = function_of(Sqrt)


@public(torch.sqrt, torch.Tensor.sqrt, example=example(POSITIVE))
def sqrt(input: Tensor) -> Tensor:
    """√x, element by element; as torch.sqrt, with a hand-written gradient.

    Args:
        input: x, of any shape (*). Integers are promoted to the default floating-point type.

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("sqrt", input=input)
    return _sqrt(input)
