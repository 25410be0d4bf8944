"""Which number of a tensor is worked out, and how it is named."""

import torch
from torch import Tensor

from manual_backprop.record.call import Value

Place = tuple[int, ...]


def largest(value: Value, tensor: Tensor, example: int) -> Place | None:
    """Where the largest finite number is, of an example's row if rows are examples; None if there is none."""
    row = (min(example, len(tensor) - 1),) if value.per_example and len(tensor) else ()
    sizes = tensor[row].abs()
    sizes = torch.where(sizes.isfinite(), sizes, -1)
    if not tensor.is_floating_point() or not sizes.numel() or float(sizes.max()) < 0:
        return None
    return (*row, *unravelled(int(sizes.argmax()), sizes.shape))


def unravelled(at: int, shape: torch.Size) -> Place:
    """The index of the number that is `at` among all, counted row by row."""
    place: list[int] = []
    for size in reversed(shape):
        at, i = divmod(at, size)
        place.insert(0, i)
    return tuple(place)


def indexed(symbol: str, place: Place) -> str:
    """z²[0,7]; without brackets for a single number."""
    return f"{symbol}[{','.join(map(str, place))}]" if place else symbol
