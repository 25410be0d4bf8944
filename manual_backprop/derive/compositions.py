"""What torch computes in one call and this package has no operation for, made of what it has."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def composition_of(func: Any) -> Callable[..., Any] | None:
    """The same function, made of others; None where there is none."""
    try:
        return COMPOSITIONS.get(func)
    except TypeError:
        return None


def norm(
    x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None, **more: Any
) -> Tensor:
    """The p-norm over dimensions."""
    p = more.get("ord", p)
    dims = () if dim is None else ((dim,) if isinstance(dim, int) else tuple(dim))
    order = 2 if p in (None, "fro", 2, 2.0) else p
    if order == 2:
        return x.square().sum(dims, keepdim=keepdim).sqrt()
    if order == 1:
        return x.abs().sum(dims, keepdim=keepdim)
    return (x.abs() ** order).sum(dims, keepdim=keepdim) ** (1 / order)


def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp x, the largest x taken off first."""
    m = x.detach().amax(dim, keepdim=True)
    total = (x - m).exp().sum(dim, keepdim=True)
    result = m + total.log()
    return result if keepdim else result.squeeze(dim)


def clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """x between two bounds."""
    if min is not None:
        x = torch.where(x >= min, x, min)
    return x if max is None else torch.where(x <= max, x, max)


def clamp_min(x: Tensor, min: Any) -> Tensor:
    """x, or `min` where x is less."""
    return clamp(x, min)


def clamp_max(x: Tensor, max: Any) -> Tensor:
    """x, or `max` where x is greater."""
    return clamp(x, None, max)


def softmin(x: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax of −x."""
    return F.softmax(-x, dim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x · y / (|x| |y|), each length at least eps."""
    dot = (x1 * x2).sum(dim)
    length1 = clamp(x1.square().sum(dim).sqrt(), eps)
    length2 = clamp(x2.square().sum(dim).sqrt(), eps)
    return dot / (length1 * length2)


def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle, 0 above it."""
    mask = torch.ones(x.shape[-2:], dtype=torch.bool).tril(diagonal)
    return torch.where(mask, x, 0)


def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle, 0 below it."""
    mask = torch.ones(x.shape[-2:], dtype=torch.bool).triu(diagonal)
    return torch.where(mask, x, 0)


def log1p(x: Tensor) -> Tensor:
    """log(1 + x)."""
    return (1 + x).log()


def expm1(x: Tensor) -> Tensor:
    """exp x − 1."""
    return x.exp() - 1


def gather(input: Tensor, dim: int, index: Tensor, **_: Any) -> Tensor:
    """The numbers at the places of an index along a dimension."""
    dim %= max(input.dim(), 1)
    places: list[Any] = [
        torch.arange(n).reshape([n if e == d else 1 for e in range(input.dim())])
        for d, n in enumerate(index.shape)
    ]
    places[dim] = index
    return input[tuple(places)]


def take_along_dim(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    """The same, as NumPy names it."""
    return gather(input, dim, indices)


def largest(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest number of all, the larger of two, or the largest over a dimension with its place."""
    return _extreme("max", x, dim, keepdim)


def smallest(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest number of all, the smaller of two, or the smallest over a dimension with its place."""
    return _extreme("min", x, dim, keepdim)


def _extreme(name: str, x: Tensor, dim: Any, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        return getattr(torch, f"{name}imum")(x, dim)
    over = getattr(x, f"a{name}")
    if dim is None:
        return over()
    place = getattr(x.detach(), f"arg{name}")(dim, keepdim=keepdim)
    return getattr(torch.return_types, name)((over(dim, keepdim=keepdim), place))


def hstack(tensors: Any) -> Tensor:
    """Side by side: vectors behind each other, matrices with their columns."""
    parts = list(tensors)
    return torch.cat(parts, 0 if parts[0].dim() == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Below each other, vectors as rows."""
    return torch.cat([x.unsqueeze(0) if x.dim() == 1 else x for x in tensors], 0)


def column_stack(tensors: Any) -> Tensor:
    """Side by side, vectors as columns."""
    return torch.cat([x.unsqueeze(1) if x.dim() == 1 else x for x in tensors], 1)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Products summed over dimensions of both."""
    of_a, of_b = dims if not isinstance(dims, int) else (range(a.dim() - dims, a.dim()), range(dims))
    letters = "abcdefghijklmnopqrstuvwxyz"
    first = list(letters[: a.dim()])
    second = list(letters[a.dim() : a.dim() + b.dim()])
    for i, j in zip(of_a, of_b, strict=True):
        second[j] = first[i]
    out = [x for x in (*first, *second) if (x in first) != (x in second)]
    return torch.einsum(f"{''.join(first)},{''.join(second)}->{''.join(out)}", a, b)


def diff(x: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Of neighbours along a dimension, the later minus the earlier."""
    for _ in range(n):
        x = x.narrow(dim, 1, x.shape[dim] - 1) - x.narrow(dim, 0, x.shape[dim] - 1)
    return x


def hypot(x: Tensor, y: Tensor) -> Tensor:
    """√(x² + y²)."""
    return (x.square() + y.square()).sqrt()


def logit(x: Tensor) -> Tensor:
    """log(x / (1 − x))."""
    return (x / (1 - x)).log()


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Products summed over the last dimension."""
    return a @ (b.T if b.dim() > 1 else b)


COMPOSITIONS: dict[Any, Callable[..., Any]] = {
    torch.hstack: hstack,
    torch.vstack: vstack,
    torch.column_stack: column_stack,
    torch.tensordot: tensordot,
    torch.diff: diff,
    Tensor.diff: diff,
    torch.hypot: hypot,
    torch.logit: logit,
    torch.inner: inner,
    torch.max: largest,
    Tensor.max: largest,
    torch.min: smallest,
    Tensor.min: smallest,
    torch.norm: norm,
    Tensor.norm: norm,
    torch.linalg.vector_norm: norm,
    torch.linalg.norm: norm,
    torch.gather: gather,
    Tensor.gather: gather,
    torch.take_along_dim: take_along_dim,
    Tensor.take_along_dim: take_along_dim,
    torch.logsumexp: logsumexp,
    Tensor.logsumexp: logsumexp,
    torch.clamp: clamp,
    Tensor.clamp: clamp,
    torch.clip: clamp,
    Tensor.clip: clamp,
    torch.clamp_min: clamp_min,
    Tensor.clamp_min: clamp_min,
    torch.clamp_max: clamp_max,
    Tensor.clamp_max: clamp_max,
    F.softmin: softmin,
    F.cosine_similarity: cosine_similarity,
    torch.tril: tril,
    Tensor.tril: tril,
    torch.triu: triu,
    Tensor.triu: triu,
    torch.log1p: log1p,
    Tensor.log1p: log1p,
    torch.expm1: expm1,
    Tensor.expm1: expm1,
}
