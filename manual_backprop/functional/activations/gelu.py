"""The Gaussian error linear unit: each number times the probability that a normal one is smaller.

Given   a = z P(z), elementwise, P being the distribution function of the normal distribution, and the
        upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  By the product rule, for P and for whatever stands in its place:

        da/dz = P(z) + z P′(z)

3.  The slope of a distribution function is its density:

        P′(z) = e^{−z²/2} (2π)^{−1/2}

4.  The approximation has a sigmoid in the place of P. Its slope, by σ′ = σ (1 − σ) and the chain rule:

        P(z) = σ(2u)
        P′(z) = 2 u′ σ(2u) (1 − σ(2u))
        u = (2/π)^{1/2} (z + c z³)          c = 0.044715
        u′ = (2/π)^{1/2} (1 + 3c z²)

5.  In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a ⊙ (P(z) + z ⊙ P′(z))

From the left, the output falls to −0.17 at z = −0.75 before it rises: two z have the same output, which does
not tell their slopes. So z is kept.

The numerical trap: P is usually written with 1 + erf, and the approximation with 1 + tanh u. Both cancel for
z ≪ 0, where erf and tanh are close to −1. The sigmoid does not, nor does the complement of erf, `torch.erfc`,
taken of −z.

Shapes: input, output and gradient (*), all alike.

Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", arXiv 1606.08415 (2016), section 2.
"""

from math import pi, sqrt
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

C = 0.044715


class GELU(Operation):
    """a = z P(z) and ∂L/∂z = ∂L/∂a ⊙ (P(z) + z P′(z))."""

    formula = Formula("gelu", "activation", "{0} Φ({0})", ("{g} ⊙ (Φ({0}) + {0} φ({0}))",))

    @staticmethod
    def check(input: Tensor, approximate: str) -> None:
        if approximate not in ("none", "tanh"):
            raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
        if not input.is_floating_point():
            raise NotImplementedError(f"gelu: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor, approximate: str) -> Tensor:
        z = widen(input)
        return narrow(z * distribution(z, approximate), input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, str], output: Tensor) -> None:
        input, ctx.approximate = inputs
        keep(ctx, input)  # the output does not say which of two z it came from

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (z,) = ctx.saved_tensors
        grad_input = widen(grad_output) * slope(widen(z), ctx.approximate)
        return narrow(grad_input, z.dtype), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * slope(widen(z), ctx.approximate), z.dtype)


def slope(z: Tensor, approximate: str) -> Tensor:
    """Step 2: P(z) + z P′(z)."""
    return distribution(z, approximate) + z * density(z, approximate)


def distribution(z: Tensor, approximate: str) -> Tensor:
    """P(z), or what stands in its place."""
    if approximate == "none":
        return torch.erfc(-z / sqrt(2)) / 2
    return torch.sigmoid(2 * sqrt(2 / pi) * (z + C * z**3))


def density(z: Tensor, approximate: str) -> Tensor:
    """P′(z): step 3 or 4."""
    if approximate == "none":
        return torch.exp(-z * z / 2) / sqrt(2 * pi)
    s = distribution(z, approximate)
    return 2 * s * (1 - s) * sqrt(2 / pi) * (1 + 3 * C * z * z)


_gelu = function_of(GELU)


@public(T.gelu, example=example((5, 3)))
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit, elementwise; as torch.nn.functional.gelu, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        approximate: "none" for the normal distribution, "tanh" for its approximation.

    Returns:
        a, of the same shape and type.

    Raises:
        TypeError: `input` is not a Tensor, or `approximate` not a str.
        RuntimeError: another `approximate`.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("gelu", input=input)
    if not isinstance(approximate, str):
        raise TypeError(f"gelu: approximate must be a str, got {approximate!r}")
    return _gelu(input, approximate)
