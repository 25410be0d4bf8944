"""The leaky rectified linear unit: it lets what is positive through, and little of the rest.

Given   a = z where z > 0, and s z elsewhere, elementwise, s being the slope there, and the upstream gradient
        ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  There are two lines through 0, each with its slope. *At* zero there is no derivative; PyTorch takes s:

        da/dz = 1 if z > 0, else s

3.  In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a where z > 0, else s ∂L/∂a

    which is a product, ∂L/∂a ⊙ (1 where z > 0, else s): `step` (_corners.py) makes the slope without a
    choice, which a CPU mispredicts where signs are random.

4.  If s is not negative, a > 0 exactly where z > 0, and the output says all that is needed. With a negative s
    no output is negative, and z itself is kept.

Why no unit dies: where z ≤ 0 for every example, its weights still get a gradient, if a small one.

The numerical trap: an s z that is too small for its type is rounded to 0. That is not greater than 0 either,
so step 4 holds.

Shapes: input, output and gradient (*), all alike.

Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013
workshop on deep learning for audio, speech and language processing.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations._corners import step
from manual_backprop.functional.in_place.elementwise import overwriting
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)


class LeakyReLU(Operation):
    """a = z where z > 0, else s z; ∂L/∂z = ∂L/∂a where z > 0, else s ∂L/∂a."""

    formula = Formula(
        "leaky_relu", "activation", "{0} where {0} > 0, else {1} {0}", ("{g} where {0} > 0, else {1} {g}",)
    )

    @staticmethod
    def written(z: Tensor, slope: float) -> Any:
        a = torch.where(z > 0, z, slope * z)
        return a, lambda da: torch.where(z > 0, da, slope * da)

    @staticmethod
    def elementary(z: Tensor, slope: float) -> Tensor:
        """Z where it is positive, else s z."""
        return torch.where(z > 0, z, slope * z)

    @staticmethod
    def check(input: Tensor, negative_slope: float) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"leaky_relu: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor, negative_slope: float) -> Tensor:
        return T.leaky_relu(input, negative_slope)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        input, ctx.negative_slope = inputs
        keep(ctx, output if ctx.negative_slope >= 0 else input)  # step 4; the next layer keeps a anyway

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        grad_input = widen(grad_output) * step(widen(kept), ctx.negative_slope)
        return narrow(grad_input, kept.dtype), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (kept,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * step(widen(kept), ctx.negative_slope), kept.dtype)


_leaky_relu = function_of(LeakyReLU)
_leaky_relu_in_place = overwriting(LeakyReLU)


@public(T.leaky_relu, example=example((5, 3)))
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Leaky ReLU, elementwise; as torch.nn.functional.leaky_relu, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        negative_slope: s, the slope to the left of zero.
        inplace: write the result over `input`, which saves its memory.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient, or where a gradient is
            required and `negative_slope` is negative.
    """
    require_tensor("leaky_relu", input=input)
    if inplace:
        if negative_slope < 0 and input.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(
                f"leaky_relu: with negative_slope={negative_slope}, an output does not tell the sign of its "
                "input; use inplace=False"
            )
        return _leaky_relu_in_place(input, negative_slope)
    return _leaky_relu(input, negative_slope)


@twin_of(T.leaky_relu_)
def _leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return leaky_relu(input, negative_slope, inplace=True)
