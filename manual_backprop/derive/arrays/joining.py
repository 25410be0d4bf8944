"""NumPy functions that put arrays together, repeat them, or fill them up."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor, torch_dtype


def of_values(values: Any) -> Tensor:
    """The tensor of nested lists, some of which are tensors: np.array."""
    if isinstance(values, Tensor):
        return values
    if not isinstance(values, list | tuple) or not has_tensor(values):
        return as_tensor(np.asarray(values))
    return torch.stack(alike([of_values(value) for value in values]))


def has_tensor(values: Any) -> bool:
    """Whether there is a tensor in nested lists."""
    if isinstance(values, list | tuple):
        return any(has_tensor(value) for value in values)
    return isinstance(values, Tensor)


def alike(tensors: Sequence[Any]) -> list[Tensor]:
    """Tensors of one dtype, as NumPy takes for all of them together."""
    found = [of_values(t) for t in tensors]
    dtypes = {t.dtype for t in found}
    if len(dtypes) < 2:
        return found
    want = found[0].dtype
    for t in found[1:]:
        want = torch.promote_types(want, t.dtype)
    return [t if t.dtype == want else t.to(want) for t in found]


def concatenate(
    arrays: Any, axis: Any = 0, out: None = None, dtype: Any = None, casting: Any = None
) -> Tensor:
    """np.concatenate."""
    tensors = alike(_rows(arrays))
    if axis is None:
        tensors, axis = [t.reshape(-1) for t in tensors], 0
    result = torch.cat(tensors, axis)
    return result if dtype is None else result.to(torch_dtype(dtype))


def _rows(arrays: Any) -> list[Any]:
    return [*arrays.unbind()] if isinstance(arrays, Tensor) else [*arrays]


def stack(arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: Any = None) -> Tensor:
    """np.stack."""
    result = torch.stack(alike(_rows(arrays)), axis)
    return result if dtype is None else result.to(torch_dtype(dtype))


def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Tensor:
    """np.vstack."""
    return torch.vstack(alike(_rows(tup)))


def hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Tensor:
    """np.hstack."""
    return torch.hstack(alike(_rows(tup)))


def dstack(tup: Any) -> Tensor:
    """np.dstack."""
    return torch.dstack(alike(_rows(tup)))


def column_stack(tup: Any) -> Tensor:
    """np.column_stack."""
    return torch.column_stack(alike(_rows(tup)))


def append(arr: Tensor, values: Any, axis: Any = None) -> Tensor:
    """np.append."""
    return concatenate([arr, values], axis)


def block(arrays: Any) -> Tensor:
    """np.block."""

    def joined(part: Any, depth: int) -> Tensor:
        if isinstance(part, list):
            return torch.cat(alike([joined(p, depth - 1) for p in part]), -depth)
        tensor = of_values(part)
        return tensor.reshape((1,) * (deepest - tensor.dim()) + tuple(tensor.shape))

    deepest = _depth(arrays)
    return joined(arrays, deepest)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def tile(A: Tensor, reps: Any) -> Tensor:
    """np.tile."""
    return torch.tile(A, (reps,) if isinstance(reps, int) else tuple(reps))


def repeat(a: Tensor, repeats: Any, axis: Any = None) -> Tensor:
    """np.repeat."""
    if isinstance(repeats, Sequence):
        repeats = torch.tensor(repeats)
    if axis is None:
        a, axis = a.reshape(-1), 0
    return torch.repeat_interleave(a, repeats, axis)


MODES = ("edge", "reflect", "symmetric", "wrap")


def pad(array: Tensor, pad_width: Any, mode: Any = "constant", **more: Any) -> Tensor:
    """np.pad."""
    widths = _widths(pad_width, array.dim())
    if mode == "constant":
        value = more.get("constant_values", 0)
        if not isinstance(value, int | float):
            raise Untraceable("np.pad with several constant_values")
        flat = [n for width in reversed(widths) for n in width]
        return F.pad(array, flat) if value == 0 else F.pad(array, flat, value=value)
    if mode not in MODES or more:
        raise Untraceable(f"np.pad with mode={mode!r}")
    for dim, (before, after) in enumerate(widths):  # torch pads so in few dimensions only
        if before or after:
            array = array.index_select(dim, _places(array.shape[dim], before, after, mode))
    return array


def _places(size: int, before: int, after: int, mode: Any) -> Tensor:
    return torch.from_numpy(np.pad(np.arange(size), (before, after), mode=mode))


def _widths(pad_width: Any, dims: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        given = {d % dims: w for d, w in pad_width.items()}
        return [_pair(given.get(d, 0)) for d in range(dims)]
    wide = np.broadcast_to(np.asarray(pad_width), (dims, 2))
    return [(int(a), int(b)) for a, b in wide]


def _pair(width: Any) -> tuple[int, int]:
    return (width, width) if isinstance(width, int) else (int(width[0]), int(width[-1]))


JOINS: dict[Any, Callable[..., Any]] = {
    np.concatenate: concatenate,
    np.stack: stack,
    np.vstack: vstack,
    np.hstack: hstack,
    np.dstack: dstack,
    np.column_stack: column_stack,
    np.append: append,
    np.block: block,
    np.tile: tile,
    np.repeat: repeat,
    np.pad: pad,
}
