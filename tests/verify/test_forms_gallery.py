"""The measure of `verify` on derivations in the forms that people have them in."""

import functools
import re

import pytest

from manual_backprop import verify
from manual_backprop.verify import Diagnosis, Report
from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.forms import OF_FORMS, RIGHT_IN_FORMS, WRONG_IN_FORMS

NAMED_FIRST = 0.9  # of the mistakes in each form
LOCATED = 0.6  # of those that depart in one line
AS_THEY_ARE = ("autograd", "central differences")  # the first two that agree where torch has all functions

pytestmark = pytest.mark.slow
each_form = pytest.mark.parametrize("form", OF_FORMS)


def title(derivation: NamedDerivation) -> str:
    return ascii(derivation.title)


def report_on(derivation: NamedDerivation) -> Report:
    return verify(
        derivation.forward, derivation.backward, against=derivation.against, shapes=derivation.arguments
    )


@functools.cache
def judged(form: str) -> tuple[tuple[NamedDerivation, Report], ...]:
    """What is said of each wrong one; the tests below look at the same reports."""
    return tuple((d, report_on(d)) for d in OF_FORMS[form] if d.bad)


def first_diagnosis(derivation: NamedDerivation, report: Report) -> Diagnosis | None:
    verdicts = [verdict for verdict in report.verdicts if verdict.name == derivation.bad[0]]
    return next((diagnosis for verdict in verdicts for diagnosis in verdict.diagnoses), None)


@each_form
def test_a_mistake_is_found_in_just_the_inputs_that_it_spoils(form: str) -> None:
    for derivation, report in judged(form):
        wrong = {verdict.name for verdict in report.verdicts if verdict.status in ("wrong", "malformed")}
        assert wrong == set(derivation.bad), f"{derivation.title}\n{report}"
        assert report.exit_code == 1


@each_form
def test_nine_in_ten_mistakes_are_named_first(form: str) -> None:
    missed = {}
    for derivation, report in judged(form):
        first = first_diagnosis(derivation, report)
        if first is None or first.name not in derivation.mistakes:
            missed[derivation.title] = first and first.name, derivation.mistakes
    assert len(missed) <= (1 - NAMED_FIRST) * len(judged(form)), missed


@each_form
def test_no_mistake_gets_another_name_with_certainty(form: str) -> None:
    for derivation, report in judged(form):
        first = first_diagnosis(derivation, report)
        if first is not None and first.certain:
            assert first.name in derivation.mistakes, f"{derivation.title}: {first.text}"


@each_form
def test_the_line_that_departs_is_in_most_reports(form: str) -> None:
    with_line = [(d, report) for d, report in judged(form) if d.line]
    missed = [d.title for d, report in with_line if d.line not in " ".join(str(report).split())]
    assert len(missed) <= (1 - LOCATED) * len(with_line), missed


@each_form
def test_a_diagnosis_uses_the_names_of_the_code(form: str) -> None:
    with_words = [(d, first_diagnosis(d, report)) for d, report in judged(form) if d.words]
    missed = {
        d.title: first and first.text
        for d, first in with_words
        if first is None or not all(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", first.text) for w in d.words)
    }
    assert len(missed) <= (1 - LOCATED) * len(with_words), missed


@each_form
def test_what_torch_has_functions_for_is_differentiated_by_autograd(form: str) -> None:
    for derivation, report in judged(form):
        assert report.oracles[:2] == AS_THEY_ARE, derivation.title


@pytest.mark.parametrize("derivation", RIGHT_IN_FORMS, ids=title)
def test_what_is_right_passes(derivation: NamedDerivation) -> None:
    report = report_on(derivation)
    assert report, report
    assert report.oracles[:2] == AS_THEY_ARE


def test_the_gallery_of_forms_is_large_enough_to_measure_with() -> None:
    assert len(WRONG_IN_FORMS) >= 90
    assert len(RIGHT_IN_FORMS) >= 70
    assert all(len([d for d in form if d.bad]) >= 10 for form in OF_FORMS.values())
