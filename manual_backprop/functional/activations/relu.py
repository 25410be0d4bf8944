"""The rectified linear unit: it lets what is positive through and stops the rest.

Given   a = max(0, z), elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  The slope of max(0, z) is 1 to the right of zero and 0 to the left. *At* zero there is no derivative: any
    number between 0 and 1 is a subgradient. PyTorch takes 0, and so does this file:

        da/dz = 1 if z > 0, else 0

3.  z > 0 exactly where a > 0, so the output says all that is needed:

        ∂L/∂z = ∂L/∂a where a > 0, and 0 elsewhere

Why ReLU networks can be deep: the slope is 1 or 0, so a gradient that passes is not made smaller. Why a unit
can die: where z ≤ 0 for every example, its weights get the gradient 0 for ever.

The numerical trap: multiplying by a mask of zeros and ones turns an infinite upstream gradient into NaN
(0 · ∞). The 0 is *put in* instead, wherever a ≤ 0. That comparison is false for NaN, so NaN stays visible.
A CPU mispredicts that choice at every second unit, so there it is made without one: `gate` (_corners.py).

Shapes: input, output and gradient (*), all alike.

Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010; for the
slope at 0, Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.3.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations._corners import gate
from manual_backprop.functional.in_place.view import overwriting_views
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
    twin_of,
)


class ReLU(Operation):
    """a = max(0, z) and ∂L/∂z = ∂L/∂a where a > 0, else 0."""

    formula = Formula(
        "relu",
        "activation",
        "max(0, {0})",
        ("{g} where {out} > 0, else 0",),
        slope=lambda z, a: (a > 0).to(a.dtype),
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = torch.relu(z)
        return a, lambda da: torch.where(a > 0, da, 0)

    @staticmethod
    def check(input: Tensor) -> None:
        if input.dtype == torch.bool or input.is_complex():
            raise NotImplementedError(
                f"relu: input must be of a real number type, which has a sign, got {input.dtype}"
            )

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return input.clamp(min=0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 3: a says where z > 0, and the next layer keeps it anyway

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return gate(grad_output, a)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return input_tangent.masked_fill(a <= 0, 0)


class ReLUInPlace(ReLU):
    """The same, with a written over z: the backward never needed z."""

    generate_vmap_rule = False
    overwrites = True

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        input.clamp_(min=0)
        return input

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.mark_dirty(inputs[0])  # z is gone: autograd must know, in case another operation kept it
        keep(ctx, output)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return input_tangent.masked_fill_(a <= 0, 0)  # z is overwritten, so its tangent is too

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None], input: Tensor) -> tuple[Tensor, int | None]:
        return _relu_in_place(input), in_dims[0]


_relu = function_of(ReLU)
_relu_in_place = overwriting_views(function_of(ReLUInPlace))


@public(torch.relu, torch.Tensor.relu, T.relu, example=example((5, 3)))
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, z), elementwise; as torch.nn.functional.relu, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        inplace: write the result over `input`, which saves its memory.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is boolean or complex.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient.
    """
    require_tensor("relu", input=input)
    return _relu_in_place(input) if inplace else _relu(input)


@twin_of(torch.relu_, torch.Tensor.relu_)
def _relu_(input: Tensor) -> Tensor:
    return relu(input, inplace=True)
