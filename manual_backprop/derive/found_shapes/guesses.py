"""What an argument may be, in symbols such as N and D, and the sizes that the symbols get."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from manual_backprop.derive.shapes import integers

Dim = tuple[int, str]  # a factor and a symbol: (4, "H") is 4H, (1, "") is 1
Dims = tuple[Dim, ...]
Path = tuple[str, str | None]  # a parameter, or an entry of a parameter that is a dictionary

PRIMES = (5, 3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
# Four dimensions make many numbers, and loops over them are slow: fewer, and not all of them prime.
IMAGES = (2, 3, 7, 5, 4, 6, 8, 9, 10, *PRIMES[3:])
SMALL_IMAGES = (7, 5, *PRIMES[3:])
LARGEST = 20_000  # numbers in an array
WINDOWS = {"HH": 3, "WW": 2, "KH": 3, "KW": 2, "KL": 3}  # they must fit into images, of whatever size


@dataclass(frozen=True)
class Floats:
    """Numbers to be drawn."""

    dims: Dims


@dataclass(frozen=True)
class Integers:
    """Class numbers and indices from 0 to `below` − 1; ones and zeros, one in a row, where `one_hot`."""

    dims: Dims
    below: int = 2
    one_hot: bool = False


@dataclass(frozen=True)
class Truths:
    """A mask, true at two places of three, and at the first of each row."""

    dims: Dims


@dataclass(frozen=True)
class Plain:
    """A number, a flag or a string."""

    value: Any


@dataclass(frozen=True)
class Options:
    """A dictionary of such."""

    items: tuple[tuple[str, Any], ...] = ()


Guess = Floats | Integers | Truths | Plain | Options


def dims_of(guess: Guess) -> Dims:
    """The dimensions of an array, none of what is no array."""
    return guess.dims if isinstance(guess, Floats | Integers | Truths) else ()


def with_symbol(guess: Guess, symbol: str, dim: Dim) -> Guess:
    """The guess with another dimension in the place of a symbol."""
    if not isinstance(guess, Floats | Integers | Truths):
        return guess
    factor, name = dim
    return replace(guess, dims=tuple((n * factor, name) if s == symbol else (n, s) for n, s in guess.dims))


def sizes_of(guesses: Iterable[Guess]) -> dict[str, int]:
    """A size for every symbol, another one for each but for those of images and of their windows."""
    guesses = list(guesses)
    sizes = {"": 1}
    ranks = [len(dims_of(guess)) for guess in guesses]
    windows = any(s.rstrip("~") in WINDOWS for guess in guesses for _, s in dims_of(guess))
    left = iter(IMAGES if max(ranks, default=0) > 3 else SMALL_IMAGES if windows else PRIMES)
    for guess in guesses:
        for _, symbol in dims_of(guess):
            if symbol not in sizes:
                window = WINDOWS.get(symbol.rstrip("~"))
                sizes[symbol] = window or next(left)
    return sizes


def shape_of(dims: Dims, sizes: dict[str, int]) -> tuple[int, ...]:
    """The dimensions in numbers."""
    return tuple(factor * sizes[symbol] for factor, symbol in dims)


def made(guess: Guess, sizes: dict[str, int], number: int = 0) -> Any:
    """The argument of this number: a shape for numbers to be drawn, and all else as it is."""
    if isinstance(guess, Plain):
        return guess.value
    if isinstance(guess, Options):
        return dict(guess.items)
    shape = shape_of(guess.dims, sizes)
    if isinstance(guess, Floats):
        return shape
    if isinstance(guess, Truths):
        mask = np.arange(prod(shape)).reshape(shape) % 3 != 1
        mask[..., :1] = True
        return mask
    if guess.one_hot:
        classes = integers(shape[:-1], shape[-1]).numpy()
        return np.eye(shape[-1], dtype=np.int64)[classes]
    if 1 < prod(shape) < guess.below:  # few of many, the first and the last of them too
        spread = np.linspace(0, guess.below - 1, prod(shape)).round().astype(np.int64)
        return np.roll(spread, number).reshape(shape)
    return integers(shape, guess.below, number).numpy()


def arguments_of(guesses: Sequence[tuple[Path, Guess]], sizes: dict[str, int]) -> dict[str, Any]:
    """By parameter; what are entries of one parameter is a dictionary."""
    arguments: dict[str, Any] = {}
    for number, ((parameter, key), guess) in enumerate(guesses):
        if key is None:
            arguments[parameter] = made(guess, sizes, number)
        else:
            arguments.setdefault(parameter, {})[key] = made(guess, sizes, number)
    return arguments


def written(arguments: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Each argument as one says it: x (5, 3), y 5 integers below 7, bn_param {"mode": "train"}."""
    for name, value in arguments:
        yield f"{name} {_written(value)}"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_written(entry)}' for key, entry in value.items()) + "}"
    if isinstance(value, str):
        return f'"{value}"'
    if not isinstance(value, np.ndarray):
        return str(value)
    many = " × ".join(map(str, value.shape)) or "1"
    plural = "" if value.size == 1 else "s"
    if value.dtype == np.bool_:
        return f"{many} truth{plural}"
    if value.ndim > 1 and value.max() == 1 and (value.sum(-1) == 1).all():
        return f"{many} one-hot integers"
    return f"{many} integer{plural} below {value.max() + 1}"
