"""The upstream gradients of several outputs: one that is not used, two that are exchanged.

Each is seen with one output's upstream gradient alone, the others being zero: what is given then is zero, or
is what is right for another output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from torch import Tensor

from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.judging.comparison import compares, largest, relative_error
from manual_backprop.verify.problem import Draw, Problem


@dataclass(frozen=True, eq=False)
class Alone:
    """What is given, and what is right, with the gradient of one output alone.

    Attributes:
        name: of the output.
        problem: with this output as the value.
        draws: with this output's upstream gradient.
        given, right: of each input, on each draw.
    """

    name: str
    problem: Problem
    draws: Sequence[Draw]
    given: Sequence[Sequence[Any]]
    right: Sequence[Sequence[Tensor]]

    @property
    def upstream(self) -> str:
        """What its upstream gradient is called."""
        own = self.problem.upstream
        return own if own != "grad_output" else f"the gradient of {self.name}"


def alone(name: str, problem: Problem, draws: Sequence[Draw]) -> Alone:
    """The gradients with this output's upstream gradient, the others being zero.

    Raises:
        Malformed: the derivation cannot be run.
        Unjudged: it is not known what is right.
    """
    given = [problem.given(draw) for draw in draws]
    return Alone(name, problem, draws, given, [problem.finite_right(draw) for draw in draws])


def not_used(one: Alone, at: int) -> Diagnosis | None:
    """That nothing comes back from this output, to one input or to all."""
    if not _is_zero(one, at):
        return None
    reached = [i for i in range(len(one.right[0])) if any(right[i].any() for right in one.right)]
    if all(_is_zero(one, i) for i in reached):
        text = f"{_first_large(one.upstream)} is not used: nothing comes back from {one.name}."
        return Diagnosis("upstream-ignored", text, 0.0, True)
    name = one.problem.names[one.problem.differentiable[at]]
    text = f"What comes back to {name} from {one.name} is left out: {one.upstream} does not get there."
    return Diagnosis("left-out", text, 0.0, True)


def _is_zero(one: Alone, at: int) -> bool:
    """Whether zeros are given where they are not right."""
    known = all(compares(given[at], right[at]) for given, right in zip(one.given, one.right, strict=True))
    return known and not any(g[at].any() for g in one.given) and any(r[at].any() for r in one.right)


def _first_large(text: str) -> str:
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def exchanged(ones: Sequence[Alone], tolerance: float) -> Diagnosis | None:
    """That the upstream gradient of one output is taken for that of another one."""
    for one, other in permutations(ones, 2):
        if one.draws[0].upstream.shape != other.draws[0].upstream.shape:
            continue
        if _is_taken_for(one, other, tolerance):
            text = f"{_first_large(one.upstream)} stands where {other.upstream} is due"
            both = _is_taken_for(other, one, tolerance)
            return Diagnosis(
                "swapped", f"{text}, and the other way round." if both else f"{text}.", 0.0, True
            )
    return None


def _is_taken_for(one: Alone, other: Alone, tolerance: float) -> bool:
    """Whether what is given for one output is right for another one."""
    if _are(one.given, one.right, tolerance):
        return False
    there = [
        other.problem.finite_right(Draw(draw.inputs, draw.upstream, twin.output))
        for draw, twin in zip(one.draws, other.draws, strict=True)
    ]
    return _are(one.given, there, tolerance)


def _are(given: Sequence[Sequence[Any]], right: Sequence[Sequence[Tensor]], tolerance: float) -> bool:
    """Whether all gradients on all draws are these."""
    pairs = [pair for mine, due in zip(given, right, strict=True) for pair in zip(mine, due, strict=True)]
    return all(compares(g, r) and relative_error(g, r, largest(r)) <= tolerance for g, r in pairs)
