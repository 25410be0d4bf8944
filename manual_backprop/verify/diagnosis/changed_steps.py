"""Mistakes made in the derived backward, and mended in the user's, one at a time.

Most people who derive by hand get the forward right and one step of the backward wrong: another tensor of the
same shape, another dimension, a transpose more or less, a factor or a term left out, a sign. Each is made at
each step of the derivation, and what it gives is compared with what was given. And each is made at each step
of the user's own backward: where that gives the right gradient, the mistake is there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from manual_backprop.derive.program import Node, Place, in_order
from manual_backprop.verify.diagnosis.call_changes import by_values, of_calls
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.changes import Change
from manual_backprop.verify.diagnosis.departure import (
    Departure,
    Match,
    Matches,
    departure,
    matched,
    users_names,
)
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram, derived_programs, paper_names
from manual_backprop.verify.diagnosis.explanations import Explanation, explained_by_candidate
from manual_backprop.verify.diagnosis.graph import Graph, Values
from manual_backprop.verify.diagnosis.least_squares import fit_factor
from manual_backprop.verify.diagnosis.missing_factors import missing_factors
from manual_backprop.verify.diagnosis.number_factors import number_factors, other_numbers
from manual_backprop.verify.diagnosis.other_constants import constants_of, other_constants
from manual_backprop.verify.diagnosis.slopes import SLOPES
from manual_backprop.verify.diagnosis.step_changes import of_step
from manual_backprop.verify.diagnosis.tensor_changes import (
    Tensors,
    again_and_again,
    in_a_group,
    in_one_step,
    other_dimension_in,
)
from manual_backprop.verify.diagnosis.users_steps import Steps, code_of, is_real, steps_of
from manual_backprop.verify.diagnosis.words import Words, sentence
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.problem import Draw

MANY_STEPS = 300  # of a long loop, all turns of which are changed before one of them
FEW_STEPS = 20  # after it
MOST_WORK = 30_000  # steps that are computed anew, of a program
TELLING = (*SLOPES, "wrong-place", "diagonal-only", "before", "one-case", "assigned", "truncated-in-time")
"""Names that say what was thought wrong, rather than which step is."""
Ranked = tuple[tuple[int, bool, int], Explanation]
LIKELY = 1e-6  # how far a cosine may be from one in the first look


@dataclass(frozen=True, eq=False)
class Found:
    """What is known of a wrong gradient from the derivation.

    Attributes:
        explanations: changes that explain what was given, the plainest of each kind.
        departure: where the user's backward leaves the derivation; None if it cannot be told.
    """

    explanations: tuple[Explanation, ...]
    departure: Departure | None


def found_in_derivation(wrong: WrongGradient) -> Found:
    """What explains the gradient, from the derivation's steps and from the user's."""
    try:
        return _found(wrong)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return Found((), None)  # forward and backward are anyone's, and may not bear to be run step by step


def _found(wrong: WrongGradient) -> Found:
    draw = wrong.draws[0]
    programs = derived_programs(wrong.problem, draw)
    runs = [_Run(program, as_run=True) for program in programs]
    on_paper = [_Run(program, as_run=False) for program in programs if program.taken_off]
    steps = steps_of(wrong.problem, draw)
    matches: dict[Node, Match] = {}
    if steps.all and programs:
        both = [*runs, *on_paper]
        values = [run.values_at(draw) for run in both]
        matches = matched(steps, Matches([run.program for run in both], values))
    way = departure(programs, steps, matches, wrong.at) if matches else None
    names = users_names(steps.all, matches)
    mended = _mended(wrong, steps, matches, constants_of(programs))
    found = [] if mended is None else [mended[0]]
    for several in (runs, on_paper):
        if several is runs or not found:
            for run in several:
                found += _made(wrong, run, names, way)
    best = sorted(found, key=lambda one: one[0])[:1]
    place = mended[1] if mended is not None and best[0] is mended[0] else None
    if place is not None and (way is None or way.place.line != place.line):
        way = Departure(place, code_of(place), "", "", frozenset())  # what mends it stands there
    return Found(tuple(explanation for _, explanation in best), way)


@dataclass(frozen=True, eq=False)
class _Run:
    """A derivation with the values that it has on any draw; see `DerivedProgram.values_at`."""

    program: DerivedProgram
    as_run: bool

    def values_at(self, draw: Draw) -> Values:
        return self.program.values_at(draw, as_run=self.as_run)

    def where_it_holds(self, draws: Sequence[Draw]) -> list[Values | None]:
        """The values on each draw, None where the forward goes another way."""
        found: list[Values | None] = []
        for draw in draws:
            try:
                values = self.values_at(draw)
                found.append(values if self.program.holds_at(draw, values) else None)
            except (RuntimeError, ValueError, IndexError, TypeError):
                found.append(None)
        return found


def _made(wrong: WrongGradient, run: _Run, names: dict[Node, str], way: Departure | None) -> Iterator[Ranked]:
    """Mistakes in the derivation that give what was given."""
    program, values = run.program, run.values_at(wrong.draws[0])
    right = program.gradient(wrong.at)
    if right is None:
        return
    language = wrong.problem.language
    words = Words(paper_names(program, names), language, mends=False, otherwise=program.script.names)
    given = wrong.given[0].double()
    found = []
    for one in _changes(program, values, words, right):
        if program.graph.work > MOST_WORK:
            break
        gradient = _result(program.graph, one, values, right)
        if gradient is not None and _is_likely(gradient, given) and not _is_same(gradient, wrong.right[0]):
            found.append(one)
    others = run.where_it_holds(wrong.draws[1:]) if found else []
    pairs = zip([values, *others], wrong.given, strict=False)
    there_too = [(at, mine) for at, mine in pairs if at is not None]
    fitting = []
    for one in found:
        fit = _fit(program.graph, one, right, there_too, wrong.fit_tolerance)
        if fit is not None:
            there = way is not None and any(node in way.nodes for node in one.instead)
            at_the_end = [*one.instead] == [right] or given.shape != wrong.right[0].shape
            plain = one.name == "truncated-in-time" or (one.name == "not-summed" and at_the_end)
            complexity = 1 if plain else 2 if there or one.name in TELLING else 3
            ranked, told = _explained(wrong, one, fit, complexity)
            if len(there_too) < len(wrong.draws):
                told = replace(told, diagnosis=replace(told.diagnosis, certain=False))
            fitting.append((ranked, told))
    if fitting:
        yield min(fitting, key=lambda pair: pair[0])


def _fit(
    graph: Graph, one: Change, last: Node, wanted: Sequence[tuple[Values, Tensor]], tolerance: float
) -> tuple[float, float] | None:
    """The factor with which a change gives what is wanted on every draw, and what is left; None if none."""
    found: list[Tensor] = []
    fit = None
    for at, _ in wanted:
        gradient = _result(graph, one, at, last)
        if gradient is None:
            return None
        found.append(gradient)
        fit = fit_factor(found, [t for _, t in wanted[: len(found)]], tolerance)
        if fit is None:
            return None
    return fit


def _explained(wrong: WrongGradient, one: Change, fit: tuple[float, float], complexity: int) -> Ranked:
    candidate = Candidate(one.name, sentence(one.text), wrong.right[0], complexity)
    explanation = explained_by_candidate(wrong.problem, wrong.draws[0], candidate, *fit)
    return (explanation.complexity, one.name not in TELLING, one.rank), explanation


def _mended(
    wrong: WrongGradient, steps: Steps, matches: dict[Node, Match], constants: Sequence[float]
) -> tuple[Ranked, Place | None] | None:
    """The change of the user's steps that gives the right gradient, and where it is due; None without one."""
    last = steps.returned[wrong.at] if wrong.at < len(steps.returned) else None
    if last is None or last.op == "input" or not is_real(last):
        return None
    graph = Graph(in_order(steps.all))
    values: Values = {node: node.value for node in graph.order}
    own = {node: node.name for node in steps.all if node.name}
    words = Words(own, wrong.problem.language, mends=True)
    way = [node for node in in_order([last]) if node not in steps.of_loss]
    given = [node for node in steps.all if node.op == "input"]
    tensors = Tensors(graph, values, given)
    lines: dict[tuple[str, int], list[Node]] = {}
    for node in steps.all:
        if node in set(way) and node.place is not None:
            lines.setdefault((node.place.file, node.place.line), []).append(node)
    tried = []
    right = wrong.right[0]
    blameless = _blameless(way, matches)
    to_blame = [node for node in way if node not in blameless]
    mends = chain(
        _all_changes(way, lines.values(), graph, values, words, tensors),
        other_dimension_in([node for node in way if node.target is not None], values, words),
        missing_factors(way, last, values, words, tensors),
        number_factors(to_blame, last, graph, values, right),
        other_numbers(way, lines.values(), values),
        other_constants(way, constants, words),
    )
    for one in mends:
        if graph.work > MOST_WORK:
            break
        gradient = _result(graph, one, values, last)
        if (
            gradient is not None
            and _is_likely(gradient, right)
            and not _is_same(gradient, wrong.given[0].double())
        ):
            tried.append(one)
    fitting = []
    others = [_values_on(wrong, graph, steps, draw) for draw in wrong.draws[1:]] if tried else []
    if not tried or any(at is None for at in others):
        return None
    everywhere = list(zip([values, *(at for at in others if at is not None)], wrong.right, strict=True))
    for one in tried:
        fit = _fit(graph, one, last, everywhere, wrong.fit_tolerance)
        if fit is not None and abs(fit[0] - 1) < LIKELY:
            ranked = _explained(wrong, one, (1.0, fit[1]), 2)
            fitting.append((ranked, one.first.place))
    return min(fitting, key=lambda pair: pair[0][0]) if fitting else None


def _blameless(way: Sequence[Node], matches: dict[Node, Match]) -> set[Node]:
    """The steps that are the derivation's, number by number, and those that lead to such steps alone."""
    users: dict[Node, list[Node]] = {}
    for node in way:
        for part in node.inputs:
            users.setdefault(part, []).append(node)
    found: set[Node] = set()
    for node in reversed(way):
        after = users.get(node, [])
        if matches[node].exact if node in matches else after and found.issuperset(after):
            found.add(node)
    return found


def _values_on(wrong: WrongGradient, graph: Graph, steps: Steps, draw: Draw) -> Values | None:
    other = steps_of(wrong.problem, draw)
    if [n.op for n in other.all] != [n.op for n in steps.all]:
        return None
    values = {node: node.value for node in in_order(steps.all)}
    values.update({node: twin.value for node, twin in zip(steps.all, other.all, strict=True)})
    return values


def _changes(program: DerivedProgram, values: Values, words: Words, right: Node) -> Iterator[Change]:
    """All changes of the derivation on the way to a gradient."""
    forward = in_order([program.program.output])
    before = set(forward)
    way = [node for node in in_order([right]) if node not in before and node.target is not None]
    groups: dict[object, list[Node]] = {}
    for node in program.graph.order:
        if node in set(way) and node.call is not None:
            groups.setdefault(node.call, []).append(node)
    activations = {
        call.outputs[0]: call.inputs[0]
        for call in program.program.calls
        if call.kind in ("activation", "normalisation") and isinstance(call.inputs[0], Node)
    }
    tensors = Tensors(program.graph, values, [*forward, *program.program.inputs], activations)
    program.graph.work = 0
    yield from of_calls(program, values, words, set(way))
    yield from by_values(program, values, words, right)
    yield from _all_changes(way, groups.values(), program.graph, values, words, tensors)


def _all_changes(
    way: Sequence[Node],
    groups: Iterable[Sequence[Node]],
    graph: Graph,
    values: Values,
    words: Words,
    tensors: Tensors,
) -> Iterator[Change]:
    steps = [node for node in way if node.target is not None and isinstance(values[node], Tensor)]
    are_many = len(steps) > MANY_STEPS
    if are_many:  # the last ones are computed anew in less time than the first
        steps = steps[::-1]
        for node in steps[:FEW_STEPS]:
            yield from of_step(node, values, words)
        yield from again_and_again(steps[::-1], graph, values, words, tensors)
        steps = steps[FEW_STEPS:]
    for node in steps:
        yield from of_step(node, values, words)
    for group in groups:
        yield from in_a_group(group, graph, values, words, tensors)
    if not are_many:
        yield from again_and_again(steps, graph, values, words, tensors)
    for node in steps:
        yield from in_one_step(node, values, words, tensors)


def _result(graph: Graph, one: Change, values: Values, last: Node) -> Tensor | None:
    """What comes out with the change; None if it cannot be made."""
    try:
        with torch.no_grad():
            found = graph.with_changes(one.instead, values, last)
            dense = found.to_dense() if isinstance(found, Tensor) and found.is_sparse else found
            return dense.double() if isinstance(dense, Tensor) else None
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None


def _is_likely(gradient: Tensor, given: Tensor) -> bool:
    """Whether it may be a multiple of what was given."""
    if gradient.shape != given.shape:
        return False
    a, b = gradient.reshape(-1), given.reshape(-1)
    size = float(a.norm() * b.norm())
    if not size:
        return not a.any() and not b.any()
    return abs(float(a @ b)) > (1 - LIKELY) * size


def _is_same(gradient: Tensor, other: Tensor) -> bool:
    """Whether the change has changed nothing."""
    return gradient.shape == other.shape and torch.allclose(gradient, other, 1e-9, 1e-12)
