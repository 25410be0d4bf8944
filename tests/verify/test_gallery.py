"""The measure of `verify`: mistakes are named, and what is right is left alone."""

import functools
import re

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.verify import Diagnosis, Report
from tests.verify.gallery import NO_NAME, OF_COMPOSITIONS, OF_OPERATIONS, RIGHT, WRONG
from tests.verify.gallery.derivation import Derivation

NAMED_FIRST = 0.9  # of the mistakes of each kind
LOCATED = 0.65  # of those that depart in one line of the derivation


def title(derivation: Derivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", OF_OPERATIONS, ids=title)
def test_the_mistake_is_named_first(derivation: Derivation) -> None:
    report = verify(derivation.forward, derivation.backward, shapes=derivation.shapes)
    verdict = report.verdicts[derivation.at]
    assert not report
    assert report.exit_code == 1
    assert verdict.status in ("wrong", "malformed"), report
    assert verdict.diagnoses, report
    assert verdict.diagnoses[0].name in derivation.mistakes, report


@functools.cache
def judged(kind: str) -> tuple[tuple[Derivation, Report], ...]:
    """What is said of each of a kind; the tests below look at the same reports."""
    return tuple((d, verify(d.forward, d.backward, shapes=d.shapes)) for d in OF_COMPOSITIONS[kind])


def first_diagnosis(derivation: Derivation, report: Report) -> Diagnosis | None:
    verdicts = report.verdicts[derivation.at : derivation.at + 1]
    return next((diagnosis for verdict in verdicts for diagnosis in verdict.diagnoses), None)


each_kind = pytest.mark.parametrize("kind", OF_COMPOSITIONS)


@pytest.mark.slow
@each_kind
def test_a_mistake_in_a_composition_is_found_in_just_the_inputs_that_it_spoils(kind: str) -> None:
    for derivation, report in judged(kind):
        wrong = [i for i, verdict in enumerate(report.verdicts) if verdict.status in ("wrong", "malformed")]
        assert tuple(wrong) == derivation.bad, f"{derivation.title}\n{report}"
        assert report.exit_code == 1


@pytest.mark.slow
@each_kind
def test_nine_in_ten_mistakes_in_compositions_are_named_first(kind: str) -> None:
    missed = {}
    for derivation, report in judged(kind):
        first = first_diagnosis(derivation, report)
        if first is None or first.name not in derivation.mistakes:
            missed[derivation.title] = first and first.name, derivation.mistakes
    assert len(missed) <= (1 - NAMED_FIRST) * len(judged(kind)), missed


@pytest.mark.slow
@each_kind
def test_no_mistake_in_a_composition_gets_another_name_with_certainty(kind: str) -> None:
    for derivation, report in judged(kind):
        first = first_diagnosis(derivation, report)
        if first is not None and first.certain:
            assert first.name in derivation.mistakes, f"{derivation.title}: {first.text}"


@pytest.mark.slow
@each_kind
def test_the_line_that_departs_is_in_most_reports_on_compositions(kind: str) -> None:
    with_line = [(d, report) for d, report in judged(kind) if d.line]
    missed = [d.title for d, report in with_line if d.line not in " ".join(str(report).split())]
    assert len(missed) <= (1 - LOCATED) * len(with_line), missed


@pytest.mark.slow
@each_kind
def test_a_diagnosis_of_a_composition_uses_the_names_of_the_code(kind: str) -> None:
    with_words = [(d, first_diagnosis(d, report)) for d, report in judged(kind) if d.words]
    missed = {
        d.title: first and first.text
        for d, first in with_words
        if first is None or not all(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", first.text) for w in d.words)
    }
    assert len(missed) <= (1 - LOCATED) * len(with_words), missed


@pytest.mark.parametrize("derivation", NO_NAME, ids=title)
def test_what_has_no_name_gets_no_wrong_one_with_certainty(derivation: Derivation) -> None:
    (verdict, *_) = verify(derivation.forward, derivation.backward, shapes=derivation.shapes).verdicts
    assert verdict.status == "wrong"
    assert "The error grows" in verdict.remark or verdict.diagnoses
    assert not any(diagnosis.certain for diagnosis in verdict.diagnoses), verdict


def test_the_gallery_is_large_enough_to_measure_with() -> None:
    assert len(WRONG) >= 210
    assert len(RIGHT) >= 105
    assert all(len(kind) >= 10 for kind in OF_COMPOSITIONS.values())
    assert len({derivation.title for derivation in (*WRONG, *NO_NAME)}) == len(WRONG) + len(NO_NAME)
    assert len({derivation.title for derivation in RIGHT}) == len(RIGHT)


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_what_is_right_passes(derivation: Derivation) -> None:
    report = verify(derivation.forward, derivation.backward, shapes=derivation.shapes)
    assert report, report


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_what_is_right_passes_in_float32(derivation: Derivation) -> None:
    report = verify(derivation.forward, derivation.backward, inputs=single_precision(derivation))
    assert report, report


def single_precision(derivation: Derivation) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        (x.float() if x.is_floating_point() else x)
        if isinstance(x, Tensor)
        else torch.rand(x, generator=generator) + 0.5
        for x in derivation.shapes
    ]
