"""What the error of a gradient is relative to: its largest entry, unless terms cancel in it.

The gradient of a bias before a batch norm is zero, that of a saturated softmax nearly so: terms cancel, and
their rounding is left, which another formula leaves differently. To compare that with the small difference of
the terms would call a right formula wrong. Rounding in float32 is told from a mistake by what is left of it
in float64, and rounding in float64 by what becomes of it at a point that is nearly the same: a mistake is
nearly the same there, and rounding is another.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.verify.judging.comparison import (
    compares,
    largest,
    least_precise,
    relative_error,
    tolerance_for,
)
from manual_backprop.verify.problem import Draw, Malformed, Problem, Unjudged

UNRELATED = 0.3  # relative change of an error that shows it to be rounding
CHANGES = 3
NEAR = 1e-4  # relative, between the two points: what is left of 1 − p in a saturated softmax is to change
STEP = 1e-7  # relative: its square is below rounding, and it changes what is left of 1 − p
TIMES_SEEN = 16.0
CANCELLED = 1e-2  # a gradient smaller than this, relative to its terms, may be what is left of them


def largest_entry(right: Tensor, dtype: torch.dtype) -> float:
    """Of the right gradient: what its errors are relative to, if numbers as small are of the type."""
    return max(largest(right), torch.finfo(dtype).tiny / tolerance_for(dtype))


def size_of_terms(problem: Problem, draw: Draw, at: int, right: Sequence[Tensor]) -> float:
    """How large the terms may be that cancel in the gradient of input `at`.

    What is seen of them are the gradients of all inputs, `right`; these times their input, over this input;
    the terms of the loss, over this input; and the upstream gradient. They may be a few times larger.
    """
    sizes = [largest(draw.inputs[i]) or 1.0 for i in problem.differentiable]
    loss = float((draw.output.double() * draw.upstream.double()).abs().sum())
    by_input = [largest(r) * size for r, size in zip(right, sizes, strict=True)]
    seen = max(loss / sizes[at], max(by_input) / sizes[at], *map(largest, right), largest(draw.upstream))
    return TIMES_SEEN * seen


def scale_of(problem: Problem, draw: Draw, at: int, given: object, right: Sequence[Tensor]) -> float:
    """What the error of the gradient of input `at` is relative to; `right` are those of all inputs."""
    dtype = least_precise(draw.inputs[problem.differentiable[at]], draw.output)
    own = largest_entry(right[at], dtype)
    tolerance = max(tolerance_for(dtype), problem.precision)
    if not isinstance(given, Tensor) or not compares(given, right[at]) or not given.isfinite().all():
        return own
    terms = size_of_terms(problem, draw, at, right)
    within_own, within_terms = (relative_error(given, right[at], s) <= tolerance for s in (own, terms))
    if within_own or not within_terms:
        return own
    cancels = largest(right[at]) < CANCELLED * terms
    return terms if cancels and (not right[at].any() or _is_rounding(problem, draw, at, right)) else own


def _is_rounding(problem: Problem, draw: Draw, at: int, right: Sequence[Tensor]) -> bool:
    exact = draw.double()
    if draw.inputs[problem.differentiable[at]].dtype == torch.float64:
        return is_erratic(problem, exact, at, NEAR)
    try:
        given = problem.given(exact)[at]
    except Malformed:
        return False  # it works in the narrower type only
    if not compares(given, right[at]):
        return False
    scale = scale_of(problem, exact, at, given, right)
    return relative_error(given, right[at], scale) <= tolerance_for(torch.float64)


def is_erratic(problem: Problem, draw: Draw, at: int, near: float) -> bool:
    """Whether the error is another one after a change of all numbers by at most `near`, relative to them."""

    def error(point: Draw) -> Tensor:
        difference: Tensor = problem.given(point)[at].double() - problem.right(point.double())[at]
        return difference

    try:
        here = error(draw)
        return any((error(p) - here).norm() > UNRELATED * here.norm() for p in _near(problem, draw, near))
    except NOT_SO_NEAR:
        return False


def rounding_of_right(problem: Problem, draw: Draw, at: int, scale: float) -> float:
    """How far the right gradient, relative to the scale, is from a straight line between two points near by.

    In 1 − p of a saturated sigmoid, autograd's gradient has no more digits than are left in it, where one
    that is derived by hand may have all.
    """
    try:
        here = problem.right(draw)[at]
        ends = [[problem.right(point)[at] for point in _near(problem, draw, sign * STEP)] for sign in (1, -1)]
    except NOT_SO_NEAR:
        return 0.0
    return max(relative_error((left + right) / 2, here, scale) for left, right in zip(*ends, strict=True))


NOT_SO_NEAR = (Malformed, Unjudged, RuntimeError, ValueError, TypeError, AttributeError)
"""What cannot be computed at a point that is near is no sign of rounding."""


def _near(problem: Problem, draw: Draw, near: float) -> Iterator[Draw]:
    """Points at which all numbers are others by at most `near`, relative to them."""
    generator = torch.Generator("cpu").manual_seed(0)

    def moved(x: Tensor) -> Tensor:
        if not x.is_floating_point():
            return x
        shift = torch.rand(x.shape, generator=generator, dtype=torch.float64, device="cpu").to(x.device)
        return (x.double() * (1 + near * (2 * shift - 1))).to(x.dtype)

    for _ in range(CHANGES):
        inputs = tuple(moved(x) for x in draw.inputs)
        yield Draw(inputs, moved(draw.upstream), problem.value(inputs))
