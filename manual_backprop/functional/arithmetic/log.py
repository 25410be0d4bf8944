"""The natural logarithm.

Given   y = log x, elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Each output depends on one input only. x = e^y, so by the rule for the inverse of a function

        dy/dx = 1 / (dx/dy) = 1 / e^y = 1 / x

2.  In one line for the whole tensor:

        ∂L/∂x = ∂L/∂y / x

The numerical trap: towards 0 both the value and the slope grow without bound, and a probability that was
rounded to 0 makes an infinite gradient. A loss takes the logarithm and the exponential together
(cross_entropy.py) and never meets that 0.

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


class Log(Operation):
    """y = log x and ∂L/∂x = ∂L/∂y / x."""

    formula = Formula("log", "elementwise", "log {0}", ("{g} / {0}",), slope=lambda x, y: 1 / x)

    @staticmethod
    def written(x: Tensor) -> Any:
        y = torch.log(x)
        return y, lambda g: g / x

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.log(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # step 2: x; e^y would be x with a rounding more

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_output / x.conj()  # conj() changes complex numbers only

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return input_tangent / x


_log = function_of(Log)


@public(torch.log, torch.Tensor.log, example=example(POSITIVE))
def log(input: Tensor) -> Tensor:
    """Natural logarithm, element by element; as torch.log, with a hand-written gradient.

    Args:
        input: x, of any shape (*). Integers are promoted to the default floating-point type.

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("log", input=input)
    return _log(input)
