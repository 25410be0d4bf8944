"""What a wrong gradient that no known mistake explains looks like: where it is wrong, and how it grows."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.elementwise_mistakes import formula
from manual_backprop.verify.draws import is_finite_at
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Problem

STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "norm": lambda rows: torch.linalg.vector_norm(rows, 2, 1),
    "sum of absolute values": lambda rows: rows.abs().sum(1),
    "largest size": lambda rows: rows.abs().amax(1),
    "standard deviation": lambda rows: rows.std(1),
    "sum": lambda rows: rows.sum(1),
}
FEWEST = 3  # numbers on either side of a boundary that is to be believed


def pattern(
    problem: Problem,
    draws: Sequence[Draw],
    at: int,
    given: Sequence[Tensor],
    right: Sequence[Tensor],
    tolerance: float,
) -> tuple[tuple[Diagnosis, ...], str]:
    """What the wrong numbers have in common, as diagnoses and in words; never more than a suggestion."""
    found = [
        *_not_linear(problem, draws[0], at, tolerance),
        *formula(problem, draws, at, given),
        *_by_slices(problem, draws, at, given, right, tolerance),
    ]
    base = _common_factor(given, right)
    wrong = [
        (g.double() - base * r).abs() > tolerance * (float(r.abs().max()) or 1.0)
        for g, r in zip(given, right, strict=True)
    ]
    lead = "Right" if base == 1 else f"× {base:.6g}"
    found += [
        Diagnosis(name, f"{lead} except {where}{_there(given, right, wrong)}.", 0.0, False)
        for name, where in _regions(problem, draws, at, wrong)
    ]
    return tuple(found), _slices(wrong) if base == 1 else ""


def growth(problem: Problem, draw: Draw, at: int) -> str:
    """How the error grows when grad_output, or the input, doubles."""
    position = problem.differentiable[at]
    error = problem.given(draw)[at] - problem.right(draw)[at]
    twice = problem.given(draw, 2 * draw.upstream)[at] - problem.right(draw, 2 * draw.upstream)[at]
    text = f"The error grows × {float(twice.norm() / error.norm()):.3g} when grad_output doubles"
    inputs = tuple(2 * x if i == position else x for i, x in enumerate(draw.inputs))
    if not is_finite_at(problem, inputs):
        return f"{text}."
    doubled = Draw(inputs, draw.upstream, problem.value(inputs))
    larger = problem.given(doubled)[at] - problem.right(doubled)[at]
    return f"{text} and × {float(larger.norm() / error.norm()):.3g} when {problem.names[position]} does."


def _not_linear(problem: Problem, draw: Draw, at: int, tolerance: float) -> Iterator[Diagnosis]:
    v = draw.upstream
    once, flipped, doubled = (problem.given(draw, u)[at].double() for u in (v, -v, 2 * v))
    scale = float(once.abs().max()) or 1.0
    for factor, other in ((-1, flipped), (2, doubled)):
        left = float((other - factor * once).abs().max()) / scale
        if left > 4 * tolerance:
            text = (
                f"Yours is not linear in grad_output, as every gradient is: for {factor} × grad_output it is "
                f"not {factor} × as large"
            )
            yield Diagnosis("not-linear", f"{text}.", left, True)
            return


def _by_slices(
    problem: Problem,
    draws: Sequence[Draw],
    at: int,
    given: Sequence[Tensor],
    right: Sequence[Tensor],
    tolerance: float,
) -> Iterator[Diagnosis]:
    """Each row (or column) right up to a factor of its own, and what this factor is."""
    for dim in range(right[0].dim()) if right[0].dim() > 1 else ():
        factors = [_factors(g.double(), r, dim, tolerance) for g, r in zip(given, right, strict=True)]
        if any(f is None for f in factors):
            continue
        made = [f for f in factors if f is not None]
        if all(float(f.max() - f.min()) < 1e-6 for f in made):
            continue
        listed = ", ".join(f"{float(f):.4g}" for f in made[0][:8]) + (" …" if len(made[0]) > 8 else "")
        meaning = next(
            (name for name, values in _known(problem, draws, at, dim) if _proportional(made, values)),
            "the factors have no name here",
        )
        text = f"Along dimension {dim} yours is right up to a factor for each slice ({listed}): {meaning}"
        yield Diagnosis("some-rows", f"{text}.", 0.0, False)


def _factors(given: Tensor, right: Tensor, dim: int, tolerance: float) -> Tensor | None:
    g, r = given.movedim(dim, 0).flatten(1), right.movedim(dim, 0).flatten(1)
    if g.shape[1] < 2:
        return None
    squares = (r * r).sum(1)
    factors = (g * r).sum(1) / squares.where(squares > 0, 1.0)
    left = (g - factors[:, None] * r).abs().max() / (float(g.abs().max()) or 1.0)
    return factors if left <= 4 * tolerance and (squares > 0).all() else None


def _known(
    problem: Problem, draws: Sequence[Draw], at: int, dim: int
) -> Iterator[tuple[str, list[Tensor | None]]]:
    """What could be such a factor: a vector among the inputs, what an integer input selects of it, a norm."""
    size = draws[0].inputs[problem.differentiable[at]].shape[dim]
    integers = [i for i, x in enumerate(draws[0].inputs) if not x.is_floating_point() and x.shape == (size,)]
    for i, name in enumerate(problem.names):
        x = draws[0].inputs[i]
        if not x.is_floating_point():
            continue
        if x.shape == (size,):
            yield f"they go with {name}", [draw.inputs[i].double() for draw in draws]
            yield f"they go with 1 / {name}", [1 / draw.inputs[i].double() for draw in draws]
        for j in integers if x.dim() == 1 else ():
            if int(draws[0].inputs[j].min()) >= 0 and int(draws[0].inputs[j].max()) < len(x):
                chosen = [draw.inputs[i].double()[draw.inputs[j]] for draw in draws]
                label = f"{name}[{problem.names[j]}]"
                yield f"they go with {label}", list(chosen)
                yield f"they go with 1 / {label}", [1 / c for c in chosen]
        if i == problem.differentiable[at] and x.dim() > 1:
            rows = [draw.inputs[i].double().movedim(dim, 0).flatten(1) for draw in draws]
            for what, statistic in STATISTICS.items():
                values = [statistic(r) for r in rows]
                yield f"they go with the {what} of each slice of {name}", list(values)
                yield f"they go with 1 / the {what} of each slice of {name}", [1 / v for v in values]
    for j in integers:
        groups = draws[0].inputs[j]
        yield f"they depend on {problem.names[j]} alone", [groups, *[None] * (len(draws) - 1)]


def _proportional(factors: Sequence[Tensor], values: Sequence[Tensor | None]) -> bool:
    groups = values[0]
    if groups is not None and not groups.is_floating_point():
        return all(
            float(f[groups == k].max() - f[groups == k].min()) < 1e-6
            for f in factors
            for k in set(groups.tolist())
        ) and len(set(groups.tolist())) < len(groups)
    ratios = torch.cat([f / v for f, v in zip(factors, values, strict=True) if v is not None])
    return bool(ratios.isfinite().all()) and float(ratios.max() - ratios.min()) < 1e-4 * abs(float(ratios[0]))


def _common_factor(given: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    """The factor that more than a third of the numbers share; 1 if there is none."""
    g, r = torch.cat([g.double().flatten() for g in given]), torch.cat([r.flatten() for r in right])
    ratios = (g / r)[(r != 0) & g.isfinite()]
    for factor in (1.0, float(ratios.median()) if len(ratios) else 1.0):
        if int(((ratios / factor - 1).abs() < 1e-6).sum()) * 3 >= len(ratios):
            return factor
    return 1.0


def _regions(
    problem: Problem, draws: Sequence[Draw], at: int, wrong: Sequence[Tensor]
) -> Iterator[tuple[str, str]]:
    """What holds exactly for the wrong numbers: an inequality, or what an integer input says of their row."""
    marked = torch.cat([w.flatten() for w in wrong])
    if not FEWEST <= int(marked.sum()) <= len(marked) - FEWEST:
        return
    shape = draws[0].inputs[problem.differentiable[at]].shape
    for name, values in _beside(problem, draws):
        if not broadcasts(values[0].shape, shape):
            continue
        flat = torch.cat([v.expand(shape).double().flatten() for v in values])
        for what, t in ((name, flat), (f"|{name}|", flat.abs())):
            inside, outside = t[marked], t[~marked]
            if inside.min() > outside.max():
                yield "region", f"where {what} > {_between(float(outside.max()), float(inside.min()))}"
                return
            if inside.max() < outside.min():
                yield "region", f"where {what} < {_between(float(inside.max()), float(outside.min()))}"
                return
    for i, name in enumerate(problem.names):
        t = draws[0].inputs[i]
        if t.is_floating_point() or t.dim() != 1 or not shape or len(t) != shape[0]:
            continue
        rows = [w.flatten(1).any(1) if w.dim() > 1 else w for w in wrong]
        if all(torch.equal(r, rows[0]) for r in rows):
            classes, others = set(t[rows[0]].tolist()), set(t[~rows[0]].tolist())
            if classes and others and not classes & others:
                yield "some-rows", f"in the rows where {name} is {' or '.join(map(str, sorted(classes)))}"
                return
        if len(shape) == 2 and int(t.min()) >= 0 and int(t.max()) < shape[1]:
            pointed = torch.nn.functional.one_hot(t, shape[1]).bool()
            if all(torch.equal(w, pointed) for w in wrong):
                yield "some-rows", f"at the entries that {name} points to"
                return


def _there(given: Sequence[Tensor], right: Sequence[Tensor], wrong: Sequence[Tensor]) -> str:
    """What yours is where it is wrong."""
    g = torch.cat([t[w].double() for t, w in zip(given, wrong, strict=True)])
    r = torch.cat([t[w] for t, w in zip(right, wrong, strict=True)])
    if not g.any():
        return ", where yours is zero"
    if not r.any():
        return ", where zero is due"
    ratios = g / r
    if ratios.isfinite().all() and float(ratios.max() - ratios.min()) < 1e-6:
        return f", where yours is × {float(ratios[0]):.6g}"
    return ""


def _beside(problem: Problem, draws: Sequence[Draw]) -> Iterator[tuple[str, list[Tensor]]]:
    output, *inputs = zip(*(problem.tensors(draw) for draw in draws), strict=True)
    for same in (*inputs, output):
        yield same[0][0], [tensor for _, tensor in same]
    yield "grad_output", [draw.upstream for draw in draws]


def _between(low: float, high: float) -> str:
    """The boundary, as well as two numbers on either side of it tell."""
    return "0" if low < 0 < high else f"a number from {low:.3g} to {high:.3g}"


def _slices(wrong: Sequence[Tensor]) -> str:
    """Rows, columns or slices that alone are wrong, if it is the same ones on every draw."""
    for dim in range(wrong[0].dim()):
        others = [d for d in range(wrong[0].dim()) if d != dim]
        slices = [(m.any(dim=others) if others else m) for m in wrong]
        at = slices[0].nonzero().flatten().tolist()
        if all(torch.equal(s, slices[0]) for s in slices) and 0 < len(at) < len(slices[0]):
            return f"Wrong only at {at} of dimension {dim} (size {len(slices[0])}), right elsewhere."
    return ""
