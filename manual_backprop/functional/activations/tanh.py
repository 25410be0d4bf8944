"""The hyperbolic tangent: it squashes any number into (−1, 1), zero staying where it is.

Given   a = tanh z = (e^z − e⁻ᶻ) / (e^z + e⁻ᶻ), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only, so the chain rule has one term (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · tanh′(zᵢ)

2.  With s = e^z − e⁻ᶻ and c = e^z + e⁻ᶻ, each is the derivative of the other. By the quotient rule:

        tanh′(z) = (c · c − s · s) / c² = 1 − (s/c)²

3.  It can be read off the output, s/c being a. In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a ⊙ (1 − a²) = ∂L/∂a ⊙ (1 − a) ⊙ (1 + a)

Why it was preferred to the sigmoid: its slope is up to 1, at z = 0, instead of ¼, and its outputs are centred
around 0. It is a sigmoid all the same, tanh z = 2 σ(2z) − 1, and saturates like one.

The numerical trap: a² is rounded before it is subtracted from 1, and where a is close to ±1 little is left.
The product (1 − a)(1 + a) subtracts without rounding there.

Shapes: input, output and gradient (*), all alike.

Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998), section 4.4.
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
    public,
    require_tensor,
)


class Tanh(Operation):
    """a = tanh z and ∂L/∂z = ∂L/∂a ⊙ (1 − a) ⊙ (1 + a)."""

    formula = Formula(
        "tanh", "activation", "tanh {0}", ("{g} ⊙ (1 − {out}²)",), slope=lambda z, a: (1 - a) * (1 + a)
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = torch.tanh(z)
        return a, lambda da: da * (1 - a**2)

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.tanh(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 3: the derivative needs a only, which the next layer keeps anyway

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return grad_output * ((1 - a) * (1 + a)).conj()  # conj() changes complex numbers only

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return input_tangent * ((1 - a) * (1 + a))


_tanh = function_of(Tanh)


@public(torch.tanh, torch.Tensor.tanh, T.tanh, example=example((5, 3)))
def tanh(input: Tensor) -> Tensor:
    """Tanh z, elementwise; as torch.nn.functional.tanh, with a hand-written gradient.

    Args:
        input: z, of any shape (*). Integers are promoted to the default floating-point type.

    Returns:
        a = tanh z, of the same shape (*).

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("tanh", input=input)
    return _tanh(input)
