"""The exponential linear unit: it lets what is positive through and bends the rest towards −α.

Given   a = z where z > 0, and α (e^z − 1) elsewhere, elementwise, and the upstream gradient ∂L/∂a.
Want    ∂L/∂z.

1.  Each output depends on one input only (i runs over all elements):

        ∂L/∂zᵢ = ∂L/∂aᵢ · daᵢ/dzᵢ

2.  The exponential is its own derivative:

        da/dz = 1 if z > 0, else α e^z

    With α = 1 both are 1 at zero. With another α there is a corner; PyTorch takes α there.

3.  In one line for the whole tensor:

        ∂L/∂z = ∂L/∂a where z > 0, else ∂L/∂a ⊙ α e^z

    For a CPU, which mispredicts such a choice where signs are random, it is a product (_corners.py):

        ∂L/∂z = ∂L/∂a ⊙ e^{min(z, 0)} ⊙ (1 where z > 0, else α)

4.  In place, a is all that is left. If α is not negative, a > 0 exactly where z > 0, and the slope is there
    too:

        α e^z = α (e^z − 1) + α = a + α

    so that it is min(a, 0) + (1 where a > 0, else α).

Why it is used: the outputs are negative too, so their mean is closer to 0 than that of ReLU.

The numerical trap: e^z − 1 cancels for z close to 0, and `expm1`, which PyTorch's elu uses, does not; a + α
cancels far to the left, so it serves only where z is gone. And e^z is infinite for large z, where 0 · ∞ would
be NaN, in the gradient or in its own; so its z stops at 0.

Shapes: input, output and gradient (*), all alike.

Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear
units (ELUs)", ICLR 2016.
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


class ELU(Operation):
    """a = z where z > 0, else α (e^z − 1); ∂L/∂z = ∂L/∂a where z > 0, else α e^z ∂L/∂a."""

    formula = Formula(
        "elu",
        "activation",
        "{0} where {0} > 0, else ‹{1} ›(exp {0} − 1)",
        ("{g} where {0} > 0, else ‹{1} ›{g} exp {0}",),
    )

    @staticmethod
    def written(z: Tensor, alpha: float) -> Any:
        e = torch.exp(z)
        a = torch.where(z > 0, z, alpha * (e - 1))
        return a, lambda da: torch.where(z > 0, da, da * alpha * e)

    @staticmethod
    def elementary(z: Tensor, alpha: float) -> Tensor:
        """Z where it is positive, else α (exp z − 1)."""
        return torch.where(z > 0, z, alpha * (torch.exp(z) - 1))

    @staticmethod
    def check(input: Tensor, alpha: float) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(f"elu: expected a floating-point type, got {input.dtype}")
        if isinstance(alpha, complex):
            raise RuntimeError(f"elu: alpha must be a real number, got {alpha}")

    @staticmethod
    def forward(input: Tensor, alpha: float) -> Tensor:
        return T.elu(input, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        input, ctx.alpha = inputs
        keep(ctx, input)  # e^z has all its digits, which a + α has not

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (z,) = ctx.saved_tensors
        return narrow(sloped(widen(grad_output), widen(z), ctx.alpha), z.dtype), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (z,) = ctx.saved_tensors
        return narrow(sloped(widen(input_tangent), widen(z), ctx.alpha), z.dtype)


def sloped(g: Tensor, z: Tensor, alpha: float) -> Tensor:
    """Step 3: a gradient, or a tangent, times the slope at z."""
    slope = z.clamp(max=0).exp()
    return g * (slope if alpha == 1 else slope * step(z, alpha))


class ELUInPlace(ELU):
    """The same for α ≥ 0, its backward from a alone: step 4."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        _, ctx.alpha = inputs
        keep(ctx, output)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (a,) = ctx.saved_tensors
        return narrow(sloped_by_output(widen(grad_output), widen(a), ctx.alpha), a.dtype), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (a,) = ctx.saved_tensors
        return narrow(sloped_by_output(widen(input_tangent), widen(a), ctx.alpha), a.dtype)


def sloped_by_output(g: Tensor, a: Tensor, alpha: float) -> Tensor:
    """The same, the slope read off the output: step 4."""
    return g * (a.clamp(max=0) + (1 if alpha == 1 else step(a, alpha)))


_elu = function_of(ELU)
_elu_in_place = overwriting(ELUInPlace)


@public(T.elu, example=example((5, 3)))
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit, elementwise; as torch.nn.functional.elu, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        alpha: α; −α is the limit to the left.
        inplace: write the result over `input`, which saves its memory.

    Returns:
        a, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor.
        NotImplementedError: `input` is not floating-point.
        RuntimeError: `inplace=True` for a leaf tensor that requires a gradient, or where a gradient is
            required and `alpha` is negative.
    """
    require_tensor("elu", input=input)
    if inplace:
        if alpha < 0 and input.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(
                f"elu: with alpha={alpha}, an output does not tell the sign of its input; use inplace=False"
            )
        return _elu_in_place(input, alpha)
    return _elu(input, alpha)


@twin_of(T.elu_)
def _elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    return elu(input, alpha, inplace=True)
