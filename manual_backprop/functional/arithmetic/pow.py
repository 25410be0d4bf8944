"""The power of a tensor.

Given   y = x^p, elementwise, the base or the exponent a tensor or a number, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x and ∂L/∂p.

1.  Each yᵢ depends on xᵢ and pᵢ. Its slopes are the power rule, and, x^p being e^(p log x), the
    exponential's:

        ∂yᵢ/∂xᵢ = pᵢ xᵢ^{pᵢ − 1}
        ∂yᵢ/∂pᵢ = yᵢ log xᵢ

2.  So, with g = ∂L/∂y,

        ∂L/∂x = g ⊙ p ⊙ x^{p − 1}
        ∂L/∂p = g ⊙ y ⊙ log x

    and an input that was broadcast gets the sum over its uses (broadcast_to.py).

The numerical trap is 0. For p = 0 the power is 1 everywhere and its slope 0, but 0 · x^{−1} is NaN at x =
0. And at x = 0 with p ≥ 0 the power does not move with p, but y log x would be 0 · (−∞). Both zeros are put
in, the first after the product with g, which may be infinite too.

Shapes: input and exponent broadcast to the output's (*); each gradient has the shape of its own input.
"""

import math
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic._operands import conj
from manual_backprop.functional.operation import (
    POSITIVE,
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
    twin_of,
)
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import back_to, like, pushed


class Pow(Operation):
    """y = x^p, ∂L/∂x = g ⊙ p ⊙ x^(p − 1) and ∂L/∂p = g ⊙ y ⊙ log x."""

    formula = Formula(
        "pow", "elementwise", "{0} to the {1}", ("{g} {1} {0} to the ({1} − 1)", "{g} {out} log {0}")
    )

    @staticmethod
    def written(x: Any, p: Any) -> Any:
        y = x**p

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            if isinstance(p, Tensor):
                dp = summed_to(g * y * math.log(x) if not isinstance(x, Tensor) else g * y * torch.log(x), p)
                return (summed_to(g * p * x ** (p - 1), x), dp) if isinstance(x, Tensor) else (None, dp)
            return summed_to(g * p * x ** (p - 1), x), None

        return y, backward

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def forward(input: Any, exponent: Any) -> Tensor:
        return torch.pow(input, exponent)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Any], output: Tensor) -> None:
        ctx.numbers = [None if isinstance(x, Tensor) else x for x in inputs]
        x, p = (x if isinstance(x, Tensor) else None for x in inputs)
        of_output = output if ctx.needs_input_grad[1] else None  # step 2: y is needed for ∂L/∂p only
        ctx.save_for_backward(x, p, of_output)
        ctx.save_for_forward(x, p, output)
        ctx.like = [like(x) for x in inputs]
        ctx.shape, ctx.dtype = output.shape, output.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, p, y = Pow.parts(ctx)
        needs_input, needs_exponent = ctx.needs_input_grad
        grad_input = back_to(ctx.like[0], along_base(grad_output, conj(x), conj(p))) if needs_input else None
        by_exponent = grad_output * conj(y * _log(x, p)) if needs_exponent else grad_output
        return grad_input, back_to(ctx.like[1], by_exponent) if needs_exponent else None

    @staticmethod
    def parts(ctx: Any) -> tuple[Tensor, Any, Tensor]:
        """The base x, in the type of the output, p, a tensor or a number, and y."""
        x, p, y = ctx.saved_tensors
        base, exponent = ctx.numbers
        x = x.to(ctx.dtype) if base is None else torch.full((), base, dtype=ctx.dtype, device=p.device)
        return x, (p if exponent is None else exponent), y

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, exponent_tangent: Tensor | None) -> Tensor:
        x, p, y = Pow.parts(ctx)
        through_x = None if input_tangent is None else along_base(input_tangent, x, p)
        through_p = None if exponent_tangent is None else exponent_tangent * y * _log(x, p)
        return pushed(ctx.shape, ctx.dtype, through_x, through_p)


def along_base(g: Tensor, x: Tensor, p: Any) -> Tensor:
    """The power rule g p x^(p − 1), and 0 where p is 0, whatever g is."""
    if isinstance(p, Tensor):
        return (g * (p * x ** (p - 1))).masked_fill_(p == 0, 0)
    return torch.zeros_like(g) if p == 0 else g * (p * x ** (p - 1))


def _log(x: Tensor, p: Tensor) -> Tensor:
    """The slope of p log x in p; 0 where the power is 0 for every p near this one."""
    still = (x == 0) & (p.real >= 0)
    return x.masked_fill(still, 1).log()


_pow = function_of(Pow)


@public(torch.pow, torch.Tensor.pow, torch.Tensor.__pow__, example=example(POSITIVE, (2, 3)))
def pow(input: Any, exponent: Any) -> Tensor:
    """x^p, element by element; as torch.pow, with a hand-written gradient.

    Args:
        input: x, a tensor or a number.
        exponent: p, a tensor or a number.

    Returns:
        y, of the shape that both broadcast to, and of the type that both promote to.

    Raises:
        TypeError: neither is a tensor.
        RuntimeError: shapes that do not broadcast, or an integer to a negative power.
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        return torch.pow(input, exponent)  # which raises
    return _pow(input, exponent)


@twin_of(torch.Tensor.__rpow__)
def _reflected(input: Tensor, other: Any) -> Tensor:
    return pow(other, input)


@public(torch.square, torch.Tensor.square, example=example((5, 3)))
def square(input: Tensor) -> Tensor:
    """x², element by element; as torch.square.

    Args:
        input: x, of any shape (*).

    Raises:
        TypeError: `input` is not a Tensor.
    """
    require_tensor("square", input=input)
    return _pow(input, 2)
