"""The matrix product: every number of the result is a row of the one times a column of the other.

Given   zₙₘ = Σᵢ aₙᵢ bᵢₘ     that is, Z = A B, with the shapes (N, M) = (N, D) (D, M),
        and the upstream gradient gₙₘ = ∂L/∂zₙₘ.
Want    ∂L/∂A, ∂L/∂B.

1.  aₙᵢ is used by the M results of its row, each time with the slope bᵢₘ; bᵢₘ by the N results of its
    column, each time with the slope aₙᵢ. The chain rule sums over the uses:

        ∂L/∂aₙᵢ = Σₘ gₙₘ · ∂zₙₘ/∂aₙᵢ = Σₘ gₙₘ bᵢₘ
        ∂L/∂bᵢₘ = Σₙ gₙₘ · ∂zₙₘ/∂bᵢₘ = Σₙ aₙᵢ gₙₘ

2.  A matrix product sums over the index between its factors. The first sum runs over m, the column of B, so
    B is transposed; the second over n, the row of A, so that A, too, is transposed:

        ∂L/∂A = g Bᵀ          ∂L/∂B = Aᵀ g

3.  All other shapes are this one. A vector on the left is a matrix of one row, a vector on the right one of
    one column, and the result is without that dimension again. With g read as (N, 1), (1, M) or (1, 1):

        matrix · vector     ∂L/∂A = g bᵀ, every product of a gradient with a number of b;  ∂L/∂b = Aᵀ g
        vector · vector     ∂L/∂a = g b,   ∂L/∂b = g a,   g being one number

4.  Leading dimensions are a batch: each matrix of it is multiplied for itself. A batch that is broadcast
    uses the same matrix several times, and its gradient is the sum over these uses (broadcast_to.py). For one
    B and many A, as in a layer with a weight, that sum and the sum over n are one sum: all rows of the batch
    are stacked.

        ∂L/∂B = Σₖ Aₖᵀ gₖ = [A₁; A₂; …]ᵀ [g₁; g₂; …]

The trap of bookkeeping: with square matrices all four of g B, g Bᵀ, A g and Aᵀ g fit. Only the indices tell
right from wrong.

Shapes: input (*, N, D) or (D,), other (*, D, M) or (D,), output (*, N, M), without N where the input is a
vector and without M where the other is; gradients as the inputs.

Source: Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", Oxford University Computing Laboratory (2008), the result for multiplication.
"""

from math import prod
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    public,
    require_tensor,
    twin_of,
)
from manual_backprop.functional.operation.written import summed_to
from manual_backprop.functional.shapes.broadcast_to import unbroadcast


class Matmul(Operation):
    """Z = A B, with ∂L/∂A = g Bᵀ and ∂L/∂B = Aᵀ g."""

    formula = Formula("matmul", "product", "{0} {1}", ("{g} {1}ᵀ", "{0}ᵀ {g}"))

    @staticmethod
    def written(a: Tensor, b: Tensor) -> Any:
        z = a @ b

        def backward(dz: Tensor) -> tuple[Tensor | None, ...]:
            if a.dim() == 1 and b.dim() == 1:
                return dz * b, dz * a
            if a.dim() == 1 and b.dim() == 2:
                return b @ dz, torch.outer(a, dz)
            if a.dim() == 1:
                return summed_to((dz[..., None, :] * b).sum(-1), a), a[:, None] * dz[..., None, :]
            if a.dim() == 2 and b.dim() == 1:
                return torch.outer(dz, b), a.T @ dz
            if b.dim() == 1:
                return dz[..., None] * b, summed_to(dz[..., None] * a, b)
            if a.dim() > 2 and b.dim() == 2:
                return dz @ b.T, a.flatten(0, -2).T @ dz.flatten(0, -2)
            return summed_to(dz @ b.mT, a), summed_to(a.mT @ dz, b)

        return z, backward

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, other: Tensor) -> None:
        if not input.dim() or not other.dim():
            raise RuntimeError(f"matmul: expected at least one dimension each, {_got(input, other)}")
        if input.shape[-1] != other.shape[-2 if other.dim() > 1 else 0]:
            raise RuntimeError(
                f"matmul: input (*, N, D) and other (*, D, M) must have the same D, {_got(input, other)}"
            )
        batches = input.shape[:-2], other.shape[:-2]
        if batches[0] != batches[1] and any(
            1 != n != m != 1 for n, m in zip(*map(reversed, batches), strict=False)
        ):
            raise RuntimeError(
                f"matmul: the dimensions before the last two must broadcast, {_got(input, other)}"
            )
        if input.dtype != other.dtype:
            raise RuntimeError(
                f"matmul: input and other must be of one type, got {input.dtype} and {other.dtype}"
            )

    @staticmethod
    def forward(input: Tensor, other: Tensor) -> Tensor:
        return torch.matmul(input, other)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        input, other = inputs
        needs_input, needs_other = ctx.needs_input_grad
        # Step 2: A is only needed for ∂L/∂B, B only for ∂L/∂A, and else their shapes.
        ctx.save_for_backward(input if needs_other else None, other if needs_input else None)
        ctx.save_for_forward(input, other)
        ctx.input_shape, ctx.other_shape = input.shape, other.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        input, other = ctx.saved_tensors
        batch = ctx.input_shape[:-2]
        if len(ctx.input_shape) > 1 < len(ctx.other_shape) and batch == ctx.other_shape[:-2]:  # step 2
            grad_input = None if other is None else grad_output @ transposed(other)
            grad_other = None if input is None else transposed(input) @ grad_output
            return grad_input, grad_other
        row, column = len(ctx.input_shape) == 1, len(ctx.other_shape) == 1  # step 3
        g = grad_output.unsqueeze(-1) if column else grad_output
        g = g.unsqueeze(-2) if row else g

        grad_input = grad_other = None
        if other is not None:
            b = other.unsqueeze(-1) if column else other
            grad_input = unbroadcast(g @ transposed(b), (1, *ctx.input_shape) if row else ctx.input_shape)
            grad_input = grad_input.reshape(ctx.input_shape)
        if input is not None:
            a = input.unsqueeze(-2) if row else input
            grad_other = product_with_rows(a, g, (*ctx.other_shape, 1) if column else ctx.other_shape)
            grad_other = grad_other.reshape(ctx.other_shape)
        return grad_input, grad_other

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor | None, other_tangent: Tensor | None) -> Tensor:
        input, other = ctx.saved_tensors
        terms = []  # the product rule: Ż = Ȧ B + A Ḃ
        if input_tangent is not None:
            terms.append(torch.matmul(input_tangent, other))
        if other_tangent is not None:
            terms.append(torch.matmul(input, other_tangent))
        return sum(terms[1:], start=terms[0])


def _got(input: Tensor, other: Tensor) -> str:
    return f"got input {tuple(input.shape)} and other {tuple(other.shape)}"


def transposed(matrices: Tensor) -> Tensor:
    """Bᵀ, of each matrix of a batch.

    On complex numbers PyTorch's gradient is the conjugate of the slope; on real ones conj() is the identity.
    """
    return matrices.transpose(-2, -1).conj()


def product_with_rows(a: Tensor, g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Aᵀ g, summed over the batch where `shape`, that of B, has none: step 4."""
    if len(shape) == 2:
        return transposed(_stacked(a)) @ _stacked(g)
    return unbroadcast(transposed(a) @ g, shape)


def _stacked(matrices: Tensor) -> Tensor:
    """(*, N, D) → (· N, D). The rows are counted because −1 says nothing when there are no elements."""
    *batch, columns = matrices.shape
    return matrices.reshape(prod(batch), columns)


class MatrixVector(Matmul):
    """The same as `mv`, which autocast leaves alone on CPU."""

    formula = Formula("matrix_vector", "product", "{0} {1}", ("{g} {1}ᵀ", "{0}ᵀ {g}"))

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.get_autocast_dtype(device_type)

    @staticmethod
    def forward(input: Tensor, other: Tensor) -> Tensor:
        return torch.mv(input, other)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        A, b = ctx.saved_tensors
        grad_A = None if b is None else torch.outer(grad_output, b.conj())
        grad_b = None if A is None else torch.mv(transposed(A), grad_output)
        return grad_A, grad_b


class Dot(Matmul):
    """The same as `dot`, which autocast leaves alone."""

    formula = Formula("dot", "product", "Σ {0} ⊙ {1}", ("{g} {1}", "{g} {0}"))

    @staticmethod
    def autocast_dtype(device_type: str) -> None:
        return None

    @staticmethod
    def forward(input: Tensor, other: Tensor) -> Tensor:
        return torch.dot(input, other)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        grad_a = None if b is None else grad_output * b.conj()
        grad_b = None if a is None else grad_output * a.conj()
        return grad_a, grad_b


_matmul, _matrix_vector, _dot = map(function_of, (Matmul, MatrixVector, Dot))


@public(
    torch.matmul,
    torch.linalg.matmul,
    torch.Tensor.matmul,
    torch.Tensor.__matmul__,
    example=example((2, 5, 3), (3, 7)),
)
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Z = A B; as torch.matmul, with hand-written gradients.

    Args:
        input: A, (*, N, D), or a vector (D,).
        other: B, (*, D, M), or a vector (D,). The leading dimensions of both are broadcast.

    Returns:
        Z, (*, N, M), without N or M where the input or the other is a vector.

    Raises:
        TypeError: an argument is not a Tensor.
        RuntimeError: shapes or types that do not fit each other.
    """
    require_tensor("matmul", input=input, other=other)
    return _matmul(input, other)


@twin_of(torch.Tensor.__rmatmul__)
def _reflected(input: Tensor, other: Tensor) -> Tensor:
    return matmul(other, input)


def _require_dimensions(operation: str, **arguments: tuple[Tensor, int]) -> None:
    for name, (tensor, due) in arguments.items():
        require_tensor(operation, **{name: tensor})
        if tensor.dim() != due:
            raise RuntimeError(
                f"{operation}: {name} must have {due} dimension{'s' * (due > 1)}, got {tuple(tensor.shape)}"
            )


@public(torch.mm, torch.Tensor.mm, example=example((5, 3), (3, 7)))
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, (N, D) and (D, M); as torch.mm."""
    _require_dimensions("mm", input=(input, 2), mat2=(mat2, 2))
    return _matmul(input, mat2)


@public(torch.bmm, torch.Tensor.bmm, example=example((2, 5, 3), (2, 3, 7)))
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (B, N, D) and (B, D, M), one by one; as torch.bmm."""
    _require_dimensions("bmm", input=(input, 3), mat2=(mat2, 3))
    if len(input) != len(mat2):
        raise RuntimeError(
            f"bmm: expected as many matrices in both, got {tuple(input.shape)} and {tuple(mat2.shape)}"
        )
    return _matmul(input, mat2)


@public(torch.mv, torch.Tensor.mv, example=example((5, 3), (3,)))
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (N, D) and a vector (D,); as torch.mv."""
    _require_dimensions("mv", input=(input, 2), vec=(vec, 1))
    return _matrix_vector(input, vec)


@public(torch.dot, torch.Tensor.dot, example=example((5,), (5,)))
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The product of two vectors (D,), one number; as torch.dot."""
    _require_dimensions("dot", input=(input, 1), tensor=(tensor, 1))
    return _dot(input, tensor)
