"""The hard swish: each number times its hard sigmoid.

Given   a = z h(z), elementwise, with h(z) = 0 for z ≤ −3, 1 for z ≥ 3 and (z + 3)/6 between (hardsigmoid.py),
        and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  To the left a = 0, to the right a = z. Between, by the product rule:

        da/dz = h(z) + z h′(z) = (z + 3)/6 + z/6 = z/3 + ½

3.  So, for the whole tensor:

        ∂L/∂z = 0 where z ≤ −3
        ∂L/∂z = ∂L/∂a ⊙ (z/3 + ½) between
        ∂L/∂z = ∂L/∂a where z ≥ 3

    At −3 and 3 there are corners: from between, the slopes are −½ and 3/2. PyTorch takes those from outside.
    On the right, the slope between is taken at z = 3/2, where it is 1.

Like silu, which it imitates without an exponential, it falls before it rises: two z have the same output,
which does not tell their slopes. So z is kept; in place, a copy of it, which takes the memory that working in
place saves.

The numerical trap: a product with the slope 0 would make NaN of an infinite ∂L/∂a. The 0 is *put in* instead,
where h(z) is 0 (`gate` in _corners.py).

Shapes: input, output and gradient (*), all alike.

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations._corners import gate
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


class Hardswish(Operation):
    """a = z h(z); ∂L/∂z = (z/3 + ½) ∂L/∂a between −3 and 3, 0 to the left and ∂L/∂a to the right."""

    formula = Formula(
        "hardswish",
        "activation",
        "{0} · (({0} + 3)/6 between 0 and 1)",
        ("{g} ({0}/3 + ½) between −3 and 3, 0 to the left, {g} to the right",),
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = torch.where(z < -3, 0, torch.where(z > 3, z, z * (z + 3) / 6))
        return a, lambda da: torch.where(z <= -3, 0, torch.where(z >= 3, da, da * (2 * z + 3) / 6))

    @staticmethod
    def check(input: Tensor) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"hardswish: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return T.hardswish(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, inputs[0])  # the output does not say which of two z it came from

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
    until = torch.threshold(-z, -3, -1.5)  # −z; and where z ≥ 3, −3/2, whose slope is 1
    return gate(g * torch.rsub(until, 0.5, alpha=1 / 3), T.hardsigmoid(z))


_hardswish = function_of(Hardswish)


@public(T.hardswish, example=example((5, 3)))
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Hard swish, elementwise; as torch.nn.functional.hardswish, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        inplace: write the result over `input`, of which a copy is kept.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient.
    """
    require_tensor("hardswish", input=input)
    if inplace:
        require_overwritable("hardswish", input)
        return overwritten(_hardswish, input)
    return _hardswish(input)
