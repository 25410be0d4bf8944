"""Which elements of a tensor a view shows: as they lie in memory, and as an index."""

from itertools import pairwise, permutations
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import base_of, without_torch_functions


class Places(NamedTuple):
    """p: which elements of x a view shows. Both as they lie in memory."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    view_shape: tuple[int, ...]
    view_strides: tuple[int, ...]
    offset: int
    """Where in memory the view begins, counted from where x does."""

    @classmethod
    def of(cls, view: Tensor) -> "Places":
        """Those of a view in what it is a view of."""
        x = base_of(view)
        offset = int(view.storage_offset()) - int(x.storage_offset())
        return cls(x.shape, x.stride(), view.shape, view.stride(), offset)

    @property
    def are_all(self) -> bool:
        """Whether the view shows all of x, in the order of x: p(k) = k."""
        same = prod(self.shape) == prod(self.view_shape)
        return same and _in_order(self.shape, self.strides) and _in_order(self.view_shape, self.view_strides)

    def numbers(self, device: torch.device) -> Tensor:
        """p(k) for each k, (K,): step 4."""
        numbers = torch.empty_strided(self.shape, self.strides, dtype=torch.int64, device=device)
        numbers.copy_(torch.arange(numbers.numel(), device=device).reshape(self.shape))
        return numbers.as_strided(self.view_shape, self.view_strides, self.offset).flatten()


def _in_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether such a tensor lies in memory row by row, without a gap."""
    due = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != due:
            return False
        due *= size
    return True


class Part(NamedTuple):
    """x[places], its dimensions in another order, in another shape: what a view shows of x."""

    flat: bool
    """Whether they are places of all numbers in a row."""

    places: tuple[Any, ...]
    order: tuple[int, ...]
    """Of the dimensions of x[places]."""
    shape: tuple[int, ...]
    """Of the view."""
    part_shape: tuple[int, ...]
    """Of x[places]."""

    def of(self, x: Tensor) -> Tensor:
        """What the places are those of."""
        return x.reshape(-1) if self.flat else x

    def shown(self, part: Tensor) -> Tensor:
        """What the view shows, of x[places]."""
        return part.permute(self.order).reshape(self.shape)

    def put(self, view: Tensor) -> Tensor:
        """`shown` undone."""
        ordered = view.reshape([self.part_shape[d] for d in self.order])
        return ordered.permute([self.order.index(d) for d in range(len(self.order))])


def part_of(places: Places) -> Part | None:
    """The places as an index; None where numbers and slices do not say them."""
    with without_torch_functions():
        return _part_of(places, places.numbers(torch.device("cpu")).reshape(places.view_shape))


def _part_of(places: Places, numbers: Tensor) -> Part | None:
    found = _index(places.shape, numbers)
    flat = found is None
    index = _index((prod(places.shape),), numbers) if found is None else found
    if index is None:
        return None
    all_numbers = torch.arange(prod(places.shape))
    part = (all_numbers if flat else all_numbers.reshape(places.shape))[index]
    for order in permutations(range(part.dim())):
        if torch.equal(part.permute(order).reshape(places.view_shape), numbers):
            return Part(flat, index, order, places.view_shape, tuple(part.shape))
    return None


def _index(shape: tuple[int, ...], numbers: Tensor) -> tuple[Any, ...] | None:
    """Numbers and slices that name just these numbers of a tensor in which they count up."""
    index: list[Any] = []
    count = 1
    for size, found in zip(shape, torch.unravel_index(numbers.flatten(), shape), strict=True):
        values = found.unique().tolist()
        steps = {b - a for a, b in pairwise(values)}
        if not values or len(steps) > 1:
            return None
        count *= len(values)
        if len(values) == size:
            index.append(slice(None))
        elif len(values) == 1 and numbers.dim() < len(shape):
            index.append(values[0])
        else:
            step = steps.pop() if steps else 1
            stop = None if values[-1] + step >= size else values[-1] + 1
            index.append(slice(values[0] or None, stop, None if step == 1 else step))
    while index and index[-1] == slice(None):
        index.pop()
    return tuple(index) if count == numbers.numel() else None
