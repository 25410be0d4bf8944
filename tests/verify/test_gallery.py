"""The measure of `verify`: mistakes are named, and what is right is left alone."""

import pytest
import torch

from manual_backprop import verify
from tests.verify.gallery import NO_NAME, RIGHT, WRONG
from tests.verify.gallery.derivation import Derivation


def title(derivation: Derivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", WRONG, ids=title)
def test_the_mistake_is_named_first(derivation: Derivation) -> None:
    report = verify(derivation.forward, derivation.backward, shapes=derivation.shapes)
    verdict = report.verdicts[derivation.at]
    assert not report
    assert report.exit_code == 1
    assert verdict.status in ("wrong", "malformed"), report
    assert verdict.diagnoses, report
    assert verdict.diagnoses[0].name == derivation.mistake, report


@pytest.mark.parametrize("derivation", NO_NAME, ids=title)
def test_what_has_no_name_gets_no_wrong_one_with_certainty(derivation: Derivation) -> None:
    (verdict, *_) = verify(derivation.forward, derivation.backward, shapes=derivation.shapes).verdicts
    assert verdict.status == "wrong"
    assert "The error grows" in verdict.remark or verdict.diagnoses
    assert not any(diagnosis.certain for diagnosis in verdict.diagnoses), verdict


def test_nine_in_ten_are_named() -> None:
    assert len(WRONG) >= 0.9 * (len(WRONG) + len(NO_NAME))


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_what_is_right_passes(derivation: Derivation) -> None:
    assert verify(derivation.forward, derivation.backward, shapes=derivation.shapes)


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_what_is_right_passes_in_float32(derivation: Derivation) -> None:
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.rand(shape, generator=generator) + 0.5 for shape in derivation.shapes]
    assert verify(derivation.forward, derivation.backward, inputs=inputs)
