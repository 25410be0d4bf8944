"""From gradients to a verdict: is it right, where is it wrong, and which mistake explains it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.changed_forward import changed_forwards
from manual_backprop.verify.diagnosis.changed_steps import found_in_derivation
from manual_backprop.verify.diagnosis.derived_program import derived_programs
from manual_backprop.verify.diagnosis.error_patterns import growth, pattern
from manual_backprop.verify.diagnosis.explain import Explained, explain
from manual_backprop.verify.diagnosis.jacobians import jacobians
from manual_backprop.verify.diagnosis.users_steps import steps_of
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.draws import draws_to_fit
from manual_backprop.verify.findings import Diagnosis, Finding, Judgement
from manual_backprop.verify.judging.comparison import (
    compares,
    facts,
    is_finite,
    kind_of,
    largest,
    least_precise,
    malformed,
    name_of,
    refused,
    relative_error,
    tolerance_for,
)
from manual_backprop.verify.judging.kinks import judged_at_zero, slopes_at
from manual_backprop.verify.judging.narrow_types import in_a_narrow_type, rounded_on_the_way
from manual_backprop.verify.judging.scales import rounding_of_right, scale_of
from manual_backprop.verify.judging.second_derivatives import second_derivatives
from manual_backprop.verify.judging.upstreams import tried_with_each
from manual_backprop.verify.problem import Draw, OwnBackward, Problem, as_autograd_takes_them

ALLOWED = 4  # times the error that autograd makes itself
ROUNDED_IN_FLOAT64 = 1e-7  # a larger error is no rounding, also where terms cancel


@dataclass(frozen=True, eq=False)
class Compared:
    """The gradient with respect to one input: yours and the right one at each point.

    Attributes:
        problem: the forward and its derivation.
        draws: the points.
        at: which of the differentiable inputs.
        given: the derivation's gradient at each point; `again`, at the first point when called once more.
        returned: the last one as it was returned, of whatever type.
        rights: the right gradients of all inputs at each point, in float64.
    """

    problem: Problem
    draws: Sequence[Draw]
    at: int
    given: Sequence[Any]
    again: Any
    returned: Any
    rights: Sequence[tuple[Tensor, ...]]

    @property
    def name(self) -> str:
        """Of the input."""
        return self.problem.names[self.problem.differentiable[self.at]]

    @property
    def input(self) -> Tensor:
        """Its numbers at the first point."""
        return self.draws[0].inputs[self.problem.differentiable[self.at]]

    @property
    def dtype(self) -> torch.dtype:
        """In which it is known."""
        return least_precise(self.input, self.draws[0].output)

    @property
    def right(self) -> list[Tensor]:
        """The right gradient at each point."""
        return [right[self.at] for right in self.rights]

    @property
    def tolerance(self) -> float:
        """The relative error that counts as rounding."""
        return max(tolerance_for(self.dtype), self.problem.precision)

    def wrong(self, errors: Sequence[float]) -> WrongGradient:
        """What is to be explained: on as many points as that needs, or on all if it is right on these."""
        count = draws_to_fit(self.input.numel())
        if max(errors[:count], default=0.0) <= self.tolerance:
            count = len(self.draws)
        draws, given, right = self.draws[:count], self.given[:count], self.right[:count]
        return WrongGradient(self.problem, draws, self.at, given, right, self.tolerance)


def judge(problem: Problem, draws: Sequence[Draw]) -> Judgement:
    """The verdict on the gradient of each input that has one, over all draws.

    Raises:
        Malformed: the derivation cannot be run, or does not return one gradient for each input.
        Unjudged: it is not known what is right, or there are no numbers to compare.
    """
    given = [problem.given(draw) for draw in draws]
    returned = problem.returned(draws[0])
    again = as_autograd_takes_them(returned)
    changed = problem.changed_in_place(draws[0])
    right = [problem.finite_right(draw) for draw in draws]
    try:
        findings = tuple(
            _finding(Compared(problem, draws, at, [g[at] for g in given], again[at], returned[at], right))
            for at in range(len(problem.differentiable))
        )
    finally:
        derived_programs.cache_clear()  # the programs hold the tensors of every draw
        changed_forwards.cache_clear()
        jacobians.cache_clear()
        steps_of.cache_clear()
    findings, flaw = tried_with_each(
        problem, draws[0], right[0], findings, writes=problem.upstream in changed
    )
    remark = ""
    if changed:
        over = f"writes over {' and '.join(changed)} in place"
        copy = f"work on a copy, {changed[0]}.{problem.language.code.copy}()"
        if isinstance(problem.backward, OwnBackward):
            flaw = f"your backward {over}, which others may still need: {copy}"
        else:  # who calls it may have no more need of what is written over
            remark = f"Your derivation {over}. In a torch.autograd.Function that would be wrong: {copy}."
    second = ""
    if all(finding.status == "right" for finding in findings) and not flaw:
        second = second_derivatives(problem, draws[0])
    return Judgement(findings, flaw, remark, second)


def _finding(compared: Compared) -> Finding:
    """The verdict on one input; what there is to say of the type of a gradient comes first."""
    finding = _repeated(compared) or _verdict(compared)
    if finding.status == "malformed":
        return finding
    kind = kind_of(compared.returned, compared.input)
    return replace(finding, remark=" ".join(filter(None, (kind, finding.remark))))


def _verdict(compared: Compared) -> Finding:
    given, right, x, tolerance = compared.given, compared.right, compared.input, compared.tolerance
    tries = (malformed(g, x) for g in (*given, compared.again))
    flaw = refused(compared.returned) or next(filter(None, tries), "")
    if flaw:
        if kink := _undefined_at_a_kink(compared):
            return Finding(compared.name, "unjudged", remark=f"{flaw}, {kink}")
        as_if_wrong = compared.wrong([float("inf")] * len(given))
        explains = all(map(is_finite, given)) and not refused(compared.returned)
        told = explain(as_if_wrong) if explains else Explained()
        return Finding(
            compared.name,
            "malformed",
            tolerance=tolerance,
            departure=told.departure,
            diagnoses=told.diagnoses,
            remark=flaw,
        )
    if x.numel() == 0:
        return Finding(
            compared.name, "unjudged", remark="it has no elements: there are no numbers to compare"
        )

    problem, at = compared.problem, compared.at
    points = zip(compared.draws, given, compared.rights, strict=True)
    scales = [scale_of(problem, draw, at, mine, rights) for draw, mine, rights in points]
    errors = [relative_error(*three) for three in zip(given, right, scales, strict=True)]
    worst = max(range(len(errors)), key=lambda i: errors[i])
    found = facts(compared.name, given[worst], right[worst], scales[worst], compared.dtype)
    if problem.precision > tolerance_for(compared.dtype):
        found["tolerance"] = tolerance
        found["tolerance_from"] = f"{tolerance:.0e} of the largest entry (that of central differences)"
    may_be_rounding = x.dtype != torch.float64 or errors[worst] <= ROUNDED_IN_FLOAT64
    if (
        errors[worst] > tolerance
        and may_be_rounding
        and errors[worst] <= ALLOWED * _autograds_error(compared, scales)
    ):
        tolerance = found["tolerance"] = errors[worst]  # no worse than PyTorch's own, which cancels as much
        found["tolerance_from"] = (
            f"{ALLOWED} times the error of autograd's own gradient in {name_of(x.dtype)}"
        )
    if errors[worst] <= tolerance:
        finding = Finding(status="right", **found)
        return judged_at_zero(problem, compared.draws[0], at, finding)
    found |= {"status": "wrong", "passes_with_ones": _passes_with_ones(compared)}
    narrow = in_a_narrow_type(given, right, errors[worst], x.dtype)
    wrong = compared.wrong(errors)
    if narrow:
        found["departure"] = str(found_in_derivation(wrong).departure or "")
        return Finding(**found, diagnoses=(narrow,))
    point = compared.draws[worst]
    rounded = rounded_on_the_way(problem, point, at, errors[worst], x.dtype)
    if rounded is None or rounded.name != "float32":  # so small an error can be fitted with anything
        told = explain(wrong)
        found["departure"] = told.departure
        if told.diagnoses:
            return Finding(**found, diagnoses=told.diagnoses)
    if rounded:
        found["departure"] = found.get("departure") or str(found_in_derivation(wrong).departure or "")
        return Finding(**found, diagnoses=(rounded,))
    diagnoses, where = pattern(wrong)
    remark = " ".join(filter(None, (where, growth(wrong))))
    return Finding(**found, diagnoses=diagnoses, remark=remark)


def _autograds_error(compared: Compared, scales: Sequence[float]) -> float:
    """How far autograd's gradient in the type of the input is from that in float64, or in more digits."""
    if compared.input.dtype == torch.float64:
        points = zip(compared.draws, scales, strict=True)
        return max(rounding_of_right(compared.problem, draw, compared.at, scale) for draw, scale in points)
    own = [compared.problem.right(draw)[compared.at] for draw in compared.draws]
    return max(relative_error(*three) for three in zip(own, compared.right, scales, strict=True))


def _undefined_at_a_kink(compared: Compared) -> str:
    """What is to be said if yours is not finite at the first point only, and the forward has a kink there."""
    first, *others = compared.given
    if any(malformed(g, compared.input) for g in others) or not compares(first, compared.right[0]):
        return ""
    undefined = (~first.isfinite()).nonzero().tolist()
    if not undefined:
        return ""
    slopes = slopes_at(compared.problem, compared.draws[0].double(), compared.at, tuple(undefined[0]))
    if slopes is None or not slopes.differ:
        return ""
    sides = f"{slopes.left:.3g} on the left and {slopes.right:.3g} on the right"
    return f"where the forward has a kink: its slope is {sides}"


def _repeated(compared: Compared) -> Finding | None:
    """A verdict if a second call of the derivation at the same point returns something else."""
    given, again, right = compared.given, compared.again, compared.right
    if not all(compares(g, again) for g in (*given, again)):
        return None
    if torch.equal(again.nan_to_num(), given[0].nan_to_num()):
        return None
    tolerance = compared.tolerance
    totals = list(accumulate([*right, right[0]]))
    if all(
        relative_error(g, total, largest(total)) <= tolerance
        for g, total in zip([*given, again], totals, strict=True)
    ):
        text = "Yours accumulates from call to call: each gradient has all earlier ones added to it."
        error = relative_error(again, totals[-1], largest(totals[-1]))
        diagnosis = Diagnosis("accumulates", text, error, True)
    else:
        text = "Yours returns something else when it is called again: it is random or keeps state."
        error = relative_error(again, given[0], largest(given[0]))
        diagnosis = Diagnosis("not-repeatable", text, error, True)
    found = facts(compared.name, again, right[0], largest(right[0]), compared.input.dtype)
    return Finding(status="wrong", **found, diagnoses=(diagnosis,))


def _passes_with_ones(compared: Compared) -> bool:
    problem, draw, at = compared.problem, compared.draws[0], compared.at
    if problem.is_loss:
        return False
    ones = torch.ones_like(draw.upstream)
    given, right = problem.given(draw, ones)[at], problem.right(draw, ones)[at]
    if not compares(given, right):
        return False
    difference = given - right
    scale = float(problem.right(draw)[at].abs().max())  # with ones, the right gradient itself may be zero
    return bool((difference.abs() <= compared.tolerance * scale).all())
