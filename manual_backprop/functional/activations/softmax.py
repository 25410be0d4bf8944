"""The softmax: scores become probabilities, which are positive and sum to 1.

Given   pₖ = e^zₖ / Σⱼ e^zⱼ along one dimension, and the upstream gradient gₖ = ∂L/∂pₖ.
Want    ∂L/∂z.

1.  zᵢ is in every pₖ, through the sum. By the quotient rule, [k = i] being 1 for k = i and 0 otherwise:

        ∂pₖ/∂zᵢ = pₖ ([k = i] − pᵢ)

2.  The chain rule sums over all k:

        ∂L/∂zᵢ = Σₖ gₖ pₖ ([k = i] − pᵢ) = pᵢ gᵢ − pᵢ Σₖ gₖ pₖ

3.  So the Jacobian, C × C numbers for each example, never has to be formed:

        ∂L/∂z = p ⊙ g − p Σₖ gₖ pₖ = p ⊙ (g − Σₖ gₖ pₖ)

Adding the same number to every g changes nothing: probabilities that sum to 1 cannot all rise. With an
upstream gradient of ones the result is 0, and a test that uses one proves nothing.

The numerical trap: e^zₖ is infinite for scores above 88 in float32. `torch.softmax` subtracts the largest
score from all of them first; that cancels in the quotient.

Shapes: input, output and gradient (*), all alike.

Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990).
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.log_softmax import (
    LogSoftmax,
    check_softmax,
    dim_or_default,
    from_the_end,
)
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
from manual_backprop.functional.operation.torch_state import may_overwrite_own


class Softmax(Operation):
    """pₖ = e^zₖ / Σⱼ e^zⱼ and ∂L/∂z = p ⊙ (g − Σ g p)."""

    formula = Formula("softmax", "normalisation", "exp {0} / Σ exp {0}", ("{out} ⊙ ({g} − Σ {g} ⊙ {out})",))

    @staticmethod
    def written(z: Tensor, dim: int, dtype: Any) -> Any:
        p = torch.softmax(z, dim)
        return p, lambda g: p * (g - (g * p).sum(dim, keepdim=True))

    @staticmethod
    def elementary(z: Tensor, dim: int, dtype: Any) -> Tensor:
        """exp zₖ / Σⱼ exp zⱼ, the largest z taken off first."""
        e = (z - z.detach().amax(dim, keepdim=True)).exp()
        return e / e.sum(dim, keepdim=True)

    has_several_passes = True

    @classmethod
    def row_dims(cls, input: Tensor, dim: int, *_: Any) -> int:
        return LogSoftmax.row_dims(input, dim)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return LogSoftmax.autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, dim: int, dtype: torch.dtype | None) -> None:
        check_softmax("softmax", input, dim, dtype)

    @staticmethod
    def forward(input: Tensor, dim: int, dtype: torch.dtype | None) -> Tensor:
        return torch.softmax(input, dim, dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, torch.dtype | None], output: Tensor) -> None:
        keep(ctx, output)  # step 3: the probabilities say all that is needed
        ctx.dim, ctx.input_dtype = from_the_end(inputs[1], inputs[0]), inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (p,) = ctx.saved_tensors
        in_place = may_overwrite_own(grad_output)
        grad_input = times_jacobian(widen(p), widen(grad_output), ctx.dim, in_place)
        return narrow(grad_input, ctx.input_dtype), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (p,) = ctx.saved_tensors
        return narrow(times_jacobian(widen(p), widen(input_tangent), ctx.dim), p.dtype)


def times_jacobian(p: Tensor, g: Tensor, dim: int, in_place: bool = False) -> Tensor:
    """Step 3, for a gradient or a tangent g: the Jacobian is symmetric. With `in_place`, p ⊙ g becomes it."""
    pg = p * g
    out = pg if in_place else None
    return torch.addcmul(pg, p, pg.sum(dim, keepdim=True), value=-1, out=out)


_softmax = function_of(Softmax)


@public(T.softmax, example=example((5, 3), dim=1))
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None
) -> Tensor:
    """Probabilities e^zₖ / Σ e^zⱼ along `dim`; as torch.nn.functional.softmax, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        dim: the dimension along which the probabilities sum to 1. Leaving it out is deprecated.
        _stacklevel: how far up the warning for a missing `dim` points.
        dtype: cast the input to this type first.

    Returns:
        p, of the same shape (*).

    Raises:
        TypeError: `input` is not a Tensor, or `dim` no integer.
        IndexError: `input` has no dimension `dim`.
        NotImplementedError: not a floating-point type.
    """
    require_tensor("softmax", input=input)
    return _softmax(input, dim_or_default("softmax", input, dim, _stacklevel), dtype)


@twin_of(torch.softmax, torch.Tensor.softmax, torch.special.softmax)
def _softmax_method(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    return softmax(input, dim, dtype=dtype)
