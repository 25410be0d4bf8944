"""The right gradient of the forward with another value of an option that it was given, such as the stride."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from manual_backprop.derive.forms.forward import Forward
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.explanations import Explanation, explained_by_candidate, is_factor
from manual_backprop.verify.diagnosis.forward_calls import changed_gradients
from manual_backprop.verify.diagnosis.least_squares import fit_factor
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.forms.form import FormedBackward
from manual_backprop.verify.forms.parameters import parameters_of
from manual_backprop.verify.problem import Draw, Problem

MOST_RUNS = 16  # of the forward with another option


def explanations(wrong: WrongGradient) -> Iterator[Explanation]:
    """The options with which yours would be right."""
    for said, problem in _others(wrong.problem):
        first = _gradient(problem, wrong.draws[0], wrong.at)
        if first is None or fit_factor([first], wrong.given[:1], wrong.fit_tolerance) is None:
            continue
        others = [_gradient(problem, draw, wrong.at) for draw in wrong.draws[1:]]
        gradients = [first, *(g for g in others if g is not None)]
        complete = len(gradients) == len(wrong.draws)
        fit = fit_factor(gradients, wrong.given, wrong.fit_tolerance) if complete else None
        if fit is not None and is_factor(fit[0], 1):
            candidate = Candidate("forward-option", f"Yours is right for the forward with {said}", first)
            yield explained_by_candidate(wrong.problem, wrong.draws[0], candidate, *fit)


def _gradient(problem: Problem, draw: Draw, at: int) -> Tensor | None:
    gradients = changed_gradients(problem, draw.double(), {}, range(len(draw.inputs)))
    return gradients[at] if gradients else None


def _others(problem: Problem) -> Iterator[tuple[str, Problem]]:
    back, forward = problem.backward, problem.forward
    if not isinstance(back, FormedBackward) or not isinstance(forward, Forward):
        return
    form = back.form
    if form.with_arguments is None:
        return
    names = [p.name for p in parameters_of(forward.code[0])] if forward.code else []
    found = 0
    options = list(form.arguments.options())
    for path, value in options:
        for new in _values(value, [other for _, other in options]):
            if found < MOST_RUNS:
                found += 1
                run = form.with_arguments(form.arguments.with_option(path, new))
                name = next((key for key in reversed(path) if isinstance(key, str)), "")
                name = name or (names[int(path[0])] if len(names) > int(path[0]) else "")
                said = f"{name} {new!r} in place of {value!r}" if name else f"{new!r} in place of {value!r}"
                yield said, replace(problem, forward=forward.with_run(run))


def _values(value: Any, all_values: list[Any]) -> list[Any]:
    """What may be taken in the place of an option."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        alike = [x for x in all_values if type(x) is int]
        near = [1, 0, *alike, value + 1, value - 1]
        return [x for x in dict.fromkeys(near) if x != value and x >= 0]
    if isinstance(value, float):
        return [x for x in (0.0, 1.0, 1 - value) if x != value]
    return [x for x in dict.fromkeys(all_values) if isinstance(x, str) and x != value]
