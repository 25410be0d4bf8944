"""The search: the most plausible arguments first, and after a failure what its error asks for."""

import heapq
import inspect
import linecache
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from types import CodeType
from typing import Any

from manual_backprop.derive.found_shapes.candidates import Arguments
from manual_backprop.derive.found_shapes.guesses import (
    LARGEST,
    Dim,
    Floats,
    Guess,
    Integers,
    Options,
    Path,
    Plain,
    arguments_of,
    dims_of,
    shape_of,
    sizes_of,
    with_symbol,
    written,
)
from manual_backprop.derive.found_shapes.misfits import equalities

TRIES = 1500
MORE_TRIES = 300  # after the forward has taken arguments
SECONDS = 4.0
# How implausible gradients make arguments that they do not fit: one of them, each other one, and an error.
WRONG, MORE, FAILING = 1.5, 0.25, 3.25


class BackwardFails(Exception):  # noqa: N818 - an answer about the arguments
    """The forward takes the arguments, and the backward after it raises: what, is the `__cause__`."""


@dataclass(frozen=True)
class Found:
    """What came of the search.

    Attributes:
        arguments: one for each parameter, None if nothing fits.
        error: if nothing fits, what the code raised where it came furthest.
        tries: how often the code was run.
    """

    arguments: list[Any] | None
    error: BaseException | None = None
    tries: int = 0


@dataclass(frozen=True)
class State:
    """One hypothesis: a guess at each path, and what symbols have been found to be."""

    guesses: tuple[tuple[Path, Guess], ...]
    equal: tuple[tuple[str, Dim], ...] = ()
    fresh: bool = False

    def fitted(self, path: Path, guess: Guess) -> Guess:
        """A guess, in which the symbols are what they have been found to be."""
        if self.fresh:
            guess = _freshly(path, guess)
        for symbol, dim in self.equal:
            guess = with_symbol(guess, symbol, dim)
        return guess

    def put(self, path: Path, guess: Guess) -> "State":
        """With another guess at a path."""
        fitted = self.fitted(path, guess)
        return replace(self, guesses=tuple((p, fitted if p == path else g) for p, g in self.guesses))

    def equated(self, symbol: str, dim: Dim) -> "State":
        """With a symbol found to be a dimension."""
        guesses = tuple((p, with_symbol(g, symbol, dim)) for p, g in self.guesses)
        return replace(self, guesses=guesses, equal=(*self.equal, (symbol, dim)))

    def squares(self) -> int:
        """How many arrays have two dimensions of one symbol."""
        dims = [[d for d in dims_of(g) if d[1]] for _, g in self.guesses]
        return sum(len(set(d)) < len(d) for d in dims)


class Search:
    """The search for arguments.

    Args:
        runs: the code, on arguments.
        arguments: what they may be.
    """

    def __init__(
        self, runs: Callable[[list[Any]], int], arguments: Arguments, functions: Iterable[Callable[..., Any]]
    ) -> None:
        self._runs = runs
        self._arguments = arguments
        self._codes = [code for f in functions if (code := getattr(inspect.unwrap(f), "__code__", None))]
        self._queue: list[tuple[float, int, State]] = []
        self._seen: set[str] = set()
        self._pushed = self.tries = 0
        self._until = time.monotonic() + SECONDS
        self.error: BaseException | None = None
        self._furthest = -1
        self._tries = TRIES

    def run(self) -> list[Any] | None:
        """The arguments that fit best, None where none fit."""
        guesses = tuple((path, self._arguments(path)[0][1]) for path in self._arguments.paths)
        for cost, start in self._starts(guesses):
            self._push(cost, start)
        best: tuple[float, State, float] | None = None
        while self._queue and self.tries < self._tries and time.monotonic() < self._until:
            cost, _, state = heapq.heappop(self._queue)
            if best and cost >= best[0]:
                break
            wrong, error = self._try(state)
            if wrong is not None and best is None:
                self._tries = min(TRIES, self.tries + MORE_TRIES)
                self._until = min(self._until, time.monotonic() + SECONDS / 2)
            if wrong is not None and (best is None or cost + wrong < best[0]):
                best = (cost + wrong, state, wrong)
            if _is_hopeless(error, first=self.tries == 1, backward=wrong is not None):
                self.error = error
                break
            if error is not None:
                if wrong is None and (how_far := self._how_far(error)) > self._furthest:
                    self._furthest, self.error = how_far, error
                self._repair(cost if wrong is None else cost + 2, state, error)
            if wrong != 0:
                self._alternatives(cost, state, error)
        if best is None:
            return None
        self._until = time.monotonic() + SECONDS / 2
        return self._list(self._all_classes(best[1], best[2]))

    def _starts(self, guesses: tuple[tuple[Path, Guess], ...]) -> Iterator[tuple[float, State]]:
        """As names let expect; weights, or all, with rows for columns; symbols of their own everywhere."""
        yield 0.0, State(guesses)
        weights = self._arguments.is_weight
        yield 0.6, State(tuple((p, _transposed(g) if weights(p) else g) for p, g in guesses))
        yield 0.7, State(tuple((p, _as_columns(g)) for p, g in guesses))
        yield 1.0, State(tuple((p, _freshly(p, g)) for p, g in guesses), fresh=True)

    def _try(self, state: State) -> tuple[float | None, BaseException | None]:
        """How implausible the gradients make the arguments, None where the forward fails; and the error."""
        self.tries += 1
        try:
            wrong = self._runs(self._list(state))
            return WRONG + MORE * (wrong - 1) if wrong else 0.0, None
        except BackwardFails as error:
            return FAILING, error.__cause__
        except (Exception, SystemExit) as error:  # whatever it is, the arguments do not fit
            return None, error

    def _list(self, state: State) -> list[Any]:
        made = arguments_of(state.guesses)
        return [made[p.name] for p in self._arguments.parameters]

    def _push(self, cost: float, state: State) -> None:
        key = "; ".join(written(arguments_of(state.guesses).items()))
        if key not in self._seen and cost < 25 and self._is_small(state):
            self._seen.add(key)
            self._pushed += 1
            heapq.heappush(self._queue, (cost, self._pushed, state))

    def _is_small(self, state: State) -> bool:
        sizes = sizes_of(g for _, g in state.guesses)
        return all(prod(shape_of(dims_of(g), sizes)) <= LARGEST for _, g in state.guesses)

    def _alternatives(self, cost: float, state: State, error: BaseException | None) -> None:
        """Another guess for one argument: first for those on the line that failed."""
        line = self._text(error)
        for path, guess in state.guesses:
            candidates = self._arguments(path)
            named = line is None or re.search(rf"\b{re.escape(path[1] or path[0])}\b", line)
            now = next((c for c, g in candidates if state.fitted(path, g) == guess), candidates[0][0])
            for other, alternative in candidates:
                if other >= now and alternative != guess:
                    self._push(
                        cost + max(other - now, 0.05) + (0 if named else 0.6), state.put(path, alternative)
                    )

    def _repair(self, cost: float, state: State, error: BaseException) -> None:
        if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
            self._add_key(cost, state, error.args[0])
            return
        sizes = sizes_of(g for _, g in state.guesses)
        known = {n for _, g in state.guesses for n in shape_of(dims_of(g), sizes) if n > 1}
        for place, pairs in enumerate(equalities(error, known)):
            for repaired in self._equated(state, pairs, sizes):
                self._push(cost + 0.05 * place + self._price(state, repaired), repaired)
        if re.search(
            r"reshape|view|shape '|divisible|divi|split|AssertionError", f"{type(error).__name__} {error}"
        ):
            self._multiply(cost, state, sizes)

    def _equated(
        self, state: State, pairs: Sequence[tuple[int, int]], sizes: dict[str, int]
    ) -> Iterator[State]:
        """With the sizes of each pair equal; one of them is a symbol's, of which there may be several."""
        states = [state]
        for a, b in pairs:
            after = []
            for one in states:
                dims = dict.fromkeys(d for _, g in one.guesses for d in dims_of(g) if d[1])
                of_a = [d for d in dims if d[0] * sizes.get(d[1], 1) == a]
                of_b = [d for d in dims if d[0] * sizes.get(d[1], 1) == b]
                for other in of_b:
                    for dim in of_a:
                        if other[0] == 1 and dim[1] != other[1]:
                            after.append(one.equated(other[1], dim))
                        elif dim[0] == 1 and dim[1] != other[1]:
                            after.append(one.equated(dim[1], other))
                if not of_b:
                    after += [one.equated(d[1], (b // d[0], "")) for d in of_a if b % d[0] == 0 and b]
                if not of_a:
                    after += [one.equated(d[1], (a // d[0], "")) for d in of_b if a % d[0] == 0 and a]
            states = after
        yield from states

    def _price(self, before: State, after: State) -> float:
        """Symbols of no name are made equal sooner than those of documentation and code."""
        price = 1.0 * max(after.squares() - before.squares(), 0)
        for symbol, (_, other) in after.equal[len(before.equal) :]:
            pair = (symbol, other)
            if "" in pair:
                price += 0.7
            elif any("." in s for s in pair):
                price += 0.1
            else:
                price += 0.3 if sum(s.endswith("~") for s in pair) == 1 else 1.2
        return price

    def _multiply(self, cost: float, state: State, sizes: dict[str, int]) -> None:
        """Groups, heads and windows divide a dimension."""
        factors = {
            v for _, g in state.guesses if isinstance(g, Plain) for v in [g.value] if isinstance(v, int)
        }
        factors |= {
            v for _, g in state.guesses if isinstance(g, Options) for _, v in g.items if isinstance(v, int)
        }
        wanted = [f for f in sorted(factors | {2, self._arguments.code.factor}) if 1 < f < 9]
        for symbol in sizes:
            for factor in wanted:
                if symbol:
                    likely = 0.4 if factor in factors else 1.2
                    self._push(cost + likely, state.equated(symbol, (factor, symbol)))
        for guess in (g for _, g in state.guesses if len(dims_of(g)) > 2):
            *_, (_, high), (_, wide) = dims_of(guess)
            if high and wide:
                self._push(cost + 0.4, state.equated(high, (6, "")).equated(wide, (4, "")))

    def _add_key(self, cost: float, state: State, key: str) -> None:
        """An entry that the code asks for."""
        for path, guess in state.guesses:
            if isinstance(guess, Options):
                if self._arguments.is_array(key):
                    kept = tuple((p, g) for p, g in state.guesses if p != path or guess.items)
                    found = self._arguments((path[0], key))[0][1]
                    self._push(cost + 0.05, replace(state, guesses=(*kept, ((path[0], key), found))))
                    continue
                for place, value in enumerate(self._arguments.option(path[0], key)):
                    options = Options((*(i for i in guess.items if i[0] != key), (key, value)))
                    self._push(cost + 0.05 + 0.2 * place, state.put(path, options))
            elif path[1] is not None and all(p != (path[0], key) for p, _ in state.guesses):
                found = self._arguments((path[0], key))[0][1]
                self._push(cost + 0.05, replace(state, guesses=(*state.guesses, ((path[0], key), found))))
                return

    def _how_far(self, error: BaseException) -> int:
        """The line of the forward that failed, 0 where none is known."""
        return max((n for code, n in _frames(error) if code in self._codes), default=0)

    def _text(self, error: BaseException | None) -> str | None:
        """The line of the functions that failed, as text."""
        if error is None:
            return None
        files = {code.co_filename for code in self._codes}
        places = [(c.co_filename, n) for c, n in _frames(error) if c.co_filename in files]
        return linecache.getline(*places[-1]) or None if places else None

    def _all_classes(self, state: State, wrong: float) -> State:
        """Class numbers and indices below the largest size that fits, so that each class occurs."""
        for path, guess in state.guesses:
            if isinstance(guess, Integers) and not guess.one_hot:
                sizes = sizes_of(g for _, g in state.guesses)
                shapes = {n for _, g in state.guesses for n in shape_of(dims_of(g), sizes) if n > 2}
                for below in (997, *sorted(shapes, reverse=True)):
                    larger = state.put(path, replace(guess, below=below))
                    if time.monotonic() < self._until and self._try(larger)[0] == wrong:
                        state = state if below == 997 else larger
                        break
        return state


def _is_hopeless(error: BaseException | None, first: bool, backward: bool) -> bool:
    """An error that other arguments do not mend: of the code at once, or of the backward."""
    if isinstance(error, AttributeError):
        return backward
    if isinstance(error, UnboundLocalError):
        return False
    return (first or backward) and isinstance(
        error, NameError | ImportError | SyntaxError | NotImplementedError
    )


def _freshly(path: Path, guess: Guess) -> Guess:
    """With symbols of its own."""
    if not isinstance(guess, Floats):
        return guess
    name = ".".join(filter(None, path))
    return Floats(
        tuple(
            (n, f"{name}.{i}" if s.endswith("~") and s.rstrip("~") not in ("KH", "KW", "KL") else s)
            for i, (n, s) in enumerate(guess.dims)
        )
    )


def _transposed(guess: Guess) -> Guess:
    return Floats(guess.dims[::-1]) if isinstance(guess, Floats) and len(guess.dims) == 2 else guess


def _as_columns(guess: Guess) -> Guess:
    """With the examples side by side: (D, N) for (N, D), and (M, 1) for (M,)."""
    if isinstance(guess, Floats) and len(guess.dims) == 1:
        return Floats((*guess.dims, (1, "")))
    return _transposed(guess)


def _frames(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code, trace.tb_lineno
        trace = trace.tb_next
