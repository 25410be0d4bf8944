"""The mistakes in g · f′(x), where each output depends on its own input only."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.wrong_derivatives import WRONG_DERIVATIVES
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Problem

KINDS = (
    "local-derivative",
    "value-for-slope",
    "input-for-slope",
    "slope-twice",
    "slope-inverted",
    "mask-inverted",
)


def elementwise(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The slope missing, doubled, inverted, taken elsewhere; the output or the input in its stead."""
    position, v = problem.differentiable[at], draw.upstream
    x, a = draw.inputs[position], draw.output
    if x.shape != a.shape:
        spread = _spread_again(v, x.shape, a.shape)
        if spread is not None:
            text = "The local derivative is missing: yours is grad_output itself, at every input"
            yield Candidate("local-derivative", text, spread, 2)
        return
    slope = problem.right(draw, torch.ones_like(v))[at]
    for kind in KINDS:
        if kind == "slope-twice" and not torch.allclose(problem.right(draw)[at], v * slope, 1e-9, 1e-12):
            return  # from here on it is about a Jacobian that is diagonal
        yield _candidate(kind, slope, x, a, v)
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


def _candidate(kind: str, slope: Tensor, x: Tensor, a: Tensor, v: Tensor) -> Candidate:
    mistake = WRONG_DERIVATIVES[kind]
    assert mistake.slope is not None
    more = ": yours is grad_output itself" if kind == "local-derivative" else ""
    return Candidate(
        kind, f"{mistake.text[0].upper()}{mistake.text[1:]}{more}", v * mistake.slope(slope, x, a)
    )


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
    weights = _in_powers_of(a, slope)
    if weights is None:
        return None
    return (_powers(x) @ weights).reshape(x.shape).to(x.dtype)


def formula(problem: Problem, draws: Sequence[Draw], at: int, given: Sequence[Tensor]) -> Iterator[Diagnosis]:
    """Yours and the right one as polynomials in the output, or in the input, where both are such."""
    v = [draw.upstream.flatten() for draw in draws]
    x = [draw.inputs[problem.differentiable[at]].flatten() for draw in draws]
    a = [draw.output.flatten() for draw in draws]
    if any(g.numel() != u.numel() for g, u in zip(given, v, strict=True)):
        return
    mine = torch.cat([g.flatten() / u for g, u in zip(given, v, strict=True)])
    slope = torch.cat([problem.right(d, torch.ones_like(d.upstream))[at].flatten() for d in draws])
    for name, t in (("a", torch.cat(a)), (problem.names[problem.differentiable[at]], torch.cat(x))):
        if t.numel() == mine.numel():
            yours, right = _in_powers_of(t, mine), _in_powers_of(t, slope)
            if yours is not None and right is not None:
                due = f"× ({_spelled(right, name)})" + (" with a the output" if name == "a" else "")
                text = f"Yours is grad_output × ({_spelled(yours, name)}), due is {due}."
                yield Diagnosis("other-formula", text, 0.0, False)
                return


POWERS = (-2, -1, 0, 1, 2)


def _powers(t: Tensor) -> Tensor:
    t = t.flatten().double()
    return torch.stack([t**k for k in POWERS], 1)


def _in_powers_of(t: Tensor, values: Tensor) -> Tensor | None:
    """The weights with which powers of t add up to the values; None if they do not."""
    columns, values = _powers(t), values.flatten().double()
    if t.numel() < 12 or not columns.isfinite().all():
        return None
    weights = torch.linalg.lstsq(columns, values[:, None]).solution.flatten()
    if not torch.allclose(columns @ weights, values, rtol=1e-8, atol=1e-10):
        return None
    return weights.where(weights.abs() > 1e-7, 0)


def _spelled(weights: Tensor, name: str) -> str:
    signs = {-2: f"{name}⁻²", -1: f"{name}⁻¹", 0: "1", 1: name, 2: f"{name}²"}
    parts: list[str] = []
    for power, weight in zip(POWERS, weights.tolist(), strict=True):
        if weight:
            size = "" if abs(abs(weight) - 1) < 1e-7 and power else f"{abs(weight):.4g}"
            sign = ("− " if weight < 0 else "+ ") if parts else ("−" if weight < 0 else "")
            parts.append(sign + (size if power == 0 else f"{size} {signs[power]}".strip()))
    return " ".join(parts) or "0"
