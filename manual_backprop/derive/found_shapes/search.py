"""The search: the most plausible arguments first, and after a failure what its error asks for."""

import heapq
import inspect
import linecache
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

from manual_backprop.derive.found_shapes.candidates import Arguments
from manual_backprop.derive.found_shapes.guesses import (
    Floats,
    Guess,
    Integers,
    Options,
    Path,
    Plain,
    dims_of,
    written,
)
from manual_backprop.derive.found_shapes.hypothesis import (
    Hypothesis,
    as_columns,
    as_one_feature,
    freshly,
    transposed,
)
from manual_backprop.derive.found_shapes.misfits import equalities

# The tries end the search, so that what is found is always the same; the seconds, where the code is slow.
TRIES, SECONDS = 1200, 8.0
MORE_TRIES, MORE_SECONDS = 250, 4.0  # after the forward has taken arguments
# How implausible gradients make arguments that they do not fit: one of them, each other one, and an error.
WRONG, MORE, FAILING = 1.5, 0.25, 2.6
ASKED_BY_BACKWARD = 2.5  # sizes that are equal because the backward fails otherwise, which may be wrong
ELSEWHERE = 0.6  # another guess for an argument that is not on the line that fails
BEYOND = 997  # what takes integers below this does not take them for indices
LARGE = "too large"
DIVIDED = re.compile(r"reshape|view|shape '|divi|split|even|equal|AssertionError")


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
    error: BaseException | None
    tries: int


class Search:
    """The search for arguments.

    Args:
        runs: the code, on arguments.
        arguments: what they may be.
        functions: the forward first, whose lines tell how far a failure came.
    """

    def __init__(
        self, runs: Callable[[list[Any]], int], arguments: Arguments, functions: Iterable[Callable[..., Any]]
    ) -> None:
        self._runs = runs
        self._arguments = arguments
        self._codes = [code for f in functions if (code := getattr(inspect.unwrap(f), "__code__", None))]
        self._queue: list[tuple[float, int, Hypothesis, tuple[Path, Guess] | None]] = []
        self._tried = {LARGE}
        self._pushed = self._tries = 0
        self._error: BaseException | None = None
        self._furthest = -1

    def found(self) -> Found:
        """The arguments that fit best."""
        best: tuple[float, Hypothesis, float] | None = None
        last, until = TRIES, time.monotonic() + SECONDS
        for cost, hypothesis in self._plausible():
            if (best and cost >= best[0]) or self._tries >= last or time.monotonic() > until:
                break
            wrong, error = self._try(hypothesis)
            if wrong is not None and best is None:
                last, until = self._tries + MORE_TRIES, time.monotonic() + MORE_SECONDS
            if wrong is not None and (best is None or cost + wrong < best[0]):
                best = (cost + wrong, hypothesis, wrong)
            if wrong is None and error is not None:
                self._note(error)
            if _is_hopeless(error, first=self._tries == 1, backward=wrong is not None):
                break
            if error is not None:
                self._repair(cost if wrong is None else cost + ASKED_BY_BACKWARD, hypothesis, error)
            if wrong != 0:
                self._alternatives(cost, hypothesis, error)
        if best is None:
            return Found(None, self._error, self._tries)
        return Found(self._list(self._all_classes(best[1], best[2])), None, self._tries)

    def _plausible(self) -> Iterator[tuple[float, Hypothesis]]:
        """The hypotheses, each once, the most plausible of those that are known first.

        They start as names let expect; with weights, or all, with rows for columns; with one number for each
        example, and one as a weight; without common symbols.
        """
        paths = self._arguments.paths
        guesses = tuple((path, self._arguments(path)[0][1]) for path in paths)
        weights = self._arguments.is_weight
        self._push(0.0, Hypothesis(guesses))
        self._push(0.6, Hypothesis(tuple((p, transposed(g) if weights(p) else g) for p, g in guesses)))
        self._push(0.7, Hypothesis(tuple((p, as_columns(g)) for p, g in guesses)))
        if not self._arguments.products and all(isinstance(g, Floats) for _, g in guesses):
            self._push(0.9, Hypothesis(tuple((p, as_one_feature(g, weight=weights(p))) for p, g in guesses)))
        self._push(1.2, Hypothesis(tuple((p, freshly(p, g)) for p, g in guesses), fresh=True))
        while self._queue:
            cost, _, hypothesis, other = heapq.heappop(self._queue)
            if other is not None:
                hypothesis = hypothesis.put(*other)
            shown = "; ".join(written(hypothesis.arguments.items())) if hypothesis.is_small() else LARGE
            if shown not in self._tried:
                self._tried.add(shown)
                yield cost, hypothesis

    def _push(self, cost: float, hypothesis: Hypothesis, other: tuple[Path, Guess] | None = None) -> None:
        self._pushed += 1
        heapq.heappush(self._queue, (cost, self._pushed, hypothesis, other))

    def _try(self, hypothesis: Hypothesis) -> tuple[float | None, BaseException | None]:
        """How implausible the gradients make the arguments, None where the forward fails; and the error."""
        self._tries += 1
        try:
            wrong = self._runs(self._list(hypothesis))
            return WRONG + MORE * (wrong - 1) if wrong else 0.0, None
        except BackwardFails as error:
            return FAILING, error.__cause__
        except (Exception, SystemExit) as error:  # whatever it is, the arguments do not fit
            return None, error

    def _list(self, hypothesis: Hypothesis) -> list[Any]:
        made = hypothesis.arguments
        return [made[p.name] for p in self._arguments.parameters]

    def _note(self, error: BaseException) -> None:
        """Keep the error that came furthest in the forward."""
        line = max((n for code, n, _ in _frames(error) if code in self._codes), default=0)
        if line > self._furthest:
            self._furthest, self._error = line, error

    def _alternatives(self, cost: float, hypothesis: Hypothesis, error: BaseException | None) -> None:
        """Another guess for one argument: first for those in the expression that failed."""
        expression = self._expression(error)
        names = {path: rf"\b{re.escape(path[1] or path[0])}\b" for path, _ in hypothesis.guesses}
        failing = {path for path, name in names.items() if re.search(name, expression)}
        for path, guess in hypothesis.guesses:
            candidates = self._arguments(path)
            named = path in failing or not failing
            now = next((c for c, g in candidates if hypothesis.fitted(path, g) == guess), candidates[0][0])
            for other, alternative in candidates:
                if other >= now and alternative != guess:
                    worse = max(other - now, 0.05) + (0 if named else ELSEWHERE)
                    self._push(cost + worse, hypothesis, (path, alternative))

    def _expression(self, error: BaseException | None) -> str:
        """The expression that failed, of the functions and what else is in their files."""
        files = {code.co_filename for code in self._codes}
        places = [place for place in _frames(error) if place[0].co_filename in files] if error else []
        if not places:
            return ""
        code, line, instruction = places[-1]
        first, last, start, end = list(code.co_positions())[instruction // 2]
        text = linecache.getline(code.co_filename, line)
        if first != last or start is None or end is None:
            return text
        return text.encode()[start:end].decode()

    def _repair(self, cost: float, hypothesis: Hypothesis, error: BaseException) -> None:
        """What the error asks for."""
        if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
            self._add_key(cost, hypothesis, error.args[0])
            return
        for price, pairs in equalities(error, hypothesis.numbers):
            for repaired in hypothesis.equalised(pairs):
                self._push(cost + price + hypothesis.price_of(repaired), repaired)
        if DIVIDED.search(f"{type(error).__name__} {error}"):
            self._multiply(cost, hypothesis)

    def _multiply(self, cost: float, hypothesis: Hypothesis) -> None:
        """Groups, heads and windows divide a dimension."""
        guesses = [guess for _, guess in hypothesis.guesses]
        values = [g.value for g in guesses if isinstance(g, Plain)]
        values += [value for g in guesses if isinstance(g, Options) for _, value in g.items]
        given = {value for value in values if isinstance(value, int)}
        for symbol in filter(None, hypothesis.sizes):
            for factor in sorted(given | {2, self._arguments.code.factor}):
                if 1 < factor < 9:
                    likely = 0.4 if factor in given else 1.2
                    self._push(cost + likely, hypothesis.equated(symbol, (factor, symbol)))
        for *_, (_, high), (_, wide) in (dims_of(g) for g in guesses if len(dims_of(g)) > 2):
            if high and wide:
                self._push(cost + 0.4, hypothesis.equated(high, (6, "")).equated(wide, (4, "")))

    def _add_key(self, cost: float, hypothesis: Hypothesis, key: str) -> None:
        """An entry of a dictionary, an array or an option."""
        for path, guess in hypothesis.guesses:
            entry = (path[0], key)
            if isinstance(guess, Options) and not self._arguments.is_array(key):
                for place, value in enumerate(self._arguments.option(path[0], key)):
                    items = (*(item for item in guess.items if item[0] != key), (key, value))
                    self._push(cost + 0.05 + 0.2 * place, hypothesis.put(path, Options(items)))
            elif isinstance(guess, Options):
                self._push(
                    cost + 0.05, hypothesis.added(entry, self._arguments(entry)[0][1], instead_of=path)
                )
            elif path[1] is not None and all(p != entry for p, _ in hypothesis.guesses):
                self._push(cost + 0.05, hypothesis.added(entry, self._arguments(entry)[0][1]))

    def _all_classes(self, hypothesis: Hypothesis, wrong: float) -> Hypothesis:
        """Class numbers and indices below the largest size that fits, so that each class occurs."""
        until = time.monotonic() + MORE_SECONDS
        for path, guess in hypothesis.guesses:
            if isinstance(guess, Integers) and not guess.one_hot:
                counts = {*hypothesis.numbers, *range(3, 14)}
                for below in (BEYOND, *sorted(counts, reverse=True)):
                    larger = hypothesis.put(path, replace(guess, below=below))
                    if time.monotonic() < until and self._try(larger)[0] == wrong:
                        hypothesis = hypothesis if below == BEYOND else larger
                        break
        return hypothesis


def _is_hopeless(error: BaseException | None, first: bool, backward: bool) -> bool:
    """An error that other arguments do not mend: of the code at once, or of the backward."""
    if isinstance(error, AttributeError):
        return backward
    if isinstance(error, UnboundLocalError):
        return False
    return (first or backward) and isinstance(
        error, NameError | ImportError | SyntaxError | NotImplementedError
    )


def _frames(error: BaseException) -> Iterator[tuple[CodeType, int, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code, trace.tb_lineno, trace.tb_lasti
        trace = trace.tb_next
