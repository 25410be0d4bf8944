"""The mistakes in g · f′(x), where each output depends on its own input only."""

from collections.abc import Iterator

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.fitted_formula import powers_of, weights_of_powers
from manual_backprop.verify.diagnosis.slopes import SLOPES, is_mask
from manual_backprop.verify.problem import Draw, Problem

WITHOUT_SLOPE = ("local-derivative", "value-for-slope", "input-for-slope")
WITH_SLOPE = ("slope-twice", "slope-inverted", "mask-inverted")
RTOL, ATOL = 1e-9, 1e-12  # gradients of float64 that are closer than this are the same


def elementwise(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The slope missing, doubled, inverted, taken elsewhere; the output or the input in its place."""
    position, v = problem.differentiable[at], draw.upstream
    x, a = draw.inputs[position], draw.output
    if x.shape != a.shape:
        spread = _spread_again(v, x.shape, a.shape)
        if spread is not None:
            text = f"The local derivative is missing: yours is {problem.upstream} itself, at every input"
            yield Candidate("local-derivative", text, spread, 2)
        return
    slope = problem.right(draw, torch.ones_like(v))[at]
    for kind in WITHOUT_SLOPE:
        yield _candidate(problem, kind, slope, x, a, v)
    if not torch.allclose(problem.right(draw)[at], v * slope, RTOL, ATOL):
        return  # the Jacobian is not diagonal: it has no slope
    for kind in WITH_SLOPE:
        if kind == "mask-inverted" and not is_mask(slope):
            continue
        yield _candidate(problem, kind, slope, x, a, v)
    for place, where in ((a, "at the output"), (v, f"at {problem.upstream}")):
        moved = _slope_at(problem, draw, at, place)
        if moved is not None:
            yield Candidate(
                "wrong-place", f"The local derivative is taken {where} instead of at the input", v * moved
            )
    in_terms_of_output = _slope_from_output(a, slope, x)
    if in_terms_of_output is not None:
        text = "The formula for f′ in terms of the output is given the input"
        yield Candidate("wrong-place", text, v * in_terms_of_output)


def _candidate(problem: Problem, kind: str, slope: Tensor, x: Tensor, a: Tensor, v: Tensor) -> Candidate:
    text, formula = SLOPES[kind]
    more = f": yours is {problem.upstream} itself" if kind == "local-derivative" else ""
    return Candidate(kind, f"{text[0].upper()}{text[1:]}{more}", v * formula(slope, x, a))


def _spread_again(v: Tensor, shape: torch.Size, reduced: torch.Size) -> Tensor | None:
    """grad_output over the dimensions that the forward has summed or taken the largest of."""
    if len(reduced) == len(shape):
        return v.expand(shape) if all(r in (1, s) for r, s in zip(reduced, shape, strict=True)) else None
    if len(reduced) == 0:
        return v.expand(shape)
    for dim in range(len(shape)):
        if reduced == (*shape[:dim], *shape[dim + 1 :]):
            return v.unsqueeze(dim).expand(shape)
    return None


def _slope_at(problem: Problem, draw: Draw, at: int, place: Tensor) -> Tensor | None:
    position = problem.differentiable[at]
    inputs = tuple(place if i == position else y for i, y in enumerate(draw.inputs))
    slope = problem.right(Draw(inputs, draw.upstream, draw.output), torch.ones_like(draw.upstream))[at]
    return slope if slope.isfinite().all() else None


def _slope_from_output(a: Tensor, slope: Tensor, x: Tensor) -> Tensor | None:
    """h(x), where f′ = h(f) with h a short sum of powers, as for sigmoid, tanh, exp, √ and 1/x."""
    weights = weights_of_powers(a, slope)
    if weights is None:
        return None
    return (powers_of(x) @ weights).reshape(x.shape).to(x.dtype)
