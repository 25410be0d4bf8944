"""The negative: it turns over the sign, of the number and of its gradient.

Given   zᵢ = −xᵢ, elementwise, and the upstream gradient ∂L/∂z.
Want    ∂L/∂x.

1.  Each output depends on one input only, with slope −1:

        ∂L/∂xᵢ = ∂L/∂zᵢ · ∂zᵢ/∂xᵢ = −∂L/∂zᵢ

2.  For the whole tensor:

        ∂L/∂x = −∂L/∂z

What it is used for: a log-likelihood is made large by making its negative small, and the gradient of the one
is that of the other with the opposite sign.

The numerical trap is none: a floating-point number has its sign in a bit of its own, and turning that over
rounds nothing. (An integer of two's complement has no positive twin of its smallest number, but it has no
gradient either.)

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
    public,
    require_tensor,
)


class Neg(Operation):
    """z = −x and ∂L/∂x = −∂L/∂z."""

    formula = Formula("neg", "elementwise", "−{0}", ("−{g}",), slope=lambda x, y: -torch.ones_like(y))

    @staticmethod
    def written(x: Tensor) -> Any:
        return -x, lambda g: -g

    @staticmethod
    def check(input: Tensor) -> None:
        if input.dtype == torch.bool:
            raise NotImplementedError("neg: expected numbers, which have a sign, got torch.bool")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.neg(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """The slope is −1 everywhere: nothing is kept."""

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return -grad_output

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        return -input_tangent


_neg = function_of(Neg)


@public(
    torch.neg,
    torch.negative,
    torch.Tensor.neg,
    torch.Tensor.negative,
    torch.Tensor.__neg__,
    example=example((5, 3)),
)
def neg(input: Tensor) -> Tensor:
    """−x, elementwise; as torch.neg, with a hand-written gradient.

    Args:
        input: x, of any shape (*).

    Returns:
        z, of the same shape and type.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: truth values.
    """
    require_tensor("neg", input=input)
    result: Tensor = _neg(input)
    return result
