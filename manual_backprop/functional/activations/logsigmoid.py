"""The log-sigmoid: the logarithm of a probability that a sigmoid gives.

Given   a = log σ(z) = −log(1 + e⁻ᶻ), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  By the chain rule, for the logarithm and then for the sigmoid, whose slope is σ(1 − σ):

        da/dz = 1/σ(z) · σ(z) (1 − σ(z)) = 1 − σ(z)

3.  That is the sigmoid of −z, the probability of the other outcome: 1 − 1/(1 + e⁻ᶻ) = 1/(1 + e^z).

        ∂L/∂z = ∂L/∂a ⊙ σ(−z)

What it does to a loss: −log σ(z) pulls with the force 1 − σ(z). That is next to 1 for a confident mistake and
next to 0 for a confident success, where the squared error has next to nothing for both.

The numerical trap: σ(z) is 0 in floating point for z ≪ 0, and its logarithm −∞. In

        log σ(z) = min(0, z) − log(1 + e^{−|z|})

the larger of the two exponents, 0 and −z, is taken out of the logarithm, so that no exponent is above 0.
Where σ(z) is close to 1, 1 − σ(z) would cancel; σ(−z) does not.

Shapes: input, output and gradient (*), all alike.

Source: Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed representations of words and phrases and
their compositionality", NIPS 2013, equation (4), whose terms are log-sigmoids.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.operation import (
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


class LogSigmoid(Operation):
    """a = log σ(z) and ∂L/∂z = ∂L/∂a ⊙ σ(−z)."""

    formula = Formula(
        "logsigmoid",
        "activation",
        "log σ({0})",
        ("{g} ⊙ σ(−{0})",),
        slope=lambda z, a: torch.sigmoid(-z),
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = -torch.relu(-z) - torch.log(1 + torch.exp(-torch.abs(z)))
        return a, lambda da: da * torch.sigmoid(-z)

    @staticmethod
    def elementary(z: Tensor) -> Tensor:
        """The logarithm of σ(z)."""
        return torch.log(torch.sigmoid(z))

    @staticmethod
    def check(input: Tensor) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"logsigmoid: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return T.logsigmoid(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # z: read off the output, the slope 1 − e^a would cancel

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(widen(grad_output) * torch.sigmoid(-widen(z)), z.dtype)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * torch.sigmoid(-widen(z)), z.dtype)


_logsigmoid = function_of(LogSigmoid)


@public(T.logsigmoid, example=example((5, 3)))
def logsigmoid(input: Tensor) -> Tensor:
    """Log σ(z), elementwise; as torch.nn.functional.logsigmoid, with a hand-written gradient.

    Args:
        input: z, of any shape (*).

    Returns:
        a, of the same shape and type, at most 0; in nats.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("logsigmoid", input=input)
    return _logsigmoid(input)
