"""The exponential.

Given   y = e^x, elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output depends on one input only, and the exponential is its own derivative:

        ∂L/∂xᵢ = ∂L/∂yᵢ · e^xᵢ

2.  That is the output itself. In one line for the whole tensor:

        ∂L/∂x = ∂L/∂y ⊙ y

The numerical trap: e^x is infinite from x = 89 on in float32, and so is its slope. Where exponentials are
only wanted relative to each other, as in a softmax, the largest exponent is subtracted first.

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


class Exp(Operation):
    """y = e^x and ∂L/∂x = ∂L/∂y ⊙ y."""

    formula = Formula("exp", "elementwise", "exp {0}", ("{g} {out}",), slope=lambda x, y: y)

    @staticmethod
    def written(x: Tensor) -> Any:
        y = torch.exp(x)
        return y, lambda g: g * y

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.exp(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 2: the derivative is the output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grad_output * y.conj()  # conj() changes complex numbers only

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return input_tangent * y


_exp = function_of(Exp)


@public(torch.exp, torch.Tensor.exp, example=example((5, 3)))
def exp(input: Tensor) -> Tensor:
    """e^x, element by element; as torch.exp, with a hand-written gradient.

    Args:
        input: x, of any shape (*). Integers are promoted to the default floating-point type.

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("exp", input=input)
    return _exp(input)
