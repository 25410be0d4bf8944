"""The hard hyperbolic tangent: it cuts off what is outside of an interval. ReLU6 is the one from 0 to 6.

Given   a = l where z < l, u where z > u, and z between, elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  The slope is 1 on the line between and 0 on the level parts; at the two corners PyTorch takes 0:

        da/dz = 1 if l < z < u, else 0

3.  l < z < u exactly where l < a < u, so the output says all that is needed:

        ∂L/∂z = ∂L/∂a where l < a < u, and 0 elsewhere

The numerical trap: a product with the slope 0 would make NaN of an infinite ∂L/∂a. The 0 is *put in* instead,
where a ≤ l or a ≥ u (`gate` in _corners.py). Both comparisons are false for NaN, so NaN stays visible.

Shapes: input, output and gradient (*), all alike.

Source: Collobert, "Large scale machine learning" (2004), for hard tanh; Krizhevsky, "Convolutional deep
belief networks on CIFAR-10" (2010), for ReLU6.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations._corners import gate
from manual_backprop.functional.in_place.elementwise import overwriting
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


class Hardtanh(Operation):
    """a = z between l and u; ∂L/∂z = ∂L/∂a where l < a < u, else 0."""

    formula = Formula(
        "hardtanh", "activation", "{0} between {1} and {2}", ("{g} where {1} < {0} < {2}, else 0",)
    )

    @staticmethod
    def written(z: Tensor, low: float, high: float) -> Any:
        a = torch.where(z < low, low, torch.where(z > high, high, z))
        return a, lambda da: torch.where((z > low) & (z < high), da, 0)

    @staticmethod
    def check(input: Tensor, min_val: float, max_val: float) -> None:
        if input.dtype == torch.bool or input.is_complex():
            raise NotImplementedError(
                f"hardtanh: input must be of a real number type, which has an order, got {input.dtype}"
            )
        if min_val > max_val:
            raise ValueError(f"hardtanh: min_val={min_val} is greater than max_val={max_val}")
        if input.dtype == torch.uint8 and min_val < 0:
            raise RuntimeError(
                f"hardtanh: min_val={min_val} does not fit into torch.uint8, the type of the input"
            )

    @staticmethod
    def forward(input: Tensor, min_val: float, max_val: float) -> Tensor:
        if not input.is_floating_point():
            min_val, max_val = int(min_val), int(max_val)  # integers stay integers
        return input.clamp(min_val, max_val)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        keep(ctx, output)  # step 3: a says where z was, and the next layer keeps it anyway
        _, *ctx.bounds = inputs

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (a,) = ctx.saved_tensors
        return gate(grad_output, ~outside(a, *ctx.bounds)), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (a,) = ctx.saved_tensors
        return input_tangent.masked_fill(outside(a, *ctx.bounds), 0)


def outside(a: Tensor, min_val: float, max_val: float) -> Tensor:
    """Where a ≤ l or a ≥ u; PyTorch rounds both to the type of a, which holds them rounded likewise."""
    return (a <= min_val) | (a >= max_val)


_hardtanh = function_of(Hardtanh)
_hardtanh_in_place = overwriting(Hardtanh)


@public(T.hardtanh, example=example((5, 3)))
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(z, l), u), elementwise; as torch.nn.functional.hardtanh, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        min_val: l, the lower end of the interval.
        max_val: u, the upper end.
        inplace: write the result over `input`, which saves its memory.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        ValueError: `min_val` is greater than `max_val`.
        NotImplementedError: `input` is boolean or complex.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient, or a negative `min_val` for
            torch.uint8.
    """
    require_tensor("hardtanh", input=input)
    return (_hardtanh_in_place if inplace else _hardtanh)(input, min_val, max_val)


@twin_of(T.hardtanh_)
def _hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    return hardtanh(input, min_val, max_val, inplace=True)


@public(T.relu6, example=example((5, 3)))
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, z), 6), elementwise; as torch.nn.functional.relu6, with a hand-written gradient.

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
    require_tensor("relu6", input=input)
    return hardtanh(input, 0.0, 6.0, inplace)
