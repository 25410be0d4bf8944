"""The measure of `verify` on NumPy code: mistakes are named, and what is right is left alone."""

import functools
import re

import pytest

from manual_backprop import verify
from manual_backprop.verify import Diagnosis, Report
from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.numpy_derivations import NUMPY_KINDS, NUMPY_MALFORMED, NUMPY_RIGHT, NUMPY_UNNAMED

NAMED_FIRST = 0.9  # of the mistakes of each group
LOCATED = 0.65  # of those that depart in one line of the derivation
GROUPS: dict[str, tuple[NamedDerivation, ...]] = {**NUMPY_KINDS}
"""The wrong ones that are judged together."""
RIGHT = (*NUMPY_RIGHT,)


def title(derivation: NamedDerivation) -> str:
    return ascii(derivation.title)


def report_on(derivation: NamedDerivation) -> Report:
    arguments = derivation.arguments
    shapes = arguments if isinstance(arguments, dict) else list(arguments)
    return verify(derivation.forward, derivation.backward, against=derivation.against, shapes=shapes)


@functools.cache
def judged(group: str) -> tuple[tuple[NamedDerivation, Report], ...]:
    """What is said of each of a group; the tests below look at the same reports."""
    return tuple((derivation, report_on(derivation)) for derivation in GROUPS[group])


def first_diagnosis(derivation: NamedDerivation, report: Report) -> Diagnosis | None:
    verdicts = [verdict for verdict in report.verdicts if verdict.name == derivation.bad[0]]
    return next((diagnosis for verdict in verdicts for diagnosis in verdict.diagnoses), None)


each_group = pytest.mark.parametrize("group", GROUPS)


@pytest.mark.slow
@each_group
def test_a_mistake_is_found_in_just_the_inputs_that_it_spoils(group: str) -> None:
    for derivation, report in judged(group):
        wrong = {v.name for v in report.verdicts if v.status in ("wrong", "malformed")}
        assert wrong == set(derivation.bad), f"{derivation.title}\n{report}"
        assert report.exit_code == 1


@pytest.mark.slow
@each_group
def test_nine_in_ten_mistakes_are_named_first(group: str) -> None:
    missed = {}
    for derivation, report in judged(group):
        first = first_diagnosis(derivation, report)
        if first is None or first.name not in derivation.mistakes:
            missed[derivation.title] = first and first.name, derivation.mistakes
    assert len(missed) <= (1 - NAMED_FIRST) * len(judged(group)), missed


@pytest.mark.slow
@each_group
def test_no_mistake_gets_another_name_with_certainty(group: str) -> None:
    for derivation, report in judged(group):
        first = first_diagnosis(derivation, report)
        if first is not None and first.certain:
            assert first.name in derivation.mistakes, f"{derivation.title}: {first.text}"


@pytest.mark.slow
@each_group
def test_the_line_that_departs_is_in_most_reports(group: str) -> None:
    with_line = [(d, report) for d, report in judged(group) if d.line]
    missed = [d.title for d, report in with_line if d.line not in " ".join(str(report).split())]
    assert len(missed) <= (1 - LOCATED) * len(with_line), missed


@pytest.mark.slow
@each_group
def test_a_diagnosis_uses_the_names_of_the_code(group: str) -> None:
    with_words = [(d, first_diagnosis(d, report)) for d, report in judged(group) if d.words]
    missed = {
        d.title: first and first.text
        for d, first in with_words
        if first is None or not all(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", first.text) for w in d.words)
    }
    assert len(missed) <= (1 - LOCATED) * len(with_words), missed


@pytest.mark.slow
@each_group
def test_no_report_calls_something_by_the_name_for_what_needs_none(group: str) -> None:
    for derivation, report in judged(group):
        assert not re.search(r"(?<![\w.])_(?!\w)", str(report)), f"{derivation.title}\n{report}"


@pytest.mark.slow
@each_group
def test_the_code_is_followed_by_autograd_rather_than_known_from_its_values(group: str) -> None:
    for derivation, report in judged(group):
        assert report.oracles[0] == "autograd", f"{derivation.title}\n{report}"


@pytest.mark.parametrize("derivation", NUMPY_UNNAMED, ids=title)
def test_what_has_no_name_gets_no_wrong_one_with_certainty(derivation: NamedDerivation) -> None:
    verdicts = [v for v in report_on(derivation).verdicts if v.name in derivation.bad]
    assert [v.status for v in verdicts] == ["wrong"] * len(derivation.bad)
    assert not any(diagnosis.certain for v in verdicts for diagnosis in v.diagnoses), verdicts


@pytest.mark.parametrize("derivation", NUMPY_MALFORMED, ids=title)
def test_a_gradient_of_another_shape_is_malformed(derivation: NamedDerivation) -> None:
    malformed = {v.name for v in report_on(derivation).verdicts if v.status == "malformed"}
    assert malformed == set(derivation.bad)


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_what_is_right_passes(derivation: NamedDerivation) -> None:
    report = report_on(derivation)
    assert report, report
