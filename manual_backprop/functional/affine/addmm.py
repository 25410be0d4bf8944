"""A matrix product and what is added to it, both weighted: the linear layer's one pass.

Given   zₙₘ = β xₙₘ + α Σᵢ aₙᵢ bᵢₘ     that is, Z = β X + α A B, with two numbers β and α,
        and the upstream gradient gₙₘ = ∂L/∂zₙₘ.
Want    ∂L/∂X, ∂L/∂A, ∂L/∂B.

1.  Z is a sum, so the upstream gradient goes to both terms, each with the factor it has:

        ∂L/∂xₙₘ = β gₙₘ          ∂L/∂(A B)ₙₘ = α gₙₘ

2.  From there to the factors of the product it is the rule of matmul.py, with α g for g:

        ∂L/∂A = α g Bᵀ          ∂L/∂B = α Aᵀ g

3.  An X that was broadcast, such as a bias (M,) for all the rows, gets the sum over its uses
    (broadcast_to.py):

        ∂L/∂X = β Σ g

`baddbmm` is the same for each matrix of a batch.

The numerical trap: β = 0 means that X is not read, so that NaN in it does no harm; 0 · X would be NaN.

Shapes: mat1 (N, D), mat2 (D, M), output (N, M), with (B, …) before each for `baddbmm`; input any shape that
broadcasts to the output's; gradients as the inputs.

Source: Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", Oxford University Computing Laboratory (2008), the results for addition and multiplication.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import as_number
from manual_backprop.functional.affine.matmul import transposed
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
from manual_backprop.functional.shapes.broadcast_to import unbroadcast


class Addmm(Operation):
    """Z = β X + α A B, with ∂L/∂X = β Σ g, ∂L/∂A = α g Bᵀ and ∂L/∂B = α Aᵀ g; of matrices or batches."""

    formula = Formula(
        "addmm",
        "product",
        "‹{3} ›{0} + ‹{4} ›{1} {2}",
        ("‹{3} ›Σ {g}", "‹{4} ›{g} {2}ᵀ", "‹{4} ›{1}ᵀ {g}"),
        reordered=True,
    )

    @staticmethod
    def written(X: Tensor, A: Tensor, B: Tensor, beta: float, alpha: float) -> Any:
        product = _times(alpha, A @ B)
        z = product if beta == 0 else _times(beta, X) + product  # what it is 0 times of may be NaN

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dX = torch.zeros_like(X) if beta == 0 else summed_to(_times(beta, g), X)
            return dX, _times(alpha, g @ B.mT), _times(alpha, A.mT @ g)

        return z, backward

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float, alpha: float) -> None:
        shapes = input.shape, mat1.shape, mat2.shape
        if mat1.shape[-1] != mat2.shape[-2] or mat1.shape[:-2] != mat2.shape[:-2]:
            raise RuntimeError(f"addmm: mat1 (*, N, D) and mat2 (*, D, M) do not fit, got {_given(*shapes)}")
        due = mat1.shape[:-1] + mat2.shape[-1:]
        if input.shape != due and not broadcasts(input.shape, due):
            raise RuntimeError(
                f"addmm: expected an input that broadcasts to {tuple(due)}, got {_given(*shapes)}"
            )
        if not input.dtype == mat1.dtype == mat2.dtype:
            raise RuntimeError(
                f"addmm: all must be of one type, got {input.dtype}, {mat1.dtype} and {mat2.dtype}"
            )

    @staticmethod
    def forward(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float, alpha: float) -> Tensor:
        both = torch.addmm if mat1.dim() == 2 else torch.baddbmm  # product and sum in one pass
        return both(input, mat1, mat2, beta=beta, alpha=alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, mat1, mat2, ctx.beta, ctx.alpha = inputs
        _, needs_mat1, needs_mat2, *_ = ctx.needs_input_grad
        # Steps 2 and 3: A is only needed for ∂L/∂B, B only for ∂L/∂A, and of X nothing but its shape.
        ctx.save_for_backward(mat1 if needs_mat2 else None, mat2 if needs_mat1 else None)
        ctx.save_for_forward(mat1, mat2)
        ctx.input_shape, ctx.output_shape = input.shape, output.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        mat1, mat2 = ctx.saved_tensors
        beta, alpha = (value.conjugate() for value in (ctx.beta, ctx.alpha))  # changes complex numbers only
        grad_input = grad_mat1 = grad_mat2 = None
        if ctx.needs_input_grad[0]:
            grad_input = _times(beta, unbroadcast(grad_output, ctx.input_shape))
        if mat2 is not None:
            grad_mat1 = _times(alpha, grad_output @ transposed(mat2))
        if mat1 is not None:
            grad_mat2 = _times(alpha, transposed(mat1) @ grad_output)
        return grad_input, grad_mat1, grad_mat2, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        mat1_tangent: Tensor | None,
        mat2_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        mat1, mat2 = ctx.saved_tensors
        terms = []  # the product rule: Ż = β Ẋ + α Ȧ B + α A Ḃ
        if input_tangent is not None:
            terms.append(_times(ctx.beta, input_tangent).expand(ctx.output_shape))
        if mat1_tangent is not None:
            terms.append(_times(ctx.alpha, mat1_tangent @ mat2))
        if mat2_tangent is not None:
            terms.append(_times(ctx.alpha, mat1 @ mat2_tangent))
        return sum(terms[1:], start=terms[0])


def _given(input: torch.Size, mat1: torch.Size, mat2: torch.Size) -> str:
    return f"input {tuple(input)}, mat1 {tuple(mat1)} and mat2 {tuple(mat2)}"


def _times(factor: float, tensor: Tensor) -> Tensor:
    return tensor if factor == 1 else factor * tensor


_addmm = function_of(Addmm)


@public(torch.addmm, torch.Tensor.addmm, example=example((7,), (5, 3), (3, 7), beta=0.5, alpha=2))
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Z = β X + α A B; as torch.addmm, with hand-written gradients.

    Args:
        input: X, of a shape that broadcasts to (N, M).
        mat1: A, (N, D).
        mat2: B, (D, M).
        beta: β, the factor of X; 0 for no X at all.
        alpha: α, the factor of the product.

    Returns:
        Z, (N, M).

    Raises:
        TypeError: an argument is not a Tensor.
        RuntimeError: shapes or types that do not fit each other.
    """
    require_tensor("addmm", input=input, mat1=mat1, mat2=mat2)
    for name, matrix in (("mat1", mat1), ("mat2", mat2)):
        if matrix.dim() != 2:
            raise RuntimeError(f"addmm: {name} must be a matrix, got {tuple(matrix.shape)}")
    return _addmm(input, mat1, mat2, as_number(beta), as_number(alpha))


@public(torch.baddbmm, torch.Tensor.baddbmm, example=example((2, 5, 7), (2, 5, 3), (2, 3, 7)))
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Z = β X + α A B for each matrix of a batch; as torch.baddbmm, with hand-written gradients.

    Args:
        input: X, of a shape that broadcasts to (B, N, M).
        batch1: A, (B, N, D).
        batch2: B, (B, D, M).
        beta: β, the factor of X; 0 for no X at all.
        alpha: α, the factor of the product.

    Returns:
        Z, (B, N, M).

    Raises:
        TypeError: an argument is not a Tensor.
        IndexError: `batch1` or `batch2` has fewer than 3 dimensions.
        RuntimeError: `batch1` or `batch2` has more, or shapes or types do not fit each other.
    """
    require_tensor("baddbmm", input=input, batch1=batch1, batch2=batch2)
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.dim() != 3:
            kind = IndexError if batch.dim() < 3 else RuntimeError
            raise kind(f"baddbmm: {name} must have 3 dimensions, got {tuple(batch.shape)}")
    return _addmm(input, batch1, batch2, as_number(beta), as_number(alpha))
