"""The measure of `verify`: mistakes are named, and what is right is left alone."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from tests.verify.gallery import NO_NAME, OF_COMPOSITIONS, OF_OPERATIONS, RIGHT, WRONG
from tests.verify.gallery.derivation import Derivation

SHARE = 0.9  # of the mistakes of each kind that the first diagnosis has to name


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_COMPOSITIONS)
def test_nine_in_ten_mistakes_of_a_kind_are_named_first(kind: str) -> None:
    derivations = OF_COMPOSITIONS[kind]
    problems = list(misjudged(derivations))
    assert not [text for text, harmless in problems if not harmless], report_of(problems)
    assert len(problems) <= (1 - SHARE) * len(derivations), report_of(problems)


def misjudged(derivations: Sequence[Derivation]) -> Iterator[tuple[str, bool]]:
    """What is wrong in the verdict on each, and whether it is only that the name is not given."""
    for derivation in derivations:
        verdicts = verify(derivation.forward, derivation.backward, shapes=derivation.shapes).verdicts
        wrong = tuple(i for i, verdict in enumerate(verdicts) if verdict.status in ("wrong", "malformed"))
        if wrong != derivation.bad:
            yield f"{derivation.title}: wrong in {wrong}, due {derivation.bad}", False
            continue
        first = next(iter(verdicts[derivation.at].diagnoses), None)
        if first is None:
            yield f"{derivation.title}: not explained, due {derivation.mistake}", True
        elif first.name not in derivation.mistakes:
            certain = "certainly " if first.certain else ""
            yield (
                f"{derivation.title}: {certain}{first.name} ({first.text}), due {derivation.mistake}",
                not first.certain,
            )


def report_of(problems: Sequence[tuple[str, bool]]) -> str:
    return "\n".join(text for text, _ in problems)


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
    assert verify(derivation.forward, derivation.backward, shapes=derivation.shapes)


@pytest.mark.parametrize("derivation", [d for d in RIGHT if d.float32], ids=title)
def test_what_is_right_passes_in_float32(derivation: Derivation) -> None:
    assert verify(derivation.forward, derivation.backward, inputs=single_precision(derivation))


def single_precision(derivation: Derivation) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        (x.float() if x.is_floating_point() else x)
        if isinstance(x, Tensor)
        else torch.rand(x, generator=generator) + 0.5
        for x in derivation.shapes
    ]
