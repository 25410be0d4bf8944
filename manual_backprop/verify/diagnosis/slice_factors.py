"""Slices of a wrong gradient, each of which is right up to a factor of its own, and what the factors are."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.findings import Diagnosis

STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "norm": lambda rows: torch.linalg.vector_norm(rows, 2, 1),
    "sum of absolute values": lambda rows: rows.abs().sum(1),
    "largest size": lambda rows: rows.abs().amax(1),
    "standard deviation": lambda rows: rows.std(1),
    "sum": lambda rows: rows.sum(1),
}
SAME_FACTOR = 1e-6  # factors that differ by less are one
SAME_PROPORTION = 1e-4  # relative, of factors to what they are compared with: each is fitted to a few numbers
MOST_LISTED = 8


def by_slices(wrong: WrongGradient) -> Iterator[Diagnosis]:
    """Each row (or column) right up to a factor of its own, and what this factor is."""
    if wrong.right[0].dim() < 2:
        return
    for dim in range(wrong.right[0].dim()):
        factors = _factors_on_every_draw(wrong, dim)
        if factors is None or not any(_vary(f) for f in factors):
            continue
        listed = ", ".join(f"{float(f):.4g}" for f in factors[0][:MOST_LISTED])
        listed += " …" if len(factors[0]) > MOST_LISTED else ""
        meaning = next(_meanings(wrong, dim, factors), "the factors match nothing that is known here")
        along = wrong.problem.language.along((dim,))
        text = f"Along {along} yours is right up to a factor for each slice ({listed}): {meaning}."
        yield Diagnosis("some-rows", text, 0.0, False)


def _vary(factors: Tensor) -> bool:
    return float(factors.max() - factors.min()) >= SAME_FACTOR


def _factors_on_every_draw(wrong: WrongGradient, dim: int) -> list[Tensor] | None:
    found = []
    for given, right in zip(wrong.given, wrong.right, strict=True):
        factors = _factors(given.double(), right, dim, wrong.fit_tolerance)
        if factors is None:
            return None
        found.append(factors)
    return found


def _factors(given: Tensor, right: Tensor, dim: int, tolerance: float) -> Tensor | None:
    """One factor for each slice along `dim`; None if the slices are not multiples of the right ones."""
    g, r = given.movedim(dim, 0).flatten(1), right.movedim(dim, 0).flatten(1)
    if g.shape[1] < 2:
        return None
    squares = (r * r).sum(1)
    factors = (g * r).sum(1) / squares.where(squares > 0, 1.0)
    left = (g - factors[:, None] * r).abs().max() / (float(g.abs().max()) or 1.0)
    return factors if left <= tolerance and (squares > 0).all() else None


def _meanings(wrong: WrongGradient, dim: int, factors: Sequence[Tensor]) -> Iterator[str]:
    """What the factors are proportional to, or depend on."""
    names, draws = wrong.problem.names, wrong.draws
    size = wrong.shape[dim]
    integers = [i for i, x in enumerate(draws[0].inputs) if not x.is_floating_point() and x.shape == (size,)]
    for name, values in _vectors(wrong, dim, integers):
        if _proportional(factors, values):
            yield f"they are proportional to {name}"
        if _proportional(factors, [1 / v for v in values]):
            yield f"they are proportional to 1 / {name}"
    for i in integers:
        if _depend_on(draws[0].inputs[i], factors):
            yield f"they depend on {names[i]} alone"


def _vectors(wrong: WrongGradient, dim: int, integers: Sequence[int]) -> Iterator[tuple[str, list[Tensor]]]:
    """What may be such factors: an input, what an integer input selects of one, a statistic of each slice."""
    for i, name in enumerate(wrong.problem.names):
        x = wrong.draws[0].inputs[i]
        if not x.is_floating_point():
            continue
        values = [draw.inputs[i].double() for draw in wrong.draws]
        if x.shape == (wrong.shape[dim],):
            yield name, values
        if x.dim() == 1:
            yield from _selected(wrong, name, values, integers)
        if i == wrong.position and x.dim() > 1:
            slices = [value.movedim(dim, 0).flatten(1) for value in values]
            for what, statistic in STATISTICS.items():
                yield f"the {what} of each slice of {name}", [statistic(s) for s in slices]


def _selected(
    wrong: WrongGradient, name: str, values: Sequence[Tensor], integers: Sequence[int]
) -> Iterator[tuple[str, list[Tensor]]]:
    """The entries of a vector that integer inputs point to."""
    for i in integers:
        index = wrong.draws[0].inputs[i]
        if int(index.min()) >= 0 and int(index.max()) < len(values[0]):
            chosen = [v[draw.inputs[i]] for v, draw in zip(values, wrong.draws, strict=True)]
            yield f"{name}[{wrong.problem.names[i]}]", chosen


def _proportional(factors: Sequence[Tensor], values: Sequence[Tensor]) -> bool:
    ratios = torch.cat([f / v for f, v in zip(factors, values, strict=True)])
    spread = float(ratios.max() - ratios.min())
    return bool(ratios.isfinite().all()) and spread < SAME_PROPORTION * abs(float(ratios[0]))


def _depend_on(groups: Tensor, factors: Sequence[Tensor]) -> bool:
    """Whether the factors of a group are one, and some group has several."""
    labels = set(groups.tolist())
    if len(labels) == len(groups):
        return False
    return not any(_vary(f[groups == label]) for f in factors for label in labels)
