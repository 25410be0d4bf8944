"""The linear layer: every output is a weighted sum of all inputs, plus a bias.

Given   zₙⱼ = Σᵢ xₙᵢ Wⱼᵢ + bⱼ     that is, z = x Wᵀ + b, row n being example n,
        and the upstream gradient δₙⱼ = ∂L/∂zₙⱼ.
Want    ∂L/∂x, ∂L/∂W, ∂L/∂b.

1.  The chain rule sums over everything through which a variable reaches L. Here that is z:

        ∂L/∂xₙᵢ = Σⱼ δₙⱼ · ∂zₙⱼ/∂xₙᵢ = Σⱼ δₙⱼ Wⱼᵢ           xₙᵢ feeds all M outputs of its own example
        ∂L/∂Wⱼᵢ = Σₙ δₙⱼ · ∂zₙⱼ/∂Wⱼᵢ = Σₙ δₙⱼ xₙᵢ           Wⱼᵢ feeds output j of all N examples
        ∂L/∂bⱼ  = Σₙ δₙⱼ · ∂zₙⱼ/∂bⱼ  = Σₙ δₙⱼ               bⱼ too, with slope 1

2.  Read as matrix products, in which the *inner* index is summed:

        Σⱼ δₙⱼ Wⱼᵢ      j is the column of δ and the row of W:      ∂L/∂x = δ W
        Σₙ δₙⱼ xₙᵢ      n is the row of δ, so δ is transposed:      ∂L/∂W = δᵀ x
        Σₙ δₙⱼ          a sum down each column:                     ∂L/∂b = Σₙ δₙ

Why the transpose stands where it stands: a product sums over the index between its factors, so the index that
the chain rule sums over has to come to stand there. The forward pass sums over i, the column of both x and
W, so W is transposed: x Wᵀ. The way back to x sums over j, which is W's row already: no transpose. The way
back to W sums over the examples n, the row of both: δᵀ x, which has the shape (M, D) of W. Shapes alone
do not settle it: with N = M = D they all fit, and only the indices tell right from wrong.

Leading dimensions (*, D) are more examples: they are flattened into n, so the sums over n run over them all.

The numerical trap is none of arithmetic but of bookkeeping: a bias gradient that is not summed has the wrong
shape, and PyTorch's engine sums it silently. What is returned here has the shape of its input exactly.

Shapes: input (*, D), weight (M, D) or (D,), bias (M,) or (), output (*, M) or (*).

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.5.4, algorithm 6.4.
"""

from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    broadcasts,
    example,
    function_of,
    public,
    require_tensor,
)
from manual_backprop.functional.operation.written import summed_to


class Linear(Operation):
    """z = x Wᵀ + b, with ∂L/∂x = δ W, ∂L/∂W = δᵀ x and ∂L/∂b = Σₙ δₙ."""

    formula = Formula("linear", "layer", "{0} {1}ᵀ‹ + {2}›", ("{g} {1}", "{g}ᵀ {0}", "Σₙ {g}"))

    @staticmethod
    def written(x: Tensor, W: Tensor, b: Tensor | None) -> Any:
        z = x @ W.T if W.dim() == 2 else x @ W
        z = z if b is None else z + b

        def backward(dz: Tensor) -> tuple[Tensor | None, ...]:
            db = None if b is None else summed_to(dz, b)
            if W.dim() == 1:
                return dz[..., None] * W, summed_to(dz[..., None] * x, W), db
            if x.dim() > 2:
                return dz @ W, dz.flatten(0, -2).T @ x.flatten(0, -2), db
            dW = torch.outer(dz, x) if x.dim() == 1 else dz.T @ x
            return dz @ W, dW, db

        return z, backward

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        if not fit(input, weight, bias):
            check_linear("linear", input, weight, bias)

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if bias is not None and input.dim() == 2 and weight.dim() == 2:
            return torch.addmm(bias, input, weight.t())  # product and sum in one pass
        z = input @ weight.t()
        return z if bias is None else z + bias

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        Linear.keep_with(ctx, inputs)

    @staticmethod
    def keep_with(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], *more: Tensor) -> None:
        """Keep what the backward below needs, and what an operation built on it needs besides."""
        input, weight, bias = inputs
        needs_input, needs_weight, _ = ctx.needs_input_grad
        # Step 1: x is only needed for ∂L/∂W, W only for ∂L/∂x, and of b nothing but its shape.
        ctx.save_for_backward(input if needs_weight else None, weight if needs_input else None, *more)
        ctx.save_for_forward(input, weight, *more)
        ctx.weight_shape, ctx.bias_shape = weight.shape, None if bias is None else bias.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        return linear_backward(ctx, grad_output)

    @staticmethod
    def jvp(
        ctx: Any, input_tangent: Tensor | None, weight_tangent: Tensor | None, bias_tangent: Tensor | None
    ) -> Tensor:
        input, weight, *_ = ctx.saved_tensors
        shape = _output_shape(input, weight)
        terms = []  # the product rule: ż = ẋ Wᵀ + x Ẇᵀ + ḃ
        if input_tangent is not None:
            terms.append((_rows(input_tangent) @ _rows(weight).T).reshape(shape))
        if weight_tangent is not None:
            terms.append((_rows(input) @ _rows(weight_tangent).T).reshape(shape))
        if bias_tangent is not None:
            terms.append(bias_tangent.expand(shape))
        return sum(terms[1:], start=terms[0])


def linear_backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """∂L/∂x = δ W, ∂L/∂W = δᵀ x, ∂L/∂b = Σₙ δₙ; a function by itself, which torch.compile can follow."""
    input, weight, *_ = ctx.saved_tensors
    needs_input, needs_weight, needs_bias = ctx.needs_input_grad
    one_output = len(ctx.weight_shape) == 1
    delta = grad_output.unsqueeze(-1) if one_output else grad_output  # δ, (*, M)

    # On complex numbers autograd's gradient is the conjugate; on real ones conj() is the identity.
    grad_input = delta @ _rows(weight).conj() if needs_input else None
    grad_weight = _rows(delta).t() @ _rows(input).conj() if needs_weight else None
    if grad_weight is not None and one_output:
        grad_weight = grad_weight[0]
    grad_bias = _summed(grad_output, ctx.bias_shape) if needs_bias else None
    return grad_input, grad_weight, grad_bias


def fit(input: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether x (*, D), W (M, D) and b (M,) are what they mostly are, so that nothing is left to check."""
    if not (isinstance(input, Tensor) and isinstance(weight, Tensor) and weight.dim() == 2 and input.dim()):
        return False
    outputs, features = weight.shape
    if input.shape[-1] != features or input.dtype != weight.dtype:
        return False
    if bias is None:
        return True
    return isinstance(bias, Tensor) and bias.shape == (outputs,) and bias.dtype == weight.dtype


def check_linear(operation: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise if x, W and b are no tensors, or do not fit each other."""
    require_tensor(operation, input=input, weight=weight)
    if bias is not None:
        require_tensor(operation, bias=bias)
    if input.dim() < 1 or weight.dim() not in (1, 2):
        raise RuntimeError(
            f"{operation}: expected input (*, D) and weight (M, D) or (D,), got {_given(input, weight)}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"{operation}: input and weight must have the same last size D, got {_given(input, weight)}"
        )
    for name, tensor in (("input", input), ("bias", bias)):
        if tensor is not None and tensor.dtype != weight.dtype:
            raise RuntimeError(f"{operation}: {name} is {tensor.dtype}, but weight is {weight.dtype}")
    if bias is not None and not broadcasts(bias.shape, _output_shape(input, weight)):
        raise RuntimeError(
            f"{operation}: expected bias {tuple(weight.shape[:-1])} or (), got {tuple(bias.shape)} "
            f"with {_given(input, weight)}"
        )


def check_activated(operation: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Raise too if they have no floating-point type, as an activation needs."""
    require_tensor(operation, input=input)
    if not input.is_floating_point():
        raise NotImplementedError(f"{operation}: expected floating-point numbers, got {input.dtype}")
    check_linear(operation, input, weight, bias)


def _given(input: Tensor, weight: Tensor) -> str:
    return f"input {tuple(input.shape)} and weight {tuple(weight.shape)}"


def _output_shape(input: Tensor, weight: Tensor) -> torch.Size:
    """(*, D) and (M, D) give (*, M); with a weight (D,) there is no M."""
    return input.shape[:-1] + weight.shape[:-1]


def _rows(tensor: Tensor) -> Tensor:
    """(*, D) → (N, D). The N is written out because -1 says nothing when there are no elements."""
    return tensor if tensor.dim() == 2 else tensor.reshape(prod(tensor.shape[:-1]), tensor.shape[-1])


def _summed(delta: Tensor, shape: torch.Size) -> Tensor:
    """Σₙ δₙ, and over j too where the bias is a single number."""
    return delta.sum(0) if delta.shape[1:] == shape else delta.sum_to_size(shape)


_linear = function_of(Linear)


@public(T.linear, example=example((5, 3), (7, 3), (7,)))
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """z = x Wᵀ + b; as torch.nn.functional.linear, with hand-written gradients.

    Args:
        input: x, (*, D): any number of leading dimensions, none included.
        weight: W, (M, D), or (D,) for a single output without a dimension of its own.
        bias: b, (M,) or (), or None for none.

    Returns:
        z, (*, M), or (*) for a weight (D,).

    Raises:
        TypeError: an argument is not a Tensor.
        RuntimeError: shapes or dtypes that do not fit each other.
    """
    return _linear(input, weight, bias)
