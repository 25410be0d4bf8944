"""NumPy's indices as torch takes them."""

import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.tensors import Held, Untraceable, as_tensor, value_of


def is_view(index: Any) -> bool:
    """Whether NumPy shows a part of the array, rather than copying it."""
    return not any(isinstance(part, Tensor) and part.dim() for part in _parts(index))


def torch_index(index: Any, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """The index for a tensor of a shape, and the dimensions of the result to turn over.

    torch knows no negative steps: what they pick is picked in the other order, and turned over.

    Raises:
        IndexError: there are too many indices.
        Untraceable: a negative step stands beside an array, or an ellipsis for nothing between two.
    """
    if not isinstance(index, tuple):
        part, turned = _part(index), ()
        if isinstance(part, slice) and (part.step or 1) < 0:
            return _forward(part, shape[0]), (0,)
        return part, turned
    parts = [_part(p) for p in index]
    takes = [p.dim() if isinstance(p, Tensor) and p.dtype == torch.bool else p is not None for p in parts]
    if Ellipsis in [p for p in parts if not isinstance(p, Tensor)]:
        at = next(i for i, p in enumerate(parts) if p is Ellipsis)
        takes[at] = len(shape) - sum(takes[:at]) - sum(takes[at + 1 :])
    if sum(takes) > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {sum(takes)} were indexed"
        )
    return _picked(parts, takes, shape)


def _picked(
    parts: list[Any], takes: list[int], shape: tuple[int, ...]
) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    advanced = [i for i, p in enumerate(parts) if isinstance(p, Tensor) and p.dim()]
    if advanced:  # a number beside arrays is an array too
        numbers = [i for i, p in enumerate(parts) if _is_number(p)]
        places = sorted(advanced + numbers)
        between = range(places[0], places[-1] + 1)
        if any(parts[i] is Ellipsis and not takes[i] for i in between):
            raise Untraceable("an ellipsis for no dimension between arrays of indices")
        if numbers and places != [*between]:
            for i in numbers:
                parts[i] = as_tensor(np.array([operator.index(parts[i])]))
    turned = []
    dim, out = 0, 0
    for i, (part, take) in enumerate(zip(parts, takes, strict=True)):
        if isinstance(part, slice) and (part.step or 1) < 0:
            if advanced:
                raise Untraceable("a slice with a negative step beside an array of indices")
            parts[i] = _forward(part, shape[dim])
            turned.append(out)
        dim += take
        out += take if part is Ellipsis else not _is_number(part)
    return tuple(parts), tuple(turned)


def _part(part: Any) -> Any:
    if isinstance(part, Memory):
        part.owner.kept = True  # a backward needs to know where it was
        part = part.tensor
    elif isinstance(part, slice):
        return slice(*(None if n is None else _number(n) for n in (part.start, part.stop, part.step)))
    elif isinstance(part, list | tuple | range):
        part = as_tensor(np.array([_item(p) for p in part], dtype=None if len(part) else np.int64))
    elif isinstance(part, np.ndarray):
        part = as_tensor(part)
    elif isinstance(part, np.bool_ | bool):
        return bool(part)
    elif isinstance(part, np.integer):
        return int(part)
    if isinstance(part, Tensor):
        if part.dtype in (torch.bool, torch.int64):
            return part
        if part.is_floating_point() or part.is_complex():
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return part.long()
    return part


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _item(part: Any) -> Any:
    return value_of(Tensor.tolist, part.tensor) if isinstance(part, Held) else part


def _number(part: Any) -> int:
    return (
        operator.index(value_of(Tensor.item, part.tensor)) if isinstance(part, Held) else operator.index(part)
    )


def _is_number(part: Any) -> bool:
    return (isinstance(part, int) and not isinstance(part, bool)) or (
        isinstance(part, Tensor) and not part.dim() and part.dtype != torch.bool
    )


def _forward(part: slice, size: int) -> slice:
    """The slice with a positive step that picks the same places."""
    places = range(*part.indices(size))[::-1]
    return slice(places.start, places.stop, places.step) if places else slice(0, 0)
