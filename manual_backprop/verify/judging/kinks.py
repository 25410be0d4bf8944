"""Is a right gradient right where an input is exactly zero, too? Many functions have a kink there.

Autograd is not taken at its word: the slopes of the function itself decide, on the left and on the right of
one number that is zero. With L(h) = ⟨grad_output, f(x + h e)⟩ they are (L(0) − L(−h)) / h and
(L(h) − L(0)) / h. Where they settle as h shrinks and

- differ, there is a kink, and autograd takes some number between the two, by convention; where there is no
  such convention, as for a function in NumPy, any number between the two is right;
- agree with each other and with autograd, there is none, and another number is wrong;
- or else nothing is concluded.
"""

from dataclasses import dataclass, replace
from math import isfinite

import torch
from torch import Tensor

from manual_backprop.verify.draws import at_zero, zeroed
from manual_backprop.verify.findings import Diagnosis, Finding
from manual_backprop.verify.judging.comparison import compares, facts
from manual_backprop.verify.judging.scales import scale_of
from manual_backprop.verify.problem import Draw, Malformed, Problem, Unjudged

STEP, SMALLER_STEP = 1e-5, 1e-7
SETTLED = 1e-3  # relative to the slopes, of what a hundredth of the step changes in them
ROUNDING = 1e-7  # relative to the terms of L, of a difference over the smaller step
MOST_TRIED = 3  # numbers that are zero, one by one


@dataclass(frozen=True)
class Slopes:
    """Of a function at a point, along one coordinate.

    Attributes:
        left: below the point, `right`: above it.
        uncertainty: of both.
    """

    left: float
    right: float
    uncertainty: float

    @property
    def differ(self) -> bool:
        """Whether there is a kink."""
        return abs(self.right - self.left) > 10 * self.uncertainty

    def allow(self, derivative: float) -> bool:
        """Whether it is between the two."""
        low, high = sorted((self.left, self.right))
        return low - self.uncertainty <= derivative <= high + self.uncertainty


def judged_at_zero(problem: Problem, draw: Draw, at: int, finding: Finding) -> Finding:
    """What becomes of the verdict "right" when some of the input's numbers are exactly zero."""
    there = at_zero(problem, draw, at)
    if there is None or (right := _right(problem, there)) is None:
        return finding
    try:
        given = problem.given(there)[at]
    except Malformed as reason:
        remark = f"Where some numbers of the input are exactly zero, {str(reason).rstrip('.')}."
        return replace(finding, remark=f"{finding.remark} {remark}".strip())
    if not compares(given, right[at]):
        return finding
    undefined = ~given.isfinite()
    if undefined.any():
        index = tuple(undefined.nonzero()[0].tolist())
        remark = (
            f"Yours divides by zero where an input is exactly zero: at {list(index)} it is then "
            f"{float(given[index])}, right is {float(right[at][index]) + 0.0:.3g}."
        )
        return replace(finding, remark=f"{finding.remark} {remark}".strip())
    scale = scale_of(problem, there, at, given, right)
    is_zero = there.inputs[problem.differentiable[at]] == 0
    error = (given.double() - right[at]).abs() * is_zero
    wrong = (error > finding.tolerance * scale).nonzero()
    for index in wrong[:MOST_TRIED].tolist():
        found = _where_one_is_zero(problem, draw, at, tuple(index), finding)
        if found is not None:
            return found
    return finding


def _right(problem: Problem, draw: Draw) -> tuple[Tensor, ...] | None:
    """Autograd's gradients; None if there are none, or not everywhere."""
    try:
        right = problem.right(draw.double())
    except Unjudged:
        return None
    return right if all(r.isfinite().all() for r in right) else None


def _where_one_is_zero(
    problem: Problem, draw: Draw, at: int, index: tuple[int, ...], finding: Finding
) -> Finding | None:
    """The verdict with one number zero, where neither another zero nor a tie can be the reason."""
    x = draw.inputs[problem.differentiable[at]]
    only = torch.zeros_like(x, dtype=torch.bool)
    only[index] = True
    there = zeroed(problem, draw, at, only)
    if there is None or (right := _right(problem, there)) is None:
        return None
    slopes = slopes_at(problem, there.double(), at, index)
    try:
        given = problem.given(there)[at]
    except Malformed:
        return None
    if slopes is None or not compares(given, right[at]) or not given.isfinite().all():
        return None
    if not problem.has_convention and slopes.differ and slopes.allow(float(given[index])):
        return None
    autograd, yours = float(right[at][index]), float(given[index])
    scale = scale_of(problem, there, at, given, right)
    if not slopes.allow(autograd) or abs(yours - autograd) <= max(
        finding.tolerance * scale, slopes.uncertainty
    ):
        return None
    except_there = "Yours is right except where the input is exactly zero."
    slope = f"the slope of the output times {problem.upstream}"
    if slopes.differ:
        name = "mask-at-tie"
        text = (
            f"{except_there} There the function has a kink: {slope} is {slopes.left:.3g} on the left and "
            f"{slopes.right:.3g} on the right. PyTorch takes {autograd:.3g}, and yours is {yours:.3g}: look "
            "at < and <= in the mask"
        )
    else:
        name = "wrong-at-zero"
        text = (
            f"{except_there} There {slope} is {slopes.left:.3g} on the left and on the right, and yours is "
            f"{yours:.3g}"
        )
    here = torch.where(only, given, right[at].to(given.dtype))
    found = facts(finding.name, here, right[at], scale, x.dtype)
    diagnosis = Diagnosis(name, text, 0.0, True)
    return Finding(status="wrong", **found, diagnoses=(diagnosis,), remark=finding.remark)


def slopes_at(problem: Problem, draw: Draw, at: int, index: tuple[int, ...]) -> Slopes | None:
    """On both sides of one number of input `at`; None if they do not settle as the step shrinks."""

    def loss(h: float) -> float:
        inputs = [x.clone() for x in draw.inputs]
        inputs[problem.differentiable[at]][index] += h
        return float((problem.value(inputs) * draw.upstream).sum())

    try:
        middle = loss(0.0)
        left, nearer_left = ((middle - loss(-h)) / h for h in (STEP, SMALLER_STEP))
        right, nearer_right = ((loss(h) - middle) / h for h in (STEP, SMALLER_STEP))
    except (Exception, SystemExit):  # the forward is the user's own, and may raise anything
        return None
    terms = float((draw.output * draw.upstream).abs().sum())
    uncertainty = SETTLED * max(abs(nearer_left), abs(nearer_right)) + ROUNDING * terms
    if not all(map(isfinite, (left, nearer_left, right, nearer_right))):
        return None
    if max(abs(left - nearer_left), abs(right - nearer_right)) > uncertainty:
        return None
    return Slopes(nearer_left, nearer_right, uncertainty)
