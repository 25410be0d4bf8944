"""The right numbers in part, in other places, or with others besides: yours and the right Jacobian compared.

A gradient is linear in the upstream gradient: v ↦ Jᵀ v. Where the numbers of J themselves are right, and only
some are missing or stand elsewhere, no formula is wrong: it is the adding up, or the indices.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat

from torch import Tensor

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.entries import Compared, assigned, elsewhere, more_entries
from manual_backprop.verify.diagnosis.explanations import Explanation, explained_by_candidate
from manual_backprop.verify.diagnosis.jacobians import FEW_OUTPUTS, MOST_OUTPUTS, jacobians, pullback
from manual_backprop.verify.diagnosis.least_squares import fit_factor
from manual_backprop.verify.diagnosis.moves import flips, moves, shifts
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Unjudged

ELSEWHERE = "The right numbers stand in other places"
SAME = 1e-7  # relative to the largest entry of a Jacobian: entries that are closer are the same
MOST_RUNS = 80  # of the forward's backward, with numbers in other places
MOST_NUMBERS = 4_000_000  # that are taken in all of them
MOST_DRAWS = 3  # for each of which a derivation is called once for each output
FEWEST = 6  # numbers that a shift has to explain


def explanations(wrong: WrongGradient) -> Iterator[Explanation]:
    """What is found, the plainest alone."""
    if any(given.shape != wrong.shape for given in wrong.given) or not any(g.any() for g in wrong.given):
        return
    if fit_factor(wrong.right, wrong.given, wrong.fit_tolerance) is not None:
        return
    for look in (_moved, _upstream_moved, _other_input_turned, _entries, _shifted):
        found = next(look(wrong), None)
        if found is not None:
            yield found
            return


def _moved(wrong: WrongGradient) -> Iterator[Explanation]:
    """The right gradient with its numbers in other places."""
    sizes = [[t.double().abs().flatten().sort().values for t in side] for side in (wrong.right, wrong.given)]
    if fit_factor(sizes[0], sizes[1], wrong.fit_tolerance) is None:
        return
    for words, move in moves(tuple(wrong.shape), wrong.problem.language):
        text = f"{ELSEWHERE}: yours is the right one {words}"
        yield from _fitted(wrong, text, [move(right) for right in wrong.right])


def _upstream_moved(wrong: WrongGradient) -> Iterator[Explanation]:
    """The gradient for grad_output with its numbers in other places."""
    pulls = [pullback(wrong.problem, draw.double()) for draw in wrong.draws]
    problem = wrong.problem
    possible = moves(tuple(wrong.draws[0].output.shape), problem.language, splitting=False)
    for words, move in islice(possible, _most_runs(wrong)):

        def gradient(number: int, move: Callable[[Tensor], Tensor] = move) -> Tensor:
            return pulls[number](move(wrong.draws[number].upstream.double()))[wrong.at]

        if fit_factor([gradient(0)], wrong.given[:1], wrong.fit_tolerance) is not None:
            text = f"{ELSEWHERE}: yours is right for {problem.upstream} {words}"
            yield from _fitted(wrong, text, [gradient(i) for i in range(len(wrong.draws))])


def _other_input_turned(wrong: WrongGradient) -> Iterator[Explanation]:
    """The gradient with another input's numbers in reverse order: a kernel that is not turned over."""
    others = [
        (position, words, move)
        for position, x in enumerate(wrong.draws[0].inputs)
        if position != wrong.position and x.is_floating_point()
        for words, move in flips(tuple(x.shape), wrong.problem.language)
    ]
    for position, words, move in others[: _most_runs(wrong)]:
        first = _turned(wrong, wrong.draws[0], position, move)
        if first is not None and fit_factor([first], wrong.given[:1], wrong.fit_tolerance) is not None:
            name = wrong.problem.names[position]
            text = f"The entries of {name} stand in reverse order: yours is right for {name} {words}"
            gradients = [_turned(wrong, draw, position, move) for draw in wrong.draws]
            yield from _fitted(wrong, text, [g for g in gradients if g is not None])


def _turned(
    wrong: WrongGradient, draw: Draw, position: int, move: Callable[[Tensor], Tensor]
) -> Tensor | None:
    """The right gradient where another input has its numbers in other places; None if there is none."""
    inputs = tuple(move(y) if i == position else y for i, y in enumerate(draw.double().inputs))
    try:
        return wrong.problem.right(Draw(inputs, draw.upstream.double(), draw.output))[wrong.at]
    except Unjudged:
        return None


def _most_runs(wrong: WrongGradient) -> int:
    """How often the forward is differentiated: less often where it takes many numbers."""
    return min(MOST_RUNS, MOST_NUMBERS // max(sum(x.numel() for x in wrong.draws[0].inputs), 1))


def _fitted(wrong: WrongGradient, text: str, gradients: Sequence[Tensor]) -> Iterator[Explanation]:
    complete = len(gradients) == len(wrong.draws)
    fit = fit_factor(gradients, wrong.given, wrong.fit_tolerance) if complete else None
    if fit is not None:
        candidate = Candidate("other-places", text, gradients[0])
        yield explained_by_candidate(wrong.problem, wrong.draws[0], candidate, *fit)


def _shifted(wrong: WrongGradient) -> Iterator[Explanation]:
    """The right gradient shifted, with other numbers where nothing is shifted to."""
    for d, size in enumerate(wrong.shape):
        for places in shifts(size):
            if 2 * abs(places) > size:
                continue
            kept = slice(places, None) if places > 0 else slice(None, places)
            taken = slice(None, -places) if places > 0 else slice(-places, None)
            given = [t.double().movedim(d, 0)[kept] for t in wrong.given]
            right = [t.movedim(d, 0)[taken] for t in wrong.right]
            there = [t.movedim(d, 0)[kept] for t in wrong.right]
            if (
                sum(t.numel() for t in given) >= FEWEST
                and all(map(_close, given, right, repeat(wrong.tolerance)))
                and not any(map(_close, given, there, repeat(SAME)))
                and not any(_is_constant(t) for t in given)
            ):
                along = wrong.problem.language.along((d,))
                text = f"{ELSEWHERE}: yours is the right one shifted by {places} along {along}"
                yield Explanation(2, Diagnosis("other-places", f"{text}.", 0.0, False))


def _is_constant(t: Tensor) -> bool:
    """Along its first dimension."""
    return len(t) < 2 or _close(t[1:], t[:-1], SAME)


def _close(given: Tensor, right: Tensor, tolerance: float) -> bool:
    return float((given - right).abs().max()) <= tolerance * float(right.abs().max())


def _entries(wrong: WrongGradient) -> Iterator[Explanation]:
    """The two Jacobians entry by entry: a few outputs first, since most mistakes show there to be others."""
    few = _compared(wrong, wrong.draws[0], FEW_OUTPUTS)
    if few is None or not (few.is_part or few.is_more or few.is_elsewhere):
        return
    draws = wrong.draws[:MOST_DRAWS]
    compared = [c for draw in draws if (c := _compared(wrong, draw, MOST_OUTPUTS)) is not None]
    if len(compared) == len(draws):
        for look in (assigned, more_entries, elsewhere):
            yield from look(compared)


def _compared(wrong: WrongGradient, draw: Draw, most: int) -> Compared | None:
    found = jacobians(wrong.problem, draw, most)
    yours = found.yours[wrong.at] if found else None
    if found is None or yours is None:
        return None
    shape = tuple(draw.output.shape)
    tolerance, language = max(SAME, wrong.tolerance), wrong.problem.language
    return Compared(found.right[wrong.at], yours, found.outputs, shape, tolerance, language)
