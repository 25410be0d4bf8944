"""The softplus: a ReLU without the corner.

Given   a = log(1 + e^{βz}) / β, elementwise, β being how sharply it bends, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  By the chain rule, for the logarithm and then for the exponential:

        da/dz = 1/β · 1 / (1 + e^{βz}) · β e^{βz} = e^{βz} / (1 + e^{βz})

3.  That is the sigmoid of βz:

        ∂L/∂z = ∂L/∂a ⊙ σ(βz)

    The slope of the softplus is the sigmoid, as the slope of ReLU is the step from 0 to 1.

The numerical trap: e^{βz} overflows for large z. With the larger of 0 and βz taken out of the logarithm,

        log(e⁰ + e^{βz}) = max(0, βz) + log(1 + e^{−|βz|})

no exponent is above 0. Where βz is above a threshold, PyTorch takes a = z and the slope 1, and so does this
file. PyTorch's softplus takes nothing out, and overflows below a high threshold. But from βz = 40 on, a is z
to the last digit of a float64, so that the value needs no threshold above that.

Shapes: input, output and gradient (*), all alike.

Source: Dugas, Bengio, Bélisle, Nadeau and Garcia, "Incorporating second-order functional knowledge for better
option pricing", NIPS 2000.
"""

from math import log
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

STRAIGHT = 40
"""From there on, log(1 + e^{βz}) is βz."""


class Softplus(Operation):
    """a = log(1 + e^{βz}) / β and ∂L/∂z = ∂L/∂a ⊙ σ(βz)."""

    formula = Formula("softplus", "activation", "log(1 + exp(‹{1} ›{0}))‹ / {1}›", ("{g} ⊙ σ(‹{1} ›{0})",))

    @staticmethod
    def written(z: Tensor, beta: float, threshold: float) -> Any:
        u = beta * z
        a = (torch.relu(u) + torch.log(1 + torch.exp(-torch.abs(u)))) / beta
        if threshold >= 20:  # from where on the two are the same number, nearly
            return a, lambda da: da * torch.sigmoid(u)
        above = u > threshold
        return torch.where(above, z, a), lambda da: da * torch.where(above, 1, torch.sigmoid(u))

    @staticmethod
    def elementary(z: Tensor, beta: float, threshold: float) -> Tensor:
        """The logarithm of 1 + exp βz, over β."""
        a = torch.log(1 + torch.exp(beta * z)) / beta
        return a if threshold >= 20 else torch.where(beta * z > threshold, z, a)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def check(input: Tensor, beta: float, threshold: float) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"softplus: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor, beta: float, threshold: float) -> Tensor:
        return T.softplus(input, beta, min(threshold, STRAIGHT))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        input, ctx.beta, ctx.threshold = inputs
        keep(ctx, input)  # a low threshold makes a jump, and two z of the same output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (z,) = ctx.saved_tensors
        grad_input = widen(grad_output) * slope(widen(z), ctx.beta, ctx.threshold)
        return narrow(grad_input, z.dtype), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(widen(input_tangent) * slope(widen(z), ctx.beta, ctx.threshold), z.dtype)


def slope(z: Tensor, beta: float, threshold: float) -> Tensor:
    """σ(βz), and 1 above the threshold."""
    scaled = z if beta == 1 else beta * z
    slope = torch.sigmoid(scaled)
    if threshold >= -log(torch.finfo(z.dtype).eps / 4):
        return slope  # which is rounded to 1 before
    return slope.masked_fill(scaled > threshold, 1)


_softplus = function_of(Softplus)


@public(T.softplus, example=example((5, 3)))
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^{βz}) / β, elementwise; as torch.nn.functional.softplus, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        beta: β, how sharply it bends.
        threshold: where βz is greater, a is z.

    Returns:
        a, of the same shape and type.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("softplus", input=input)
    return _softplus(input, beta, threshold)
