"""The logarithm of the softmax: scores become log-probabilities.

Given   yₖ = log pₖ,  pₖ = e^zₖ / Σⱼ e^zⱼ      along one dimension, the classes; so yₖ = zₖ − log Σⱼ e^zⱼ,
        and the upstream gradient gₖ = ∂L/∂yₖ.
Want    ∂L/∂z.

1.  Every output depends on every score, through the sum, so the Jacobian is a full matrix:

        ∂yₖ/∂zᵢ = [k = i] − (1 / Σⱼ e^zⱼ) e^zᵢ = [k = i] − pᵢ

2.  The chain rule sums over the outputs k:

        ∂L/∂zᵢ = Σₖ gₖ ([k = i] − pᵢ) = gᵢ − pᵢ Σₖ gₖ

3.  The C × C Jacobian is gone; with p = e^y read off the output, for every row at once:

        ∂L/∂z = g − e^y Σₖ gₖ

The numerical trap: e^z overflows from z = 89 on in float32. Subtracting m = maxⱼ zⱼ changes nothing (it
cancels in pₖ), leaves no exponent above 0, and one term of the sum is e⁰ = 1, so its logarithm is never that
of 0.

Shapes: input, output and gradient (*), all alike; the classes lie along `dim`.

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.106 for ∂pₖ/∂zⱼ; Goodfellow,
Bengio and Courville, "Deep Learning" (2016), section 4.1 for the maximum that is subtracted.
"""

import warnings
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
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


class LogSoftmax(Operation):
    """y = z − log Σⱼ e^zⱼ and ∂L/∂z = g − e^y Σₖ gₖ."""

    formula = Formula("log_softmax", "normalisation", "{0} − log Σ exp {0}", ("{g} − exp({out}) Σ {g}",))

    @staticmethod
    def written(z: Tensor, dim: int, dtype: Any) -> Any:
        logp = torch.log_softmax(z, dim)
        return logp, lambda g: g - torch.exp(logp) * g.sum(dim, keepdim=True)

    @staticmethod
    def elementary(z: Tensor, dim: int, dtype: Any) -> Tensor:
        """z − log Σⱼ exp zⱼ, the largest z taken off first."""
        c = z - z.detach().amax(dim, keepdim=True)
        return c - c.exp().sum(dim, keepdim=True).log()

    has_several_passes = True

    @classmethod
    def row_dims(cls, input: Tensor, dim: int, *_: Any) -> int:
        return -from_the_end(dim, input)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def check(input: Tensor, dim: int, dtype: torch.dtype | None) -> None:
        check_softmax("log_softmax", input, dim, dtype)

    @staticmethod
    def forward(input: Tensor, dim: int, dtype: torch.dtype | None) -> Tensor:
        return torch.log_softmax(input, dim, dtype)  # `elementary`, in one kernel

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int, torch.dtype | None], output: Tensor) -> None:
        keep(ctx, output)  # step 3: p = e^y, so the scores are not needed again
        ctx.dim, ctx.input_dtype = from_the_end(inputs[1], inputs[0]), inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (y,) = ctx.saved_tensors
        g, y = widen(grad_output), widen(y)
        p = y.exp()
        out = p if may_overwrite_own(grad_output) else None
        grad_input = torch.addcmul(g, p, g.sum(ctx.dim, keepdim=True), value=-1, out=out)  # g − p Σₖ gₖ
        return narrow(grad_input, ctx.input_dtype), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (y,) = ctx.saved_tensors
        return narrow(log_softmax_tangent(widen(y).exp(), widen(input_tangent), ctx.dim), y.dtype)


def check_softmax(operation: str, input: Tensor, dim: int, dtype: torch.dtype | None) -> None:
    """Raise if the type has no exponential, or if there is no such dimension."""
    dtype = input.dtype if dtype is None else dtype
    if not dtype.is_floating_point:
        raise NotImplementedError(f"{operation}: expected a floating-point type, got {dtype}")
    dimensions = max(input.dim(), 1)
    if not -dimensions <= dim < dimensions:
        raise IndexError(
            f"{operation}: dim must be from {-dimensions} to {dimensions - 1} for input "
            f"{tuple(input.shape)}, got {dim}"
        )


def dim_or_default(operation: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """`dim`, or the one that PyTorch takes where it is left out, with a warning."""
    if dim is None:
        dim = 0 if input.dim() in (0, 1, 3) else 1
        if not torch.compiler.is_compiling():  # a warning is not traced
            warnings.warn(f"{operation}: leaving out dim is deprecated, use dim={dim}", stacklevel=stacklevel)
    return integer(operation, "dim", dim)


def from_the_end(dim: int, input: Tensor) -> int:
    """`dim` counted from the last one, −1: so it is the same in each row of (*, …)."""
    return dim if dim < 0 else dim - max(input.dim(), 1)


def log_softmax_tangent(p: Tensor, tangent: Tensor, dim: int) -> Tensor:
    """The Jacobian of step 1 pushed forward: ẏₖ = żₖ − Σᵢ pᵢ żᵢ."""
    return tangent - (p * tangent).sum(dim, keepdim=True)


_log_softmax = function_of(LogSoftmax)


@public(T.log_softmax, example=example((5, 3), dim=1))
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: torch.dtype | None = None
) -> Tensor:
    """Log softmax(z) along `dim`; as torch.nn.functional.log_softmax, with a hand-written gradient.

    Args:
        input: z, of any shape (*).
        dim: the dimension along which the probabilities sum to 1. Leaving it out is deprecated.
        _stacklevel: how far up the warning for a missing `dim` points.
        dtype: cast the input to this type first.

    Returns:
        log-probabilities, of the same shape (*).

    Raises:
        TypeError: `input` is not a Tensor, or `dim` no integer.
        IndexError: `input` has no dimension `dim`.
        NotImplementedError: not a floating-point type.
    """
    require_tensor("log_softmax", input=input)
    return _log_softmax(input, dim_or_default("log_softmax", input, dim, _stacklevel), dtype)


@twin_of(torch.log_softmax, torch.Tensor.log_softmax)
def _log_softmax_method(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    return log_softmax(input, dim, dtype=dtype)
