"""Which mistake explains a wrong gradient: candidates and terms, fitted to what was given on every draw."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.gradient_terms import Term, half_forgotten, paths, products
from manual_backprop.verify.diagnosis.hypotheses import candidates
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Problem

TELLING = ("forgotten-use", "sign", "local-derivative")  # said first where others explain it too
VAGUE = ("factor", "input-for-slope")  # and last
MOST_WAYS = 24
ENOUGH = 6  # numbers for each coefficient that is fitted


def explain(
    problem: Problem, draws: Sequence[Draw], at: int, given: Sequence[Tensor], tolerance: float
) -> tuple[Diagnosis, ...]:
    """What equals the given gradient on every draw, up to one factor: the simplest, the best first."""
    found = _by_candidates(problem, draws, at, given, 4 * tolerance)
    if min((complexity for complexity, _ in found), default=9) > 0:
        found += _by_terms(problem, draws, at, given, 4 * tolerance)
    if not found:
        return ()
    simplest = min(complexity for complexity, _ in found)
    best = list({d.text: d for complexity, d in found if complexity == simplest}.values())
    best.sort(key=_rank)
    return tuple(Diagnosis(d.name, d.text, d.residual, d.certain and len(best) == 1) for d in best[:4])


def _rank(diagnosis: Diagnosis) -> tuple[int, bool]:
    order = (*TELLING, "", *VAGUE)
    return order.index(diagnosis.name if diagnosis.name in order else ""), "×" in diagnosis.text


def _by_candidates(
    problem: Problem, draws: Sequence[Draw], at: int, given: Sequence[Tensor], tolerance: float
) -> list[tuple[int, Diagnosis]]:
    by_draw = [{(c.name, c.text, c.key): c for c in candidates(problem, draw, at)} for draw in draws]
    found = []
    for key in by_draw[0]:
        tries = [made[key] for made in by_draw if key in made]
        fit = _fit(tries, given, tolerance) if len(tries) == len(draws) else None
        if fit is not None:
            found.append(_named(problem, draws[0], tries[0], *fit))
    return found


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


def _by_terms(
    problem: Problem, draws: Sequence[Draw], at: int, given: Sequence[Tensor], tolerance: float
) -> list[tuple[int, Diagnosis]]:
    """The right gradient with one or two of its terms forgotten, of the wrong size, or too many."""
    right = [problem.right(draw)[at] for draw in draws]
    if any(g.shape != r.shape for g, r in zip(given, right, strict=True)):
        return []
    found: list[tuple[int, Diagnosis]] = []
    for make, most in ((paths, 2), (products, 1)):
        terms = _matched(make, problem, draws, at)
        if make is paths:
            found += _halves(problem, draws, terms, right, given, tolerance)
        fitted = []
        for count in range(1, most + 1):
            for chosen in combinations(terms[:MOST_WAYS], count):
                fit = _fit_columns([right, *([t.gradient for t in per_draw] for per_draw in chosen)], given)
                if fit is None or fit[1] > tolerance or abs(fit[0][0]) < 1e-9:
                    continue
                if make is paths or abs(fit[0][0] - 1) <= 1e-6:
                    fitted.append(_named_terms(problem, draws[0], [t[0] for t in chosen], *fit))
            if fitted:
                break
        found += fitted
    return found


def _halves(
    problem: Problem,
    draws: Sequence[Draw],
    terms: Sequence[tuple[Term, ...]],
    right: Sequence[Tensor],
    given: Sequence[Tensor],
    tolerance: float,
) -> Iterator[tuple[int, Diagnosis]]:
    """A term that is a multiple of the whole leaves nothing to fit but the candidate without it."""
    for term in terms:
        tries = [half_forgotten(t, r) for t, r in zip(term, right, strict=True)]
        whole = [candidate for candidate in tries if candidate is not None]
        fit = _fit(whole, given, tolerance) if len(whole) == len(draws) else None
        if fit is not None:
            yield _named(problem, draws[0], whole[0], *fit)


def _matched(
    make: Callable[[Problem, Draw, int], list[Term]], problem: Problem, draws: Sequence[Draw], at: int
) -> list[tuple[Term, ...]]:
    """Each term on every draw; none if the draws do not lead through the same steps."""
    try:
        lists = [make(problem, draw, at) for draw in draws]
    except (RuntimeError, ValueError, TypeError, KeyError, NotImplementedError):
        return []
    if any([t.text for t in terms] != [t.text for t in lists[0]] for terms in lists):
        return []
    return list(zip(*lists, strict=True))


def _fit_columns(
    columns: Sequence[Sequence[Tensor]], given: Sequence[Tensor]
) -> tuple[list[float], float] | None:
    """Least squares over all draws: the coefficients, and what is left over relative to the largest entry."""
    matrix = torch.stack([torch.cat([t.double().flatten() for t in column]) for column in columns], 1)
    wanted = torch.cat([g.double().flatten() for g in given])
    sizes = matrix.abs().amax(0)
    if len(wanted) < ENOUGH * len(columns) or not matrix.isfinite().all() or (sizes == 0).any():
        return None
    gram = (matrix / sizes).T @ (matrix / sizes)
    if torch.linalg.cond(gram) > 1e10:
        return None  # one term is a multiple of the others: it says nothing more
    weights = torch.linalg.lstsq(matrix / sizes, wanted[:, None]).solution.flatten() / sizes
    left = float((matrix @ weights - wanted).abs().max()) / (float(wanted.abs().max()) or 1.0)
    return weights.tolist(), left


def _named_terms(
    problem: Problem, draw: Draw, terms: Sequence[Term], weights: Sequence[float], residual: float
) -> tuple[int, Diagnosis]:
    whole, *parts = weights
    complexity = sum(term.complexity for term in terms)
    names, texts, certain = [], [], True
    for term, weight in zip(terms, parts, strict=True):
        if term.name == "extra-term":
            known = True  # any size is possible, such as that of a weight decay
            names.append(term.name)
            texts.append(
                f"yours is the right one {'+' if weight > 0 else '−'} {abs(weight):.6g} × {term.text}"
            )
        else:
            times = 1 + weight / whole  # what this way's own part is multiplied by
            meaning, known = _meaning(problem, draw, times)
            if abs(times) <= 1e-6:
                names.append(term.name)
                texts.append(f"{term.text} is forgotten")
                known = True
            elif abs(times + 1) <= 1e-6:
                names.append("term-sign")
                texts.append(f"{term.text} has the wrong sign")
            else:
                names.append("term-factor")
                texts.append(f"{term.text} counts {meaning}")
        complexity += 0 if known else 3
        certain = certain and known
    text = ", and ".join(texts)
    if abs(whole - 1) > 1e-6:
        meaning, known = _meaning(problem, draw, whole)
        complexity += 1 if known else 4
        certain = certain and known
        text += f"; besides, all of it is {meaning}"
    return complexity, Diagnosis(names[0], f"{text[0].upper()}{text[1:]}.", residual, certain)


def _meaning(problem: Problem, draw: Draw, factor: float) -> tuple[str, bool]:
    """The factor in words, and whether it is one that has a meaning here."""
    if abs(abs(factor) - 1) <= 1e-6:
        return f"× {factor:.0f}", True
    sizes = _sizes(problem, draw)
    meanings = [text for value, text in sizes if abs(factor / value - 1) <= 1e-6]
    meanings += [f"minus {text}" for value, text in sizes if abs(factor / value + 1) <= 1e-6]
    return f"× {factor:.6g}" + (f" ({' or '.join(meanings)})" if meanings else ""), bool(meanings)


def _named(
    problem: Problem, draw: Draw, candidate: Candidate, factor: float, residual: float
) -> tuple[int, Diagnosis]:
    """The diagnosis of a candidate with its factor: one more thing that went wrong, unless it is 1."""
    if abs(factor - 1) <= 1e-6:
        return candidate.complexity, Diagnosis(candidate.name, candidate.text + ".", residual, True)
    meaning, known = _meaning(problem, draw, factor)
    sign = abs(factor + 1) <= 1e-6
    what = "with the wrong sign" if sign else meaning
    name = candidate.name if candidate.name != "right" else "sign" if sign else "factor"
    more = 1 if known or candidate.name == "right" else 3
    certain = known or candidate.complexity == 0  # a step and an unknown factor are two guesses
    return candidate.complexity + more, Diagnosis(name, f"{candidate.text}, {what}.", residual, certain)


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
