"""What a fit says in words: the mistake, and what the factors mean that come with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.gradient_terms import Term
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import Draw, Problem

SAME_FACTOR = 1e-6  # factors that differ by less, relatively, are one: fits to float32 are this exact
KNOWN_FACTOR = 1  # what a factor with a meaning, such as 1/N, adds to the complexity of an explanation
UNKNOWN_FACTOR = 3  # and what another one adds: with a number at will, a wrong explanation may fit


@dataclass(frozen=True)
class Explanation:
    """A diagnosis, and how much has to go wrong for it."""

    complexity: int
    diagnosis: Diagnosis


def is_factor(factor: float, value: float) -> bool:
    """Whether the factor is this value, but for rounding."""
    return abs(factor - value) <= SAME_FACTOR * max(abs(value), 1.0)


def explained_by_candidate(
    problem: Problem, draw: Draw, candidate: Candidate, factor: float, residual: float
) -> Explanation:
    """The candidate is what was given, up to a factor: one more thing that went wrong, unless it is 1."""
    if is_factor(factor, 1):
        diagnosis = Diagnosis(candidate.name, candidate.text + ".", residual, True)
        return Explanation(candidate.complexity, diagnosis)
    meaning, known = _meaning(problem, draw, factor)
    known = known and not (candidate.name == "sign" and factor < 0)  # two signs undo each other
    wrong_sign = is_factor(factor, -1)
    what = "with the wrong sign" if wrong_sign else meaning
    of_all = candidate.name == "right"  # the gradient itself, so that the factor is the only mistake
    name = ("sign" if wrong_sign else "factor") if of_all else candidate.name
    cost = KNOWN_FACTOR if known or of_all else UNKNOWN_FACTOR
    certain = known or candidate.complexity == 0  # a step and an unknown factor are two guesses
    diagnosis = Diagnosis(name, f"{candidate.text}, {what}.", residual, certain)
    return Explanation(candidate.complexity + cost, diagnosis)


def explained_by_terms(
    problem: Problem, draw: Draw, terms: Sequence[Term], weights: Sequence[float], residual: float
) -> Explanation:
    """What was given is weights[0] times the right gradient, plus the other weights times the terms."""
    whole, *weights_of_terms = weights
    parts = [
        _part(problem, draw, term, weight, whole)
        for term, weight in zip(terms, weights_of_terms, strict=True)
    ]
    complexity = sum(term.complexity for term in terms)
    complexity += sum(UNKNOWN_FACTOR for part in parts if not part.known)
    certain = all(part.known for part in parts)
    text = ", and ".join(part.text for part in parts)
    if not is_factor(whole, 1):
        meaning, known = _meaning(problem, draw, whole)
        complexity += 1 + KNOWN_FACTOR + (0 if known else UNKNOWN_FACTOR)  # two mistakes
        certain = certain and known
        text += f"; besides, all of it is {meaning}"
    diagnosis = Diagnosis(parts[0].name, f"{text[0].upper()}{text[1:]}.", residual, certain)
    return Explanation(complexity, diagnosis)


@dataclass(frozen=True)
class _Part:
    """What is said of one term; `known` if its factor has a meaning."""

    name: str
    text: str
    known: bool


def _part(problem: Problem, draw: Draw, term: Term, weight: float, whole: float) -> _Part:
    if term.name == "extra-term":  # any size is possible, such as that of a weight decay
        sign = "+" if weight > 0 else "−"
        return _Part(term.name, f"yours is the right one {sign} {abs(weight):.6g} × {term.text}", True)
    factor = 1 + weight / whole  # of this path's own part
    if is_factor(factor, 0):
        return _Part(term.name, f"{term.text} is forgotten", True)
    if is_factor(factor, -1):
        return _Part("term-sign", f"{term.text} has the wrong sign", True)
    meaning, known = _meaning(problem, draw, factor)
    return _Part("term-factor", f"{term.text} is counted {meaning}", known)


def _meaning(problem: Problem, draw: Draw, factor: float) -> tuple[str, bool]:
    """The factor in words, and whether it is one that has a meaning here."""
    if is_factor(abs(factor), 1):
        return f"× {factor:.0f}", True
    sizes = _sizes(problem, draw)
    meanings = [text for value, text in sizes if is_factor(factor / value, 1)]
    meanings += [f"minus {text}" for value, text in sizes if is_factor(factor / value, -1)]
    return f"× {factor:.6g}" + (f" ({' or '.join(meanings)})" if meanings else ""), bool(meanings)


def _sizes(problem: Problem, draw: Draw) -> list[tuple[float, str]]:
    """The factors that have a meaning here: 2, ½, and the sizes of things and one over them."""
    named = {2.0: ["two"]}
    tensors = [*zip(problem.names, draw.inputs, strict=True), ("the output", draw.output)]
    for name, tensor in tensors:
        for d, size in enumerate(tensor.shape):
            named.setdefault(float(size), []).append(f"the size of {name} in {problem.language.along((d,))}")
        if tensor.dim() > 1:
            named.setdefault(float(tensor.numel()), []).append(f"the number of elements of {name}")
    found = []
    for value, texts in named.items():
        if value > 1:
            found.append((value, " = ".join(texts)))
            found.append((1 / value, "one over " + " = ".join(texts)))
    return found
