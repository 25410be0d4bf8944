"""The sigmoid: it squashes any number into (0, 1).

Given   a = σ(z) = 1 / (1 + e⁻ᶻ), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only, so the chain rule has one term (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · σ′(zᵢ)

2.  The derivative, by the rule for 1/u with u = 1 + e⁻ᶻ and u′ = −e⁻ᶻ:

        σ′(z) = −u′/u² = e⁻ᶻ / (1 + e⁻ᶻ)²

3.  It can be read off the output. One factor 1/u is a; the other, e⁻ᶻ/u = (u − 1)/u, is 1 − a:

        σ′(z) = a (1 − a)

    a is the *activation* σ(z). Putting a in for z, σ′(a) = σ(a)(1 − σ(a)), is another number.

4.  In one line for the whole tensor, ⊙ being the elementwise product:

        ∂L/∂z = ∂L/∂a ⊙ a ⊙ (1 − a)

Why gradients vanish: a (1 − a) is at most ¼, at z = 0, so each sigmoid layer shrinks the gradient by a factor
of four or more.

The numerical trap: e⁻ᶻ overflows for z ≪ 0. `torch.sigmoid` uses e^z/(1 + e^z) there. And a − a² would cancel
where a is close to 1; 1 − a is exact there.

Shapes: input, output and gradient (*), all alike.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323
(1986), the equation ∂E/∂x = ∂E/∂y · y (1 − y).
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


class Sigmoid(Operation):
    """a = σ(z) and ∂L/∂z = ∂L/∂a ⊙ a ⊙ (1 − a)."""

    formula = Formula(
        "sigmoid",
        "activation",
        "1 / (1 + exp(−{0}))",
        ("{g} ⊙ {out} ⊙ (1 − {out})",),
        slope=lambda z, a: a * (1 - a),
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = torch.sigmoid(z)
        return a, lambda da: da * a * (1 - a)

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return torch.sigmoid(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 3: the derivative needs a only, which the next layer keeps anyway

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return grad_output * (a * (1 - a)).conj()  # conj() changes complex numbers only

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return input_tangent * (a * (1 - a))


_sigmoid = function_of(Sigmoid)


@public(torch.sigmoid, torch.Tensor.sigmoid, T.sigmoid, example=example((5, 3)))
def sigmoid(input: Tensor) -> Tensor:
    """σ(z) = 1 / (1 + e⁻ᶻ), elementwise; as torch.nn.functional.sigmoid, with a hand-written gradient.

    Args:
        input: z, of any shape (*). Integers are promoted to the default floating-point type.

    Returns:
        a = σ(z), of the same shape (*).

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("sigmoid", input=input)
    return _sigmoid(input)
