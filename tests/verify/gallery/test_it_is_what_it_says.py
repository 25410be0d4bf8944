"""The gallery itself: wrong is what autograd calls wrong, and the named line is there."""

import inspect

import pytest
import torch

from tests.verify.gallery import NO_NAME, RIGHT, WRONG
from tests.verify.gallery.derivation import Derivation
from tests.verify.gallery.truth import wrong_inputs


def title(derivation: Derivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", [*WRONG, *NO_NAME], ids=title)
def test_a_wrong_one_is_wrong_in_just_the_inputs_that_it_names(derivation: Derivation) -> None:
    assert wrong_inputs(derivation, at_zero=derivation.mistake == "mask-at-tie") == derivation.bad
    assert derivation.at in derivation.bad


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_a_right_one_is_right(derivation: Derivation) -> None:
    assert wrong_inputs(derivation) == ()


@pytest.mark.parametrize("derivation", [d for d in WRONG if d.line], ids=title)
def test_the_line_that_departs_is_one_line_of_the_backward(derivation: Derivation) -> None:
    whole = inspect.getsource(derivation.backward)
    body = whole[whole.index("\ndef ") :]  # below the decorator, which has the line too
    assert len([line for line in body.splitlines() if derivation.line in line]) == 1


def test_a_right_one_is_not_called_wrong_and_a_wrong_one_is_not_called_right() -> None:
    right = Derivation("", torch.exp, lambda g, x: g * x.exp(), ((5, 3),))
    assert wrong_inputs(right) == ()
    wrong = Derivation("", torch.mul, lambda g, a, b: (g * b, g), ((5, 3), (5, 3)))
    assert wrong_inputs(wrong) == (1,)
