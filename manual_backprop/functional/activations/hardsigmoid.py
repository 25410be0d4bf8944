"""The hard sigmoid: a sigmoid made of three lines.

Given   a = 0 for z ≤ −3, 1 for z ≥ 3 and (z + 3)/6 between, elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  Each line has its slope; at the two corners PyTorch takes 0:

        da/dz = 1/6 if |z| < 3, else 0

3.  That is where 0 < a < 1, so the output says all that is needed:

        ∂L/∂z = 1/6 ∂L/∂a where 0 < a < 1, and 0 elsewhere

    One number is an exception: the output of the last float32 or float64 before 3 is rounded to 1.

The numerical trap: a product with the slope 0 would make NaN of an infinite ∂L/∂a. The 0 is *put in* instead
(`gate` in _corners.py).

Shapes: input, output and gradient (*), all alike.

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.
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
)


class Hardsigmoid(Operation):
    """a = (z + 3)/6 between 0 and 1; ∂L/∂z = 1/6 ∂L/∂a where 0 < a < 1, else 0."""

    formula = Formula(
        "hardsigmoid", "activation", "({0} + 3)/6 between 0 and 1", ("{g}/6 where 0 < {out} < 1, else 0",)
    )

    @staticmethod
    def written(z: Tensor) -> Any:
        a = torch.where(z < -3, 0, torch.where(z > 3, 1, (z + 3) / 6))
        return a, lambda da: torch.where((z > -3) & (z < 3), da / 6, 0)

    @staticmethod
    def check(input: Tensor) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"hardsigmoid: expected a floating-point type, got {input.dtype}")

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        return T.hardsigmoid(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        keep(ctx, output)  # step 3: a says where z was, and the next layer keeps it anyway

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return gate(grad_output / 6, (a > 0) & (a < 1))

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return (input_tangent / 6).where((a > 0) & (a < 1), 0)


_hardsigmoid = function_of(Hardsigmoid)
_hardsigmoid_in_place = overwriting(Hardsigmoid)


@public(T.hardsigmoid, example=example((5, 3), built_in=lambda x: T.relu6(x + 3) / 6))
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Hard sigmoid, elementwise; as torch.nn.functional.hardsigmoid, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        inplace: write the result over `input`, which saves its memory.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient.
    """
    require_tensor("hardsigmoid", input=input)
    return _hardsigmoid_in_place(input) if inplace else _hardsigmoid(input)
