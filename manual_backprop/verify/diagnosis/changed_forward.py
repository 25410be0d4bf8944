"""The right gradient of another forward: with another option or constant, or without a part of it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

from torch import Tensor

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.explanations import Explanation, explained_by_candidate, is_factor
from manual_backprop.verify.diagnosis.forward_calls import (
    Call,
    Gradients,
    Kind,
    Replacement,
    calls_of,
    changed_gradients,
)
from manual_backprop.verify.diagnosis.least_squares import fit_factor
from manual_backprop.verify.diagnosis.other_calls import changes_of
from manual_backprop.verify.diagnosis.use_changes import of_uses
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.problem import Draw, Problem

MOST_RUNS = 400  # of the forward with a change
MOST_CALLS = 20_000  # in all of them
MOST_WORK = 40_000_000  # numbers that all of them compute
MOST_NUMBERS = 2_000_000  # of the gradients that are kept
OF_CONSTANTS = 1e-7  # the rounding of a constant that is kept in float32
MOST_LEFT = 1e-3  # of the difference that a change makes, which it may leave unexplained
FEW_CALLS = 6  # of one expression, each of which is also changed alone
COMPLEXITY = {Kind.OPTION: 1, Kind.NUMBER: 2, Kind.FUNCTION: 2, Kind.PART: 3, Kind.CONSTANT: 3}


@dataclass(frozen=True, eq=False)
class ChangedForward:
    """A forward that differs in one thing.

    Attributes:
        kind: of the change.
        words: what it is, after "Yours is right for ".
        replaced: what stands in place of which calls, with the function that is called there.
        order: in which the inputs are given to it.
        name: of the mistake.
        alone: whether it is one of several calls of an expression that is changed.
        gradients: on the first draw.
    """

    kind: Kind
    words: str
    replaced: dict[int, tuple[Any, Replacement]]
    order: tuple[int, ...]
    name: str
    alone: bool = False
    gradients: Gradients = ()

    @property
    def complexity(self) -> int:
        """How much has to go wrong for it; see `Candidate`."""
        return COMPLEXITY[self.kind] + self.alone

    @property
    def is_telling(self) -> bool:
        """Whether nothing else is likely to lead to the same gradient."""
        return self.kind < Kind.PART and not self.alone


def explanations(wrong: WrongGradient) -> Iterator[Explanation]:
    """The plainest change of the forward that makes the given gradient right, if there is one."""
    a_factor = fit_factor(wrong.right, wrong.given, wrong.fit_tolerance) is not None
    if a_factor or not any(g.any() for g in wrong.given):
        return  # a factor of the whole, or nothing: that is said elsewhere
    found = [_explained(wrong, forward) for forward in changed_forwards(wrong.problem, wrong.draws[0])]
    yield from sorted(filter(None, found), key=lambda explanation: explanation.complexity)[:1]


def _explained(wrong: WrongGradient, forward: ChangedForward) -> Explanation | None:
    tolerance = max(wrong.fit_tolerance, OF_CONSTANTS)
    first = forward.gradients[wrong.at]
    if first is None:
        return None
    gradients, fit = [first], fit_factor([first], wrong.given[:1], tolerance)
    for draw in wrong.draws[1:]:
        gradient = None if fit is None else _gradient(wrong.problem, draw, wrong.at, forward)
        if gradient is None:
            return None
        gradients.append(gradient)
        fit = fit_factor(gradients, wrong.given[: len(gradients)], tolerance)
    if fit is None or fit[1] > MOST_LEFT * _error(wrong, gradients):
        return None
    candidate = Candidate(forward.name, f"Yours is right for {forward.words}", first, forward.complexity)
    found = explained_by_candidate(wrong.problem, wrong.draws[0], candidate, *fit)
    factor, residual = fit
    exact = is_factor(factor, 1) and residual <= wrong.fit_tolerance
    certain = found.diagnosis.certain and forward.is_telling and exact
    return Explanation(found.complexity, replace(found.diagnosis, certain=certain))


def _error(wrong: WrongGradient, gradients: Sequence[Tensor]) -> float:
    """How far these are from a multiple of the right gradient."""
    found = fit_factor(gradients, wrong.right, float("inf"))
    return found[1] if found else float("inf")


def _gradient(problem: Problem, draw: Draw, at: int, forward: ChangedForward) -> Tensor | None:
    gradients = changed_gradients(problem, draw.double(), forward.replaced, forward.order)
    return gradients[at] if gradients else None


@lru_cache(maxsize=1)  # each input asks for the same ones
def changed_forwards(problem: Problem, draw: Draw) -> list[ChangedForward]:
    """Those that can be run, with their gradients at one point, the plainest first."""
    point = draw.double()
    calls, count, work = calls_of(problem, point)
    size = sum(draw.inputs[i].numel() for i in problem.differentiable)
    runs = min(
        MOST_RUNS, MOST_CALLS // max(count, 1), MOST_WORK // max(work, 1), MOST_NUMBERS // max(size, 1)
    )
    possible = [*_exchanges(problem, draw)]
    for call in reversed(calls):
        with suppress(RuntimeError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError):
            possible += _with(call, calls, len(draw.inputs))
    possible.sort(key=lambda forward: (forward.alone, forward.kind))
    found = []
    for forward in possible[:runs]:
        gradients = changed_gradients(problem, point, forward.replaced, forward.order)
        if gradients is not None:
            found.append(ChangedForward(**{**vars(forward), "gradients": gradients}))
    return found


def _with(call: Call, calls: Sequence[Call], inputs: int) -> Iterator[ChangedForward]:
    """One expression changed, wherever it is run, and each time alone."""
    order = tuple(range(inputs))
    times = len(call.numbers)
    for other in changes_of(call, calls):
        substitute = call.function, other.replacement
        everywhere = dict.fromkeys(call.numbers, substitute)
        yield ChangedForward(other.kind, other.words, everywhere, order, other.name)
        if 1 < times <= FEW_CALLS:
            name = "truncated-in-time" if other.kind == Kind.CONSTANT else other.name
            for time, position in enumerate(call.numbers, 1):
                words = f"{other.words}, call {time} of {times}"
                yield ChangedForward(other.kind, words, {position: substitute}, order, name, True)
    if times > 1:
        for kept, other in of_uses(call):
            others = {n: (call.function, other.replacement) for n in call.numbers if n != call.numbers[kept]}
            yield ChangedForward(other.kind, other.words, others, order, other.name)


def _exchanges(problem: Problem, draw: Draw) -> Iterator[ChangedForward]:
    """Two inputs given the other way round."""
    for i, j in combinations(range(len(draw.inputs)), 2):
        a, b = draw.inputs[i], draw.inputs[j]
        if a.shape == b.shape and a.dtype == b.dtype:
            order = [*range(len(draw.inputs))]
            order[i], order[j] = j, i
            words = f"the forward with {problem.names[i]} and {problem.names[j]} exchanged"
            yield ChangedForward(Kind.FUNCTION, words, {}, tuple(order), "forward-option")
