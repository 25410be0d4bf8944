"""From gradients to a verdict: is it right, where is it wrong, and which mistake explains it."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.hypotheses import candidates
from manual_backprop.verify.problem import Candidate, Draw, Problem
from manual_backprop.verify.report import Diagnosis, Verdict

VAGUE = ("factor", "input-for-slope")  # said last where something that says more explains it too
ROUNDINGS = {torch.float64: 4096.0, torch.float32: 256.0}


def tolerance_for(dtype: torch.dtype) -> float:
    """The error, relative to the largest entry, that rounding explains in sums of some hundred terms."""
    return ROUNDINGS.get(dtype, 16.0) * torch.finfo(dtype).eps


def judge(problem: Problem, draws: Sequence[Draw], at: int) -> Verdict:
    """The verdict on the gradient of one input (the `at`-th that has one), over all draws."""
    name = problem.names[problem.differentiable[at]]
    x = draws[0].inputs[problem.differentiable[at]]
    tolerance = tolerance_for(x.dtype)
    given = [problem.given(draw)[at] for draw in draws]
    right = [problem.right(draw.double())[at] for draw in draws]

    flaw = _malformed(given[0], x)
    if flaw:
        numbers = (
            isinstance(given[0], Tensor) and not given[0].is_complex() and bool(given[0].isfinite().all())
        )
        explained = _explain(problem, draws, at, given, tolerance) if numbers else ()
        return Verdict(name, "malformed", tolerance=tolerance, remark=flaw, diagnoses=explained)

    errors = [_relative(g, r) for g, r in zip(given, right, strict=True)]
    worst = max(range(len(draws)), key=lambda i: errors[i])
    found = _facts(name, given[worst], right[worst], errors[worst], tolerance)
    if errors[worst] <= tolerance:
        return _at_zero(problem, draws[0], at, Verdict(status="right", **found))
    if x.dtype == torch.float64 and errors[worst] <= tolerance_for(torch.float32):
        text = "Yours is right to the precision of float32: is something in it computed in that type?"
        certain = all(
            torch.equal(g, g.float().double()) for g in given
        )  # else a small ε forgotten looks alike
        diagnosis = Diagnosis("float32", text, errors[worst], certain)
        return Verdict(status="wrong", **found, diagnoses=(diagnosis,))
    return Verdict(
        status="wrong",
        **found,
        passes_with_ones=_passes_with_ones(problem, draws[0], at, tolerance),
        diagnoses=_explain(problem, draws, at, given, tolerance),
        remark=_where(given, right, tolerance),
    )


def _malformed(given: Any, x: Tensor) -> str:
    if given is None:
        return "yours is None, but this input has a gradient"
    if not isinstance(given, Tensor):
        return f"yours is a {type(given).__name__}, not a tensor"
    if given.shape != x.shape:
        return f"shape {tuple(given.shape)}, due {tuple(x.shape)}"
    if not given.isfinite().all():
        bad = tuple(int(i) for i in (~given.isfinite()).nonzero()[0])
        return f"yours is {float(given[bad])} at {list(bad)}"
    if given.is_complex():
        return f"yours is {given.dtype}, but the input is {x.dtype}"
    return ""


def _relative(given: Tensor, right: Tensor) -> float:
    if right.numel() == 0:
        return 0.0
    scale = float(right.abs().max()) or 1.0
    error = float((given.double() - right.double()).abs().max()) / scale
    return error if isfinite(error) else float("inf")


def _facts(name: str, given: Tensor, right: Tensor, relative: float, tolerance: float) -> dict[str, Any]:
    if right.numel() == 0:
        return {"name": name, "tolerance": tolerance}
    difference = (given.double() - right.double()).abs()
    place = int(difference.nan_to_num(float("inf"), float("inf")).argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(place), right.shape))
    unit = torch.finfo(given.dtype if given.is_floating_point() else torch.float64).eps
    at_index = float(right[index])
    ulps = float(difference[index]) / (unit * (abs(at_index) or 1.0))
    return {
        "name": name,
        "relative": relative,
        "index": index,
        "given": float(given[index]),
        "right": at_index,
        "ulps": ulps,
        "tolerance": tolerance,
    }


def _passes_with_ones(problem: Problem, draw: Draw, at: int, tolerance: float) -> bool:
    ones = torch.ones_like(draw.upstream)
    difference = problem.given(draw, ones)[at] - problem.right(draw, ones)[at]
    scale = float(problem.right(draw)[at].abs().max())  # with ones, the right gradient itself may be zero
    return bool((difference.abs() <= tolerance * scale).all())


def _at_zero(problem: Problem, draw: Draw, at: int, verdict: Verdict) -> Verdict:
    """A right gradient is also tried with some of the input's numbers exactly at zero, where kinks are."""
    position = problem.differentiable[at]
    x = draw.inputs[position].clone()
    x.view(-1)[::3] = 0
    inputs = tuple(x if i == position else y for i, y in enumerate(draw.inputs))
    output = problem.value(inputs)
    if output.shape != draw.output.shape or not output.isfinite().all():
        return verdict
    there = Draw(inputs, draw.upstream, output)
    given, right = problem.given(there)[at], problem.right(there)[at]
    if not right.isfinite().all() or _relative(given, right) <= verdict.tolerance:
        return verdict
    facts = _facts(verdict.name, given, right, _relative(given, right), verdict.tolerance)
    wrong = (given - right).abs() > verdict.tolerance * float(right.abs().max())
    if (x[wrong] != 0).any():
        return verdict
    text = (
        "Yours is right except where the input is exactly zero. There the function has a kink, and PyTorch "
        f"takes {facts['right']:.3g} where yours is {facts['given']:.3g}: look at < and <= in the mask"
    )
    return Verdict(status="wrong", **facts, diagnoses=(Diagnosis("mask-at-tie", text, 0.0, True),))


def _explain(
    problem: Problem, draws: Sequence[Draw], at: int, given: Sequence[Tensor], tolerance: float
) -> tuple[Diagnosis, ...]:
    """The candidates that equal what was given on every draw, up to one factor, the simplest first."""
    by_draw = [{(c.name, c.text): c for c in candidates(problem, draw, at)} for draw in draws]
    found: list[tuple[int, Diagnosis]] = []
    for key in by_draw[0]:
        tries = [made[key] for made in by_draw if key in made]
        fit = _fit(tries, given, 4 * tolerance) if len(tries) == len(draws) else None
        if fit is not None:
            found.append(_named(problem, draws[0], tries[0], *fit))
    if not found:
        return ()
    simplest = min(complexity for complexity, _ in found)
    best = list(dict.fromkeys(d for complexity, d in found if complexity == simplest))
    best.sort(key=lambda d: VAGUE.index(d.name) if d.name in VAGUE else -1)
    return tuple(Diagnosis(d.name, d.text, d.residual, len(best) == 1) for d in best[:4])


def _fit(tries: Sequence[Candidate], given: Sequence[Tensor], tolerance: float) -> tuple[float, float] | None:
    """The one factor with which the candidate is what was given, on every draw, and what is left over."""
    pairs = [(c.gradient.double(), g.double()) for c, g in zip(tries, given, strict=True)]
    if any(c.shape != g.shape or not c.isfinite().all() for c, g in pairs):
        return None
    if all(not g.any() for _, g in pairs):
        return (1.0, 0.0) if all(not c.any() for c, _ in pairs) else None
    squares = sum(float((c * c).sum()) for c, _ in pairs)
    if squares == 0:
        return None
    factor = sum(float((c * g).sum()) for c, g in pairs) / squares
    residual = max(
        float((g - factor * c).abs().max()) / (float(g.abs().max()) or 1.0) for c, g in pairs if g.numel()
    )
    return (factor, residual) if residual <= tolerance and abs(factor) > 1e-12 else None


def _named(
    problem: Problem, draw: Draw, candidate: Candidate, factor: float, residual: float
) -> tuple[int, Diagnosis]:
    """The diagnosis of a candidate with its factor: one more thing that went wrong, unless it is 1."""
    if abs(factor - 1) <= 1e-6:
        return candidate.complexity, Diagnosis(candidate.name, candidate.text + ".", residual, True)
    sizes = _sizes(problem, draw)
    if abs(factor + 1) <= 1e-6:
        name, what = "sign", "with the wrong sign"
    else:
        name, what = "factor", f"× {factor:.6g}"
        meanings = [text for value, text in sizes if abs(factor / value - 1) <= 1e-6]
        meanings += [f"minus {text}" for value, text in sizes if abs(factor / value + 1) <= 1e-6]
        if meanings:
            what += f" ({' or '.join(meanings)})"
        elif candidate.name != "right":
            return candidate.complexity + 3, Diagnosis(
                candidate.name, f"{candidate.text}, {what}.", residual, True
            )
    if candidate.name != "right":
        name = candidate.name
    return candidate.complexity + 1, Diagnosis(name, f"{candidate.text}, {what}.", residual, True)


def _sizes(problem: Problem, draw: Draw) -> list[tuple[float, str]]:
    """The factors that have a meaning here: 2, ½, and the sizes of things and one over them."""
    named = {2.0: ["two"]}
    tensors = [*zip(problem.names, draw.inputs, strict=True), ("the output", draw.output)]
    for name, tensor in tensors:
        for d, size in enumerate(tensor.shape):
            named.setdefault(float(size), []).append(f"the size of {name} in dimension {d}")
        if tensor.dim() > 1:
            named.setdefault(float(tensor.numel()), []).append(f"the number of elements of {name}")
    found = []
    for value, texts in named.items():
        if value > 1:
            found.append((value, " = ".join(texts)))
            found.append((1 / value, "one over " + " = ".join(texts)))
    return found


def _where(given: Sequence[Tensor], right: Sequence[Tensor], tolerance: float) -> str:
    """Rows, columns or slices that alone are wrong, if it is the same ones on every draw."""
    masks = [
        ((g.double() - r).abs() > tolerance * (float(r.abs().max()) or 1.0)) | ~g.isfinite()
        for g, r in zip(given, right, strict=True)
    ]
    for dim in range(masks[0].dim()):
        others = [d for d in range(masks[0].dim()) if d != dim]
        slices = [(m.any(dim=others) if others else m) for m in masks]
        wrong = slices[0].nonzero().flatten().tolist()
        if all(torch.equal(s, slices[0]) for s in slices) and 0 < len(wrong) < len(slices[0]):
            return f"Wrong only at {wrong} of dimension {dim} (size {len(slices[0])}), right elsewhere."
    return ""
