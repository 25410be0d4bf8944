"""NumPy functions that write to arrays, show parts of them, or call other code on parts of them."""

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.indexing import torch_index
from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.operands import operand
from manual_backprop.derive.arrays.tensors import Untraceable, value_of


def _own(array: Any, what: str) -> Any:
    if not isinstance(array, Memory):
        raise Untraceable(f"{what} writes traced numbers to an array of NumPy's own")
    return array


def add_at(array: Any, index: Any, value: Any = 1, *, subtract: bool = False) -> None:
    """np.add.at: what is picked more than once is added to more than once."""
    array = _own(array, "np.add.at")
    tensor = array.tensor
    plain, _ = torch_index(index, tuple(tensor.shape))
    given = _like(operand(value), tensor, plain)
    array.assign(tensor.index_put(_places(plain, tensor), -given if subtract else given, accumulate=True))


def _like(value: Any, tensor: Tensor, index: Any) -> Tensor:
    """The value as a tensor, of the shape and the dtype of what is picked."""
    if not isinstance(value, Tensor):
        return torch.tensor(value, dtype=tensor.dtype)
    shape = value_of(lambda t: t[index].shape, tensor)
    value = value if value.dtype == tensor.dtype else value.to(tensor.dtype)
    return value if value.shape == shape or not value.dim() else value.expand(shape)


def _places(index: Any, tensor: Tensor) -> tuple[Tensor, ...]:
    """The index as tensors alone."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, Tensor) and part.dim() for part in parts):
        return parts
    numbers = torch.arange(tensor.numel()).reshape(tensor.shape)
    return torch.unravel_index(value_of(lambda t: t[index], numbers), tuple(tensor.shape))


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    """np.put_along_axis."""
    array = _own(arr, "np.put_along_axis")
    if axis is None:
        raise Untraceable("np.put_along_axis with axis=None")
    index, given, tensor = operand(indices), operand(values), array.tensor
    if isinstance(given, Tensor):
        given = given.to(tensor.dtype).expand(index.shape)
    array.assign(tensor.scatter(axis, index, given))


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """np.copyto."""
    _own(dst, "np.copyto")[... if where is True else where] = src if where is True else _at(src, where)


def _at(values: Any, mask: Any) -> Any:
    return values[mask] if np.ndim(values) else values


def putmask(a: Any, mask: Any, values: Any) -> None:
    """np.putmask."""
    _own(a, "np.putmask")[mask] = _at(values, mask)


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """np.put."""
    _own(a, "np.put").reshape(-1)[ind] = v


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """np.fill_diagonal."""
    array = _own(a, "np.fill_diagonal")
    places = np.arange(min(array.shape))
    array[(places,) * array.ndim] = val


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """np.piecewise."""
    cases = [f(x, *args, **kw) if callable(f) else f for f in funclist]
    rest = cases.pop() if len(cases) > len(condlist) else 0
    return np.select([*condlist], cases, rest)


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """np.apply_along_axis."""
    lines = np.moveaxis(arr, axis, -1)
    outer = lines.shape[:-1]
    made = np.stack([func1d(line, *args, **kwargs) for line in lines.reshape(-1, lines.shape[-1])])
    made = made.reshape(*outer, *made.shape[1:])
    return np.moveaxis(made, -1, axis) if made.ndim > len(outer) else made


SPLITS = {np.split: None, np.array_split: None, np.hsplit: 1, np.vsplit: 0, np.dsplit: 2}


def _splitting(func: Any) -> Callable[..., list[Any]]:
    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        tensor = ary.tensor
        fixed = SPLITS[func]
        axis = axis if fixed is None else fixed
        axis = 0 if func is np.hsplit and tensor.dim() == 1 else axis % tensor.dim()
        size = tensor.shape[axis]
        if isinstance(indices_or_sections, int | np.integer):
            count = int(indices_or_sections)
            if size % count and func is not np.array_split:
                raise ValueError("array split does not result in an equal division")
            sizes = [size // count + (i < size % count) for i in range(count)]
        else:
            ends = [0, *(slice(int(n)).indices(size)[1] for n in indices_or_sections), size]
            sizes = [max(b - a, 0) for a, b in pairwise(ends)]
        parts = torch.split(tensor, sizes[0] if len(set(sizes)) == 1 else sizes, axis)
        ends = [0, *accumulate(sizes)]
        return [_part(ary, part, axis, a, b) for part, (a, b) in zip(parts, pairwise(ends), strict=True)]

    return split


def _part(array: Any, part: Tensor, axis: int, start: int, stop: int) -> Any:
    index = (*[slice(None)] * axis, slice(start, stop))
    return array.view(lambda t: t[index], lambda parent, new: parent.put(index, new), part=part)


ON_ARRAYS: dict[Any, Callable[..., Any]] = {
    np.put_along_axis: put_along_axis,
    np.copyto: copyto,
    np.putmask: putmask,
    np.place: putmask,
    np.put: put,
    np.fill_diagonal: fill_diagonal,
    np.piecewise: piecewise,
    np.apply_along_axis: apply_along_axis,
    **{func: _splitting(func) for func in SPLITS},
}
