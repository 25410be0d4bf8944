"""Ways to put the numbers of a tensor into other places: turned over, shifted, reshaped, exchanged."""

from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from math import prod

import torch
from torch import Tensor

from manual_backprop.derive.writing.dialects import Dialect

Shape = tuple[int, ...]
Move = tuple[str, Callable[[Tensor], Tensor]]
"""What is done to the numbers, in words that follow a noun, and the function that does it."""
MOST_DIMENSIONS = 4  # whose order is changed
MOST_RESHAPED = 5_000  # numbers, whose places are compared
FARTHEST = 3  # places that something is shifted by


def moves(shape: Shape, language: Dialect, *, splitting: bool = True) -> Iterator[Move]:
    """All that are tried on a tensor of this shape, the plainest first.

    `language`: of the words. `splitting`: one dimension may stand for two, such as heads and what is in each.
    """
    yield from flips(shape, language)
    yield from exchanges(shape, language)
    yield from rolls(shape, language)
    yield from _reshapes(shape, language, splitting)


def flips(shape: Shape, language: Dialect) -> Iterator[Move]:
    """The numbers in reverse order along one or more dimensions."""
    long = [d for d, size in enumerate(shape) if size > 1][::-1]  # the last ones are a kernel's
    for count in range(1, min(len(long), 3) + 1):
        for dims in combinations(long, count):
            yield f"turned over along {language.along(sorted(dims))}", _flip(dims)


def _flip(dims: Shape) -> Callable[[Tensor], Tensor]:
    return lambda t: t.flip(dims)


def rolls(shape: Shape, language: Dialect) -> Iterator[Move]:
    """The numbers shifted along a dimension; what falls off at the end comes in at the beginning."""
    for d, size in enumerate(shape):
        for places in shifts(size):
            yield f"shifted by {places} along {language.along((d,))}", _roll(places, d)


def exchanges(shape: Shape, language: Dialect) -> Iterator[Move]:
    """Two of two to four equal parts of a dimension exchanged, such as the gates of a recurrent cell."""
    for d, size in enumerate(shape):
        for count in (2, 3, 4):
            for i, j in combinations(range(count), 2) if size % count == 0 else ():
                which = "halves" if count == 2 else f"parts {i + 1} and {j + 1} of {count}"
                yield f"with its {which} along {language.along((d,))} exchanged", _exchange(count, i, j, d)


def _exchange(count: int, i: int, j: int, d: int) -> Callable[[Tensor], Tensor]:
    def exchange(t: Tensor) -> Tensor:
        parts = list(t.chunk(count, d))
        parts[i], parts[j] = parts[j], parts[i]
        return torch.cat(parts, d)

    return exchange


def shifts(size: int) -> list[int]:
    """Numbers of places."""
    return [sign * places for places in range(1, min(FARTHEST + 1, size)) for sign in (1, -1)]


def _roll(places: int, d: int) -> Callable[[Tensor], Tensor]:
    return lambda t: t.roll(places, d)


def _reshapes(shape: Shape, language: Dialect, splitting: bool) -> Iterator[Move]:
    """What a permutation of the dimensions gives that is read in the shape without it."""
    if prod(shape) > MOST_RESHAPED:
        return
    places = torch.arange(prod(shape)).reshape(shape)
    transposes = (places.transpose(i, j) for i, j in combinations(range(len(shape)), 2))
    known = {tuple(t.flatten().tolist()) for t in (places, *transposes) if t.shape == places.shape}
    for base in dict.fromkeys([*_orders(shape), *(_splits(shape) if splitting else ())]):
        for order in permutations(range(len(base))):
            move = _reshape(base, order, shape)
            moved = tuple(move(places).flatten().tolist())
            if moved in known:
                continue
            known.add(moved)
            permuted = tuple(base[d] for d in order)
            if base == shape == permuted:
                yield f"with its {language.dimensions} in the order {order}", move
            else:
                yield (
                    f"reshaped to {shape} only: its {language.dimensions} are to be permuted before or "
                    "after that",
                    move,
                )


def _orders(shape: Shape) -> list[Shape]:
    return [tuple(order) for order in permutations(shape)] if len(shape) <= MOST_DIMENSIONS else []


def _splits(shape: Shape) -> Iterator[Shape]:
    """The shape with one dimension written as two."""
    if len(shape) < MOST_DIMENSIONS:
        for d, size in enumerate(shape):
            for part in range(2, size):
                if size % part == 0:
                    yield (*shape[:d], part, size // part, *shape[d + 1 :])


def _reshape(base: Shape, order: Shape, shape: Shape) -> Callable[[Tensor], Tensor]:
    return lambda t: t.reshape(base).permute(order).reshape(shape)
