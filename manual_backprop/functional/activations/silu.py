"""The sigmoid linear unit, or swish: each number times its own sigmoid.

Given   a = z σ(z), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  By the product rule, with σ′ = σ (1 − σ) from sigmoid.py, σ being σ(z):

        da/dz = σ + z σ (1 − σ)

3.  In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a ⊙ (σ + z ⊙ σ ⊙ (1 − σ))

Far to the right it is z and far to the left 0, like ReLU, but smooth. From the left, it falls to −0.28 at
z = −1.28 before it rises: two z have the same output, which does not tell their slopes. So z is kept; in
place, a copy of it, which takes the memory that working in place saves.

The numerical trap: e⁻ᶻ overflows for z ≪ 0. `torch.sigmoid` uses e^z/(1 + e^z) there.

Shapes: input, output and gradient (*), all alike.

Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation in
reinforcement learning", Neural Networks 107 (2018); Ramachandran, Zoph and Le, "Searching for activation
functions", arXiv 1710.05941 (2017).
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.in_place.overwrite import overwritten
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_overwritable,
    require_tensor,
    widen,
)


class SiLU(Operation):
    """a = z σ(z) and ∂L/∂z = ∂L/∂a ⊙ (σ + z σ (1 − σ))."""

    formula = Formula("silu", "activation", "{0} σ({0})", ("{g} ⊙ σ({0}) ⊙ (1 + {0} (1 − σ({0})))",))

    @staticmethod
    def written(z: Tensor) -> Any:
        s = torch.sigmoid(z)
        a = z * s
        return a, lambda da: da * s * (1 + z * (1 - s))

    @staticmethod
    def elementary(z: Tensor) -> Tensor:
        """Z σ(z)."""
        return z * torch.sigmoid(z)

    @staticmethod
    def check(input: Tensor) -> None:
        if not (input.is_floating_point() or input.is_complex()):
            raise NotImplementedError(f"silu: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return T.silu(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # the output does not say which of two z it came from

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        grad_input = widen(grad_output) * slope(widen(z)).conj()  # conj() changes complex numbers only
        return narrow(grad_input, z.dtype)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * slope(widen(z)), z.dtype)


def slope(z: Tensor) -> Tensor:
    """Step 2: σ + z σ (1 − σ)."""
    s = torch.sigmoid(z)
    return torch.addcmul(s, z * s, 1 - s)


_silu = function_of(SiLU)


@public(T.silu, example=example((5, 3)))
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit, elementwise; as torch.nn.functional.silu, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        inplace: write the result over `input`, of which a copy is kept.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is neither floating-point nor complex.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient.
    """
    require_tensor("silu", input=input)
    if inplace:
        require_overwritable("silu", input)
        return overwritten(_silu, input)
    return _silu(input)
