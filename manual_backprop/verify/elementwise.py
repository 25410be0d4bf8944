"""The mistakes in g · f′(x), where each output depends on its own input only."""

from collections.abc import Iterator

import torch
from torch import Tensor

from manual_backprop.verify.problem import Candidate, Draw, Problem


def elementwise(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The slope missing, doubled, inverted, taken elsewhere; the output or the input in its stead."""
    position, v = problem.differentiable[at], draw.upstream
    x, a = draw.inputs[position], draw.output
    if x.shape != a.shape:
        return
    slope = problem.right(draw, torch.ones_like(v))[at]
    yield Candidate(
        "local-derivative", "The local derivative is missing: yours is grad_output itself", v.clone()
    )
    yield Candidate("value-for-slope", "The output stands where its derivative is due", v * a)
    yield Candidate("input-for-slope", "The input stands where the local derivative is due", v * x)
    if not torch.allclose(problem.right(draw)[at], v * slope, rtol=1e-9, atol=1e-12):
        return  # the rest is about a Jacobian that is diagonal
    yield Candidate("slope-twice", "The local derivative is multiplied in twice", v * slope**2)
    yield Candidate("slope-inverted", "grad_output is divided by the local derivative", v / slope)
    yield Candidate("mask-inverted", "The mask is inverted: yours is 1 − f′ where f′ is due", v * (1 - slope))
    for place, where in ((a, "at the output"), (v, "at grad_output")):
        moved = _slope_at(problem, draw, at, place)
        if moved is not None:
            yield Candidate(
                "wrong-place", f"The local derivative is taken {where} instead of at the input", v * moved
            )
    in_terms_of_output = _slope_from_output(a, slope, x)
    if in_terms_of_output is not None:
        text = "The formula for f′ in terms of the output is given the input"
        yield Candidate("wrong-place", text, v * in_terms_of_output)


def _slope_at(problem: Problem, draw: Draw, at: int, place: Tensor) -> Tensor | None:
    position = problem.differentiable[at]
    inputs = tuple(place if i == position else y for i, y in enumerate(draw.inputs))
    slope = problem.right(Draw(inputs, draw.upstream, draw.output), torch.ones_like(draw.upstream))[at]
    return slope if slope.isfinite().all() else None


def _slope_from_output(a: Tensor, slope: Tensor, x: Tensor) -> Tensor | None:
    """h(x), where f′ = h(f) with h a short sum of powers, as for sigmoid, tanh, exp, √ and 1/x."""

    def powers(t: Tensor) -> Tensor:
        t = t.flatten().double()
        return torch.stack([t**k for k in (-2, -1, 0, 1, 2)], 1)

    columns = powers(a)
    if a.numel() < 12 or not columns.isfinite().all():
        return None
    weights = torch.linalg.lstsq(columns, slope.flatten().double()[:, None]).solution
    fitted = (columns @ weights).reshape(a.shape)
    if not torch.allclose(fitted, slope.double(), rtol=1e-8, atol=1e-10):
        return None
    return (powers(x) @ weights.where(weights.abs() > 1e-7, 0)).reshape(x.shape).to(x.dtype)
