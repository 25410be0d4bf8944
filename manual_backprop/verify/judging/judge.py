"""From gradients to a verdict: is it right, where is it wrong, and which mistake explains it."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.derived_program import derived_programs
from manual_backprop.verify.diagnosis.error_patterns import growth, pattern
from manual_backprop.verify.diagnosis.explain import explain
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.draws import at_zero
from manual_backprop.verify.findings import Diagnosis, Finding
from manual_backprop.verify.problem import Draw, Problem

ROUNDINGS = {torch.float64: 4096.0, torch.float32: 256.0}


def tolerance_for(dtype: torch.dtype) -> float:
    """The error, relative to the largest entry, that rounding explains in sums of some hundred terms."""
    return ROUNDINGS.get(dtype, 16.0) * torch.finfo(dtype).eps


def source_of(dtype: torch.dtype) -> str:
    """Where `tolerance_for` comes from, in words."""
    name = str(dtype).removeprefix("torch.")
    count = ROUNDINGS.get(dtype, 16.0)
    return f"{tolerance_for(dtype):.0e} of the largest entry ({count:.0f} roundings of {name})"


def judge(problem: Problem, draws: Sequence[Draw]) -> Iterator[Finding]:
    """The verdict on the gradient of each input that has one, over all draws."""
    given = [problem.given(draw) for draw in draws]
    again = problem.given(draws[0])
    right = [problem.right(draw.double()) for draw in draws]
    try:
        for at in range(len(problem.differentiable)):
            mine, theirs = [g[at] for g in given], [r[at] for r in right]
            repeated = _repeated(problem, draws, at, mine, theirs, again[at])
            yield repeated or _verdict(problem, draws, at, mine, theirs, again[at])
    finally:
        derived_programs.cache_clear()  # the programs hold the tensors of every draw


def _verdict(
    problem: Problem, draws: Sequence[Draw], at: int, given: list[Any], right: list[Tensor], again: Any
) -> Finding:
    name = problem.names[problem.differentiable[at]]
    x = draws[0].inputs[problem.differentiable[at]]
    tolerance = tolerance_for(x.dtype)

    wrong = WrongGradient(problem, draws, at, given, right, tolerance)
    flaw = next(filter(None, (_malformed(g, x) for g in (*given, again))), "")
    if flaw:
        explained = explain(wrong) if all(map(_is_finite, given)) else ()
        return Finding(name, "malformed", tolerance=tolerance, remark=flaw, diagnoses=explained)

    errors = [_relative(g, r) for g, r in zip(given, right, strict=True)]
    worst = max(range(len(draws)), key=lambda i: errors[i])
    found = _facts(name, given[worst], right[worst], errors[worst], tolerance)
    if errors[worst] <= tolerance:
        return _at_zero(problem, draws[0], at, Finding(status="right", **found))
    found |= {"status": "wrong", "passes_with_ones": _passes_with_ones(problem, draws[0], at, tolerance)}
    if x.dtype == torch.float64 and errors[worst] <= tolerance_for(torch.float32):
        text = "Yours is right to the precision of float32: is something in it computed in that type?"
        certain = all(
            torch.equal(g, g.float().double()) for g in given
        )  # else a small ε forgotten looks alike
        return Finding(**found, diagnoses=(Diagnosis("float32", text, errors[worst], certain),))
    diagnoses, remark = explain(wrong), ""
    if not diagnoses:
        diagnoses, remark = pattern(wrong)
        remark = " ".join(filter(None, (remark, growth(wrong))))
    return Finding(**found, diagnoses=diagnoses, remark=remark)


def _repeated(
    problem: Problem, draws: Sequence[Draw], at: int, given: list[Any], right: list[Tensor], again: Any
) -> Finding | None:
    """A verdict if a second call of the derivation at the same point returns something else."""
    if not all(_compares(g, again) for g in (*given, again)):
        return None
    if torch.equal(again.nan_to_num(), given[0].nan_to_num()):
        return None
    name, tolerance = problem.names[problem.differentiable[at]], tolerance_for(given[0].dtype)
    totals = list(accumulate([*right, right[0]]))
    if all(_relative(g, t) <= tolerance for g, t in zip([*given, again], totals, strict=True)):
        text = "Yours accumulates from call to call: each gradient has all earlier ones added to it."
        diagnosis = Diagnosis("accumulates", text, _relative(again, totals[-1]), True)
    else:
        text = "Yours returns something else when it is called again: it is random or keeps state."
        diagnosis = Diagnosis("not-repeatable", text, _relative(again, given[0]), True)
    facts = _facts(name, again, right[0], _relative(again, right[0]), tolerance)
    return Finding(status="wrong", **facts, diagnoses=(diagnosis,))


def _compares(given: Any, other: Any) -> bool:
    """Whether they are tensors of real numbers that can be compared one by one."""
    if not (isinstance(given, Tensor) and isinstance(other, Tensor)) or given.is_complex():
        return False
    return given.shape == other.shape and given.device == other.device and not given.is_meta


def _is_finite(given: Any) -> bool:
    """Whether it is a tensor of real and finite numbers, of whatever shape."""
    return (
        isinstance(given, Tensor)
        and not given.is_meta
        and not given.is_complex()
        and bool(given.isfinite().all())
    )


def _malformed(given: Any, x: Tensor) -> str:
    if given is None:
        return "yours is None, but this input has a gradient"
    if not isinstance(given, Tensor):
        return f"expected a Tensor, got {type(given).__name__}"
    if given.shape != x.shape:
        return f"expected shape {tuple(x.shape)}, got {tuple(given.shape)}"
    if given.device != x.device:
        return f"yours is on the device {given.device}, but the input is on {x.device}"
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
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(place, device="cpu"), right.shape))
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
        "tolerance_from": source_of(given.dtype),
    }


def _passes_with_ones(problem: Problem, draw: Draw, at: int, tolerance: float) -> bool:
    ones = torch.ones_like(draw.upstream)
    given, right = problem.given(draw, ones)[at], problem.right(draw, ones)[at]
    if not _compares(given, right):
        return False
    difference = given - right
    scale = float(problem.right(draw)[at].abs().max())  # with ones, the right gradient itself may be zero
    return bool((difference.abs() <= tolerance * scale).all())


def _at_zero(problem: Problem, draw: Draw, at: int, verdict: Finding) -> Finding:
    """A right gradient is tried again with some of the input's numbers exactly zero, where kinks are."""
    there = at_zero(problem, draw, at)
    if there is None:
        return verdict
    x = there.inputs[problem.differentiable[at]]
    given, right = problem.given(there)[at], problem.right(there)[at]
    if (
        not _compares(given, right)
        or not right.isfinite().all()
        or _relative(given, right) <= verdict.tolerance
    ):
        return verdict
    facts = _facts(verdict.name, given, right, _relative(given, right), verdict.tolerance)
    wrong = (given - right).abs() > verdict.tolerance * float(right.abs().max())
    if (x[wrong] != 0).any():
        return verdict
    text = (
        "Yours is right except where the input is exactly zero. There the function has a kink, and PyTorch "
        f"takes {facts['right']:.3g} where yours is {facts['given']:.3g}: look at < and <= in the mask"
    )
    return Finding(status="wrong", **facts, diagnoses=(Diagnosis("mask-at-tie", text, 0.0, True),))
