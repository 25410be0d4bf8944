"""What a wrong gradient that no known mistake explains looks like: where it is wrong, and how it grows."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.error_regions import region
from manual_backprop.verify.diagnosis.fitted_formula import formula
from manual_backprop.verify.diagnosis.slice_factors import by_slices
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.draws import is_finite_at
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw

SAME_RATIO = 1e-6  # ratios of yours to the right one that are closer than this are one
ONE_IN = 3  # entries must have a ratio in common for it to be a factor of all


def pattern(wrong: WrongGradient) -> tuple[tuple[Diagnosis, ...], str]:
    """What the wrong entries have in common, as diagnoses and in words; never more than a suggestion."""
    found = [*_not_linear(wrong), *formula(wrong), *by_slices(wrong)]
    base = _common_factor(wrong)
    masks = _wrong_entries(wrong, base)
    where = region(wrong, masks)
    if where is not None:
        name, place = where
        lead = "Right" if base == 1 else f"× {base:.6g}"
        found.append(Diagnosis(name, f"{lead} except {place}{_values_there(wrong, masks)}.", 0.0, False))
    return tuple(found), _wrong_slices(wrong, masks) if base == 1 else ""


def _scale(t: Tensor) -> float:
    return float(t.abs().max()) or 1.0


def _wrong_entries(wrong: WrongGradient, factor: float) -> list[Tensor]:
    """For each draw, where yours is something else than the right one times the factor."""
    return [
        (given.double() - factor * right).abs() > wrong.tolerance * _scale(right)
        for given, right in zip(wrong.given, wrong.right, strict=True)
    ]


def growth(wrong: WrongGradient) -> str:
    """How the error grows when grad_output, or the input, doubles."""
    draw, problem = wrong.draws[0], wrong.problem

    def error(point: Draw) -> Tensor:
        difference: Tensor = problem.given(point)[wrong.at] - problem.right(point)[wrong.at]
        return difference.norm()

    once = error(draw)
    twice = error(Draw(draw.inputs, 2 * draw.upstream, draw.output))
    text = f"The error grows × {float(twice / once):.3g} when {problem.upstream} doubles"
    inputs = tuple(2 * x if i == wrong.position else x for i, x in enumerate(draw.inputs))
    if not is_finite_at(problem, inputs):
        return f"{text}."
    larger = error(Draw(inputs, draw.upstream, problem.value(inputs)))
    return f"{text} and × {float(larger / once):.3g} when {problem.names[wrong.position]} does."


def _not_linear(wrong: WrongGradient) -> Iterator[Diagnosis]:
    v, name = wrong.draws[0].upstream, wrong.problem.upstream
    once, flipped, doubled = (
        wrong.problem.given(wrong.draws[0], u)[wrong.at].double() for u in (v, -v, 2 * v)
    )
    for factor, other in ((-1, flipped), (2, doubled)):
        left = float((other - factor * once).abs().max()) / _scale(once)
        if left > wrong.fit_tolerance:
            text = (
                f"Yours is not linear in {name}, as every gradient is: for {factor} × {name} it is "
                f"not {factor} × as large"
            )
            yield Diagnosis("not-linear", f"{text}.", left, True)
            return


def _common_factor(wrong: WrongGradient) -> float:
    """The factor that a third of the entries share; 1 if there is none."""
    g = torch.cat([g.double().flatten() for g in wrong.given])
    r = torch.cat([r.flatten() for r in wrong.right])
    ratios = (g / r)[(r != 0) & g.isfinite()]
    for factor in (1.0, float(ratios.median()) if len(ratios) else 1.0):
        if int(((ratios / factor - 1).abs() < SAME_RATIO).sum()) * ONE_IN >= len(ratios):
            return factor
    return 1.0


def _values_there(wrong: WrongGradient, masks: Sequence[Tensor]) -> str:
    """What yours is where it is wrong."""
    g = torch.cat([t[mask].double() for t, mask in zip(wrong.given, masks, strict=True)])
    r = torch.cat([t[mask] for t, mask in zip(wrong.right, masks, strict=True)])
    if not g.any():
        return ", where yours is zero"
    if not r.any():
        return ", where it must be zero"
    ratios = g / r
    if ratios.isfinite().all() and float(ratios.max() - ratios.min()) < SAME_RATIO:
        return f", where yours is × {float(ratios[0]):.6g}"
    return ""


def _wrong_slices(wrong: WrongGradient, masks: Sequence[Tensor]) -> str:
    """Rows, columns or slices that alone are wrong, if it is the same ones on every draw."""
    for dim in range(masks[0].dim()):
        others = [d for d in range(masks[0].dim()) if d != dim]
        slices = [mask.any(dim=others) if others else mask for mask in masks]
        at = slices[0].nonzero().flatten().tolist()
        if all(torch.equal(s, slices[0]) for s in slices) and 0 < len(at) < len(slices[0]):
            along = wrong.problem.language.along((dim,))
            return f"Wrong only at {at} of {along} (size {len(slices[0])}), right elsewhere."
    return ""
