"""NumPy's products and linear algebra."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.joining import alike
from manual_backprop.derive.arrays.reductions import over
from manual_backprop.derive.arrays.tensors import Untraceable


def dot(a: Any, b: Any, out: None = None) -> Any:
    """np.dot."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or not a.dim() or not b.dim():
        return a * b
    a, b = alike((a, b))
    if b.dim() <= 2:
        return a @ b
    return torch.tensordot(a, b, dims=([-1], [-2]))


def vdot(a: Tensor, b: Tensor) -> Tensor:
    """np.vdot."""
    return dot(a.reshape(-1), b.reshape(-1))


def inner(a: Tensor, b: Tensor) -> Any:
    """np.inner."""
    return torch.inner(*alike((a, b)))


def outer(a: Tensor, b: Tensor, out: None = None) -> Tensor:
    """np.outer."""
    return torch.outer(*(t.reshape(-1) if t.dim() != 1 else t for t in alike((a, b))))


def einsum(subscripts: Any, *operands: Any, out: None = None, optimize: Any = False, **more: Any) -> Tensor:
    """np.einsum."""
    if not isinstance(subscripts, str):
        return torch.einsum(subscripts, *operands)
    return torch.einsum(subscripts, *alike(operands))


def tensordot(a: Tensor, b: Tensor, axes: Any = 2) -> Tensor:
    """np.tensordot."""
    if not isinstance(axes, int):
        axes = [[d] if isinstance(d, int) else [*d] for d in axes]
    a, b = alike((a, b))
    return torch.tensordot(a, b, dims=axes)


def cross(
    a: Tensor, b: Tensor, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Tensor:
    """np.cross."""
    if axis is None and (axisa, axisb, axisc) != (-1, -1, -1):
        raise Untraceable("np.cross with axisa=, axisb= or axisc=")
    return torch.linalg.cross(a, b, dim=-1 if axis is None else axis)


def norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """np.linalg.norm."""
    dims = over(x, axis, keepdims)
    if ord is None or (ord == "fro" and axis is None):
        return torch.linalg.norm(x, **dims) if dims else torch.linalg.norm(x)
    matrix = x.dim() == 2 if axis is None else isinstance(axis, tuple | list) and len(axis) == 2
    if matrix:
        return torch.linalg.matrix_norm(x, ord, **dims)
    return torch.linalg.vector_norm(x, ord, **dims)


def multi_dot(arrays: Any, *, out: None = None) -> Tensor:
    """np.linalg.multi_dot."""
    return torch.linalg.multi_dot([*arrays])


def solve(a: Tensor, b: Tensor) -> Tensor:
    """np.linalg.solve."""
    if 1 < b.dim() < a.dim():  # NumPy takes it for a matrix, torch for several vectors
        b = b.expand(*a.shape[:-2], *b.shape[-2:])
    return torch.linalg.solve(*alike((a, b)))


def qr(a: Tensor, mode: str = "reduced") -> Any:
    """np.linalg.qr."""
    if mode not in ("reduced", "complete"):
        raise Untraceable(f"np.linalg.qr with mode={mode!r}")
    return QRResult(*torch.linalg.qr(a, mode))


def svd(a: Tensor, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """np.linalg.svd."""
    return SVDResult(*torch.linalg.svd(a, full_matrices)) if compute_uv else torch.linalg.svdvals(a)


def tensorinv(a: Tensor, ind: int = 2) -> Tensor:
    """np.linalg.tensorinv."""
    rows, columns = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    return torch.linalg.inv(a.reshape(prod(rows), -1)).reshape(*columns, *rows)


class SlogdetResult(NamedTuple):
    """Of np.linalg.slogdet."""

    sign: Tensor
    logabsdet: Tensor


class QRResult(NamedTuple):
    """Of np.linalg.qr."""

    Q: Tensor
    R: Tensor


class SVDResult(NamedTuple):
    """Of np.linalg.svd."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class EighResult(NamedTuple):
    """Of np.linalg.eigh."""

    eigenvalues: Tensor
    eigenvectors: Tensor


PRODUCTS: dict[Any, Callable[..., Any]] = {
    np.dot: dot,
    np.vdot: vdot,
    np.inner: inner,
    np.outer: outer,
    np.einsum: einsum,
    np.tensordot: tensordot,
    np.kron: lambda a, b: torch.kron(*alike((a, b))),
    np.cross: cross,
    np.linalg.norm: norm,
    np.linalg.inv: torch.linalg.inv,
    np.linalg.pinv: torch.linalg.pinv,
    np.linalg.det: torch.linalg.det,
    np.linalg.slogdet: lambda a: SlogdetResult(*torch.linalg.slogdet(a)),
    np.linalg.cholesky: lambda a: torch.linalg.cholesky(a),
    np.linalg.qr: qr,
    np.linalg.svd: svd,
    np.linalg.eigh: lambda a, UPLO="L": EighResult(*torch.linalg.eigh(a, UPLO)),
    np.linalg.eigvalsh: lambda a, UPLO="L": torch.linalg.eigvalsh(a, UPLO),
    np.linalg.matrix_power: torch.linalg.matrix_power,
    np.linalg.multi_dot: multi_dot,
    np.linalg.solve: solve,
    np.linalg.tensorinv: tensorinv,
    np.linalg.matrix_rank: lambda A: torch.linalg.matrix_rank(A),
}
