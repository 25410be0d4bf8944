"""NumPy functions that pick, sort and bound numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.joining import of_values
from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor


def where(condition: Any, *cases: Any) -> Any:
    """np.where, of one argument or of three."""
    condition = of_values(condition)
    if condition.dtype != torch.bool:
        condition = condition != 0
    if not cases:
        return torch.where(condition)
    x, y = cases
    return torch.where(condition, _case(x), _case(y))


def _case(x: Any) -> Any:
    return x if isinstance(x, Tensor | bool | int | float | complex) else of_values(x)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """np.select."""
    result = default
    for condition, choice in [*zip(condlist, choicelist, strict=True)][::-1]:
        result = torch.where(of_values(condition), _case(choice), _case(result))
    return result


def clip(
    a: Tensor, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None
) -> Tensor:
    """np.clip."""
    low, high = (_bound(given) for given in (a_min if min is None else min, a_max if max is None else max))
    if isinstance(low, Tensor) != isinstance(high, Tensor) and low is not None and high is not None:
        low, high = as_tensor(low).to(a.dtype), as_tensor(high).to(a.dtype)
    return torch.clamp(a, low, high)


def _bound(given: Any) -> Any:
    return None if given is None or given is np._NoValue else _case(given)


def sort(a: Tensor, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    """np.sort."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    return torch.sort(a, axis).values


def argsort(a: Tensor, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    """np.argsort."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    return torch.argsort(a, dim=axis, stable=True)


def take(a: Tensor, indices: Any, axis: Any = None, out: None = None, mode: str = "raise") -> Tensor:
    """np.take."""
    if mode != "raise":
        raise Untraceable(f"np.take with mode={mode!r}")
    index = indices if isinstance(indices, int) else of_values(indices).long()
    if axis is None:
        return a.reshape(-1)[index]
    return a[(*[slice(None)] * (axis % a.dim()), index)]


def take_along_axis(arr: Tensor, indices: Tensor, axis: Any = -1) -> Tensor:
    """np.take_along_axis."""
    if axis is None:
        return torch.take_along_dim(arr, indices)
    return torch.take_along_dim(arr, indices, axis)


def diag(v: Tensor, k: int = 0) -> Tensor:
    """np.diag."""
    return torch.diag(v, k)


def diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """np.diagonal."""
    return torch.diagonal(a, offset, axis1, axis2)


def trace(
    a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Tensor:
    """np.trace."""
    if a.dim() == 2 and not offset and axis1 % 2 == 0:
        return torch.trace(a)
    return torch.diagonal(a, offset, axis1, axis2).sum(-1)


def tril(m: Tensor, k: int = 0) -> Tensor:
    """np.tril."""
    return torch.tril(m, k)


def triu(m: Tensor, k: int = 0) -> Tensor:
    """np.triu."""
    return torch.triu(m, k)


def flip(m: Tensor, axis: Any = None) -> Tensor:
    """np.flip."""
    dims = range(m.dim()) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return torch.flip(m, tuple(dims))


def roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    """np.roll."""
    return torch.roll(a, shift, axis)


def rot90(m: Tensor, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    """np.rot90."""
    return torch.rot90(m, k, tuple(axes))


def nonzero(a: Tensor) -> tuple[Tensor, ...]:
    """np.nonzero."""
    return torch.nonzero(a, as_tuple=True)


def unravel_index(indices: Tensor, shape: Any, order: str = "C") -> tuple[Tensor, ...]:
    """np.unravel_index."""
    return torch.unravel_index(indices, tuple(shape) if not isinstance(shape, int) else (shape,))


def unique(
    ar: Tensor, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, **more: Any,
) -> Any:  # fmt: skip
    """np.unique."""
    if return_index or ar.requires_grad:
        raise Untraceable("np.unique with return_index=True, or of numbers that are differentiated")
    return torch.unique(ar, return_inverse=return_inverse, return_counts=return_counts, dim=axis)


def delete(arr: Tensor, obj: Any, axis: Any = None) -> Tensor:
    """np.delete."""
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    if isinstance(obj, Tensor):
        obj = obj.numpy(force=True)
    rest = np.delete(np.arange(arr.shape[axis]), obj)
    return arr.index_select(axis, as_tensor(rest))


def insert(arr: Tensor, obj: Any, values: Any, axis: Any = None) -> Tensor:
    """np.insert, at one place."""
    if not isinstance(obj, int):
        raise Untraceable("np.insert at several places")
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    shape = [1 if d == axis % arr.dim() else n for d, n in enumerate(arr.shape)]
    new = as_tensor(values).to(arr.dtype)
    new = new.expand(shape) if new.dim() < arr.dim() and not new.dim() else new.reshape(shape)
    return torch.cat([arr.narrow(axis, 0, obj), new, arr.narrow(axis, obj, arr.shape[axis] - obj)], axis)


def compress(condition: Any, a: Tensor, axis: Any = None, out: None = None) -> Tensor:
    """np.compress."""
    places = torch.nonzero(of_values(condition), as_tuple=True)[0]
    return take(a, places, axis)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """np.searchsorted."""
    return torch.searchsorted(of_values(a), of_values(v), side=side)


def vander(x: Tensor, N: Any = None, increasing: bool = False) -> Tensor:
    """np.vander: its powers as columns."""
    powers = torch.arange(x.numel() if N is None else N)
    return x[:, None] ** (powers if increasing else powers.flip(0))


CHOICES: dict[Any, Callable[..., Any]] = {
    np.where: where,
    np.select: select,
    np.clip: clip,
    np.sort: sort,
    np.argsort: argsort,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.diag: diag,
    np.diagonal: diagonal,
    np.trace: trace,
    np.tril: tril,
    np.triu: triu,
    np.flip: flip,
    np.flipud: lambda m: torch.flip(m, (0,)),
    np.fliplr: lambda m: torch.flip(m, (1,)),
    np.roll: roll,
    np.rot90: rot90,
    np.nonzero: nonzero,
    np.unravel_index: unravel_index,
    np.argwhere: lambda a: torch.nonzero(a),
    np.unique: unique,
    np.delete: delete,
    np.insert: insert,
    np.compress: compress,
    np.extract: lambda condition, arr: arr[of_values(condition)],
    np.searchsorted: searchsorted,
    np.partition: lambda a, kth, axis=-1, **more: torch.sort(a, axis).values,
    np.argpartition: lambda a, kth, axis=-1, **more: torch.argsort(a, dim=axis, stable=True),
    np.diagflat: lambda v, k=0: torch.diagflat(v, k),
    np.vander: vander,
    np.meshgrid: lambda *xi, indexing="xy", **more: torch.meshgrid(*xi, indexing=indexing),
    np.broadcast_arrays: lambda *args, subok=False: torch.broadcast_tensors(*args),
    np.ix_: lambda *args: tuple(
        of_values(x).reshape([-1 if e == d else 1 for e in range(len(args))]) for d, x in enumerate(args)
    ),
    np.flatnonzero: lambda a: torch.nonzero(a.reshape(-1), as_tuple=True)[0],
}
