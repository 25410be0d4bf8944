"""One over the square root, as every normalisation multiplies by it.

Given   y = 1/√x, elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output depends on one input only, and y is the power of x with the exponent −½. By the power rule

        dy/dx = −½ x^{−3/2}

2.  x^{−3/2} is the cube of y, so the slope can be read off the output:

        dy/dx = −½ y³

3.  In one line for the whole tensor:

        ∂L/∂x = −½ ∂L/∂y ⊙ y³

The numerical trap is a small x: the slope grows faster than the value, to y³. A variance of 0 has an infinite
one, so normalisations add something small to it.

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
    narrow,
    public,
    require_tensor,
    widen,
)


class Rsqrt(Operation):
    """y = 1/√x and ∂L/∂x = −½ ∂L/∂y ⊙ y³."""

    formula = Formula("rsqrt", "elementwise", "1/√{0}", ("−{g} {out}³ / 2",), slope=lambda x, y: -(y**3) / 2)

    @staticmethod
    def written(x: Tensor) -> Any:
        y = torch.rsqrt(x)
        return y, lambda g: -g * y**3 / 2

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.rsqrt(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 2: the derivative needs y only

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        # conj() changes complex numbers only
        return narrow(widen(grad_output) * slope(widen(y)).conj(), y.dtype)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * slope(widen(y)), y.dtype)


def slope(y: Tensor) -> Tensor:
    """−½ y³."""
    return -0.5 * y * y * y


_rsqrt = function_of(Rsqrt)


@public(torch.rsqrt, torch.Tensor.rsqrt, example=example(POSITIVE))
def rsqrt(input: Tensor) -> Tensor:
    """1/√x, element by element; as torch.rsqrt, with a hand-written gradient.

    Args:
        input: x, of any shape (*). Integers are promoted to the default floating-point type.

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("rsqrt", input=input)
    return _rsqrt(input)
