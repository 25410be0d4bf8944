"""One guess of all arguments, and how another one is made of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

from manual_backprop.derive.found_shapes.guesses import (
    LARGEST,
    WINDOWS,
    Dim,
    Floats,
    Guess,
    Path,
    arguments_of,
    dims_of,
    shape_of,
    sizes_of,
    with_symbol,
)


@dataclass(frozen=True)
class Hypothesis:
    """What all arguments may be.

    Attributes:
        guesses: one at each path.
        equal: what symbols have been found to be.
        fresh: no two arrays have a symbol in common but those that have been found to be equal.
    """

    guesses: tuple[tuple[Path, Guess], ...]
    equal: tuple[tuple[str, Dim], ...] = ()
    fresh: bool = False

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Of the symbols."""
        return sizes_of(guess for _, guess in self.guesses)

    @property
    def numbers(self) -> set[int]:
        """All sizes of dimensions that are no 1."""
        return {n for _, g in self.guesses for n in shape_of(dims_of(g), self.sizes) if n > 1}

    @property
    def arguments(self) -> dict[str, Any]:
        """By parameter."""
        return arguments_of(self.guesses, self.sizes)

    def is_small(self) -> bool:
        """Whether no array is so large that trying takes long."""
        return all(prod(shape_of(dims_of(g), self.sizes)) <= LARGEST for _, g in self.guesses)

    def fitted(self, path: Path, guess: Guess) -> Guess:
        """A guess, in which the symbols are what they have been found to be."""
        if self.fresh:
            guess = freshly(path, guess)
        for symbol, dim in self.equal:
            guess = with_symbol(guess, symbol, dim)
        return guess

    def put(self, path: Path, guess: Guess) -> "Hypothesis":
        """With another guess at a path."""
        fitted = self.fitted(path, guess)
        return replace(self, guesses=tuple((p, fitted if p == path else g) for p, g in self.guesses))

    def added(self, path: Path, guess: Guess, instead_of: Path | None = None) -> "Hypothesis":
        """With a guess at one more path."""
        kept = tuple((p, g) for p, g in self.guesses if p != instead_of)
        return replace(self, guesses=(*kept, (path, self.fitted(path, guess))))

    def equated(self, symbol: str, dim: Dim) -> "Hypothesis":
        """With a symbol found to be a dimension."""
        guesses = tuple((p, with_symbol(g, symbol, dim)) for p, g in self.guesses)
        return replace(self, guesses=guesses, equal=(*self.equal, (symbol, dim)))

    def equalised(self, pairs: Sequence[tuple[int, int]]) -> Iterator["Hypothesis"]:
        """With the sizes of each pair equal, in each of the ways in which symbols can be."""
        found = [self]
        for a, b in pairs:
            found = [after for before in found for after in before._equal(a, b, self.sizes)]
        yield from found

    def _equal(self, a: int, b: int, sizes: dict[str, int]) -> Iterator["Hypothesis"]:
        dims = dict.fromkeys(d for _, g in self.guesses for d in dims_of(g) if d[1])
        of_a = [d for d in dims if d[0] * sizes.get(d[1], 1) == a]
        of_b = [d for d in dims if d[0] * sizes.get(d[1], 1) == b]
        for one, other in ((one, other) for other in of_b for one in of_a if one[1] != other[1]):
            if other[0] == 1:
                yield self.equated(other[1], one)
            elif one[0] == 1:
                yield self.equated(one[1], other)
        for alone, size in ((of_a, b) if not of_b else (of_b, a),):
            if not (of_a and of_b):
                yield from (self.equated(d[1], (size // d[0], "")) for d in alone if size % d[0] == 0)

    def price_of(self, after: "Hypothesis") -> float:
        """How implausible what has been found to be equal makes a hypothesis that is made of this one.

        Symbols of no name are equal sooner than those of documentation and code, or than two of conventions.
        """
        price = 1.2 * max(after._squares() - self._squares(), 0)
        for symbol, (_, other) in after.equal[len(self.equal) :]:
            pair = (symbol, other)
            if "" in pair:
                price += 0.7
            elif any("." in s for s in pair):
                price += 0.1
            else:
                price += 0.3 if sum(s.endswith("~") for s in pair) == 1 else 1.2
        return price

    def _squares(self) -> int:
        """How many arrays have two dimensions of one symbol."""
        dims = [[d for d in dims_of(g) if d[1]] for _, g in self.guesses]
        return sum(len(set(d)) < len(d) for d in dims)


def freshly(path: Path, guess: Guess) -> Guess:
    """With symbols of its own in the place of usual ones."""
    if not isinstance(guess, Floats):
        return guess
    name, dims = ".".join(filter(None, path)), []
    for place, (factor, symbol) in enumerate(guess.dims):
        usual = symbol.endswith("~") and symbol.rstrip("~") not in WINDOWS
        dims.append((factor, f"{name}.{place}" if usual else symbol))
    return Floats(tuple(dims))


def transposed(guess: Guess) -> Guess:
    """A matrix with its dimensions exchanged."""
    return Floats(guess.dims[::-1]) if isinstance(guess, Floats) and len(guess.dims) == 2 else guess


def as_one_feature(guess: Guess, *, weight: bool) -> Guess:
    """With one number for each example, (N,) for (N, D), and a number for weights and (M,)."""
    assert isinstance(guess, Floats)
    return Floats(() if weight or len(guess.dims) < 2 else guess.dims[:1])


def as_columns(guess: Guess) -> Guess:
    """With the examples side by side: (D, N) for (N, D), and (M, 1) for (M,)."""
    if isinstance(guess, Floats) and len(guess.dims) == 1:
        return Floats((*guess.dims, (1, "")))
    return transposed(guess)
