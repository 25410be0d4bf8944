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

        P(z) = σ(v)
        P′(z) = v′ σ(v) (1 − σ(v))
        v = k (z + c z³)                    c = 0.044715, k = (8/π)^{1/2}
        v′ = k (1 + 3c z²)

    so that z P′(z) = k (z + 3c z³) σ (1 − σ), with the same polynomial of z, c being three times as large.

5.  In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a ⊙ (P(z) + z ⊙ P′(z))

From the left, the output falls to −0.17 at z = −0.75 before it rises: two z have the same output, which does
not tell their slopes. So z is kept.

The numerical trap: P is usually written with 1 + erf, as in `torch.special.ndtr`, and the approximation with
1 + tanh(v/2). Both cancel for z ≪ 0, where erf and tanh are close to −1. The sigmoid does not, nor does the
complement of erf, `torch.erfc`, taken of −z. What torch.compile makes of erfc is slow, so compiled code has
1 + erf, as PyTorch's own gelu always has. Its P is wrong by up to about ε/4, in float32 by 4 % at z = −5.

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

C, K = 0.044715, sqrt(8 / pi)


class GELU(Operation):
    """a = z P(z) and ∂L/∂z = ∂L/∂a ⊙ (P(z) + z P′(z))."""

    formula = Formula("gelu", "activation", "{0} Φ({0})", ("{g} ⊙ (Φ({0}) + {0} φ({0}))",))

    forward_has_several_passes = True

    @staticmethod
    def written(z: Tensor, approximate: str) -> Any:
        if approximate == "none":
            cdf = (1 + torch.erf(z / sqrt(2))) / 2
            pdf = torch.exp(-(z**2) / 2) / sqrt(2 * pi)
            a = z * cdf
            return a, lambda da: da * (cdf + z * pdf)
        u = torch.tanh(K / 2 * (z + C * z**3))
        cdf = (1 + u) / 2
        a = z * cdf

        def backward(da: Tensor) -> Tensor:
            pdf = K / 4 * (1 - u**2) * (1 + 3 * C * z**2)
            return da * (cdf + z * pdf)

        return a, backward

    @staticmethod
    def elementary(z: Tensor, approximate: str) -> Tensor:
        """Half of z (1 + tanh √(2/π) (z + c z³)); the exact one has erf, which is not arithmetic."""
        if approximate == "none":
            return NotImplemented
        u = torch.tanh(K / 2 * (z + C * z**3))
        cdf = (1 + u) / 2
        return z * cdf

    @staticmethod
    def check(input: Tensor, approximate: str) -> None:
        if approximate not in ("none", "tanh"):
            raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
        if not input.is_floating_point():
            raise NotImplementedError(f"gelu: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor, approximate: str) -> Tensor:
        z = widen(input)
        P = distribution(z, approximate)
        a = z * P if torch.is_grad_enabled() else P.mul_(z)  # P may be needed where somebody records it
        return narrow(a, input.dtype)

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


def distribution(z: Tensor, approximate: str) -> Tensor:
    """P(z), or what stands in its place."""
    if approximate == "none":
        if torch.compiler.is_compiling():
            return torch.erf(z * sqrt(1 / 2)) / 2 + 0.5
        return torch.erfc_(z * -sqrt(1 / 2)).mul_(0.5)  # of one memory: new memory takes longer than erfc
    return torch.sigmoid(K * cubic(z, C))


def slope(z: Tensor, approximate: str) -> Tensor:
    """Step 2: P(z) + z P′(z), by step 3 or 4."""
    P = distribution(z, approximate)
    if approximate == "none":
        return torch.addcmul(P, z, torch.exp(z * z * -0.5), value=1 / sqrt(2 * pi))
    return torch.addcmul(P, P * cubic(z, 3 * C), 1 - P, value=K)


def cubic(z: Tensor, c: float) -> Tensor:
    """The polynomial z + c z³."""
    return torch.addcmul(z, z, z * z, value=c)


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
