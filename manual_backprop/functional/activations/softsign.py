"""The softsign: between −1 and 1 like tanh, and slower to get there.

Given   a = z / (1 + |z|), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  The quotient rule, with the slope sign(z) of |z| (abs.py):

        da/dz = ((1 + |z|) − z sign(z)) / (1 + |z|)² = 1 / (1 + |z|)²        for z sign(z) = |z|

    |z| has a corner at 0, and a has none: the slope is 1 from both sides.

3.  So, for the whole tensor:

        ∂L/∂z = ∂L/∂a / (1 + |z|)²

Where a unit is saturated, tanh lets about 4 e^{−2|z|} of a gradient through, and the softsign 1/z²: at z =
10, 8 · 10⁻⁹ beside 8 · 10⁻³.

The numerical trap: the slope can be read off the output, as (1 − |a|)², and cancels there for large |z|. So z
is kept. (1 + |z|)² may overflow; two divisions do not.

Complex numbers move |z| only by what lies along z. With s = z/|z|, step 2 is then, for the conjugates that
autograd takes,

        ∂L/∂z = (∂L/∂a − s Re(z conj(∂L/∂a)) / (1 + |z|)) / (1 + |z|)

which for real numbers is step 3, written so that it cancels.

Shapes: input, output and gradient (*), all alike.

Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
AISTATS 2010, which compares it with tanh and the sigmoid.
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


class Softsign(Operation):
    """a = z / (1 + |z|) and ∂L/∂z = ∂L/∂a / (1 + |z|)²."""

    formula = Formula(
        "softsign",
        "activation",
        "{0} / (1 + |{0}|)",
        ("{g} / (1 + |{0}|)²",),
        slope=lambda z, a: 1 / (1 + z.abs()) ** 2,
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        d = 1 + torch.abs(z)
        a = z / d
        return a, lambda da: da / d**2

    @staticmethod
    def elementary(z: Tensor) -> Tensor:
        """Z / (1 + |z|)."""
        return z / (1 + z.abs())

    @staticmethod
    def check(input: Tensor) -> None:
        if input.dtype == torch.bool:
            raise NotImplementedError("softsign: expected numbers, got torch.bool")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        z = widen(input)
        a = z / (1 + z.abs())
        return narrow(a, input.dtype) if input.is_floating_point() else a

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # the output tells the slope too, but not for large |z|

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(sloped(widen(grad_output), widen(z)), z.dtype)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(sloped(widen(input_tangent), widen(z)), z.dtype)


def sloped(g: Tensor, z: Tensor) -> Tensor:
    """Step 3: a gradient, or a tangent, times the slope at z."""
    d = 1 + z.abs()
    if z.is_complex():
        g = g - z.sgn() * (z * g.conj()).real / d
        return g / d
    return g / d / d


_softsign = function_of(Softsign)


@public(T.softsign, example=example((5, 3)))
def softsign(input: Tensor) -> Tensor:
    """z / (1 + |z|), elementwise; as torch.nn.functional.softsign, with a hand-written gradient.

    Args:
        input: z, of any shape (*). Integers are promoted to the default floating-point type.

    Returns:
        a, of the same shape (*), between −1 and 1.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is boolean.
    """
    require_tensor("softsign", input=input)
    return _softsign(input)
