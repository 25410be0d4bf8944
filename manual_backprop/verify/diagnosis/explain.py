"""Which mistake explains a wrong gradient: candidates and terms, fitted to what was given on every draw."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from torch import Tensor

from manual_backprop.verify.diagnosis import changed_forward, given_options, matrices
from manual_backprop.verify.diagnosis.changed_steps import found_in_derivation
from manual_backprop.verify.diagnosis.explanations import (
    Explanation,
    explained_by_candidate,
    explained_by_terms,
    is_factor,
)
from manual_backprop.verify.diagnosis.gradient_terms import Term, half_forgotten, paths, products
from manual_backprop.verify.diagnosis.hypotheses import candidates
from manual_backprop.verify.diagnosis.least_squares import fit_coefficients, fit_factor
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Problem

TELLING = (
    "detached",  # whichever way back it is that is cut
    "truncated-in-time",
    "not-summed",
    "assigned",
    "other-places",
    "forgotten-use",
    "sign",
    "local-derivative",
    "left-out",
    "forgotten-path",
)
VAGUE = ("factor", "input-for-slope")  # and last
MOST_DIAGNOSES = 4
MOST_TERMS = 24  # pairs of them are fitted
NOTHING = 1e-9  # a coefficient this small says that the right gradient is not in what was given

TermsOnDraws = tuple[Term, ...]  # the same term on every draw


@dataclass(frozen=True)
class Explained:
    """What explains a wrong gradient.

    Attributes:
        diagnoses: the simplest explanations, the best first.
        departure: the first line of the derivation that departs, and what is due there; or "".
    """

    diagnoses: tuple[Diagnosis, ...] = ()
    departure: str = ""


def explain(wrong: WrongGradient) -> Explained:
    """What equals the given gradient on every draw, up to one factor, and where the derivation departs."""
    derived = found_in_derivation(wrong)
    departure = str(derived.departure or "")
    found = [*derived.explanations, *_by_candidates(wrong)]
    if not any(explanation.complexity == 0 for explanation in found):
        found += _by_terms(wrong)
        found += given_options.explanations(wrong)
        found += changed_forward.explanations(wrong)
        found += matrices.explanations(wrong)
    if not found:
        return Explained((), departure)
    if any(e.diagnosis.name == "transposed" for e in derived.explanations):  # says the same, and where
        found = [e for e in found if e.diagnosis.name != "jacobian-transposed"]
    simplest = min(explanation.complexity for explanation in found)
    by_text = {e.diagnosis.text: e.diagnosis for e in found if e.complexity == simplest}
    best = sorted(by_text.values(), key=_rank)
    only_one = len({diagnosis.name for diagnosis in best}) == 1
    diagnoses = (Diagnosis(d.name, d.text, d.residual, d.certain and only_one) for d in best[:MOST_DIAGNOSES])
    return Explained(tuple(diagnoses), departure)


def _rank(diagnosis: Diagnosis) -> tuple[int, bool]:
    order = (*TELLING, "", *VAGUE)
    return order.index(diagnosis.name if diagnosis.name in order else ""), "×" in diagnosis.text


def _by_candidates(wrong: WrongGradient) -> Iterator[Explanation]:
    by_draw = [
        {(c.name, c.text, c.key): c for c in candidates(wrong.problem, draw, wrong.at)}
        for draw in wrong.draws
    ]
    for key, first in by_draw[0].items():
        if not all(key in made for made in by_draw):
            continue
        gradients = [made[key].gradient for made in by_draw]
        fit = fit_factor(gradients, wrong.given, wrong.fit_tolerance)
        if fit is not None:
            yield explained_by_candidate(wrong.problem, wrong.draws[0], first, *fit)


def _by_terms(wrong: WrongGradient) -> list[Explanation]:
    """The right gradient with one or two of its paths forgotten or of another size, or a term too many."""
    right = [wrong.problem.right(draw)[wrong.at] for draw in wrong.draws]
    if any(g.shape != r.shape for g, r in zip(wrong.given, right, strict=True)):
        return []
    uses = paths(wrong)
    additions = _on_every_draw(products, wrong)
    return [
        *_by_halves(wrong, right, uses),
        *_by_fewest(wrong, right, uses, most=2, scaled=True),
        *_by_fewest(wrong, right, additions, most=1, scaled=False),
    ]


def _on_every_draw(
    make: Callable[[Problem, Draw, int], list[Term]], wrong: WrongGradient
) -> list[TermsOnDraws]:
    """Each term on every draw; none if the draws do not lead through the same steps."""
    try:
        by_draw = [make(wrong.problem, draw, wrong.at) for draw in wrong.draws]
    except (RuntimeError, ValueError, TypeError, KeyError, NotImplementedError):
        return []
    texts = [[term.text for term in terms] for terms in by_draw]
    return list(zip(*by_draw, strict=True)) if all(t == texts[0] for t in texts) else []


def _by_halves(
    wrong: WrongGradient, right: Sequence[Tensor], terms: Sequence[TermsOnDraws]
) -> Iterator[Explanation]:
    """A term that is a multiple of the whole leaves nothing to fit but the gradient without it."""
    for term in terms:
        tries = [half_forgotten(t, r) for t, r in zip(term, right, strict=True)]
        halves = [candidate for candidate in tries if candidate is not None]
        if len(halves) < len(wrong.draws):
            continue
        fit = fit_factor([half.gradient for half in halves], wrong.given, wrong.fit_tolerance)
        if fit is not None:
            yield explained_by_candidate(wrong.problem, wrong.draws[0], halves[0], *fit)


def _by_fewest(
    wrong: WrongGradient, right: Sequence[Tensor], terms: Sequence[TermsOnDraws], most: int, scaled: bool
) -> list[Explanation]:
    """By a single term if one suffices, else by two, up to `most`.

    `scaled`: the right gradient may be multiplied by a factor at the same time.
    """
    for count in range(1, most + 1):
        tries = (_fitted(wrong, right, chosen, scaled) for chosen in combinations(terms[:MOST_TERMS], count))
        found = [explanation for explanation in tries if explanation is not None]
        if found:
            return found
    return []


def _fitted(
    wrong: WrongGradient, right: Sequence[Tensor], chosen: Sequence[TermsOnDraws], scaled: bool
) -> Explanation | None:
    """What was given as a sum of the right gradient and these terms; None if it is no such sum."""
    fit = fit_coefficients([right, *([t.gradient for t in term] for term in chosen)], wrong.given)
    if fit is None:
        return None
    weights, residual = fit
    if residual > wrong.fit_tolerance or abs(weights[0]) < NOTHING:
        return None
    if not scaled and not is_factor(weights[0], 1):
        return None
    return explained_by_terms(wrong.problem, wrong.draws[0], [term[0] for term in chosen], weights, residual)
