"""The NumPy part of the gallery: wrong is what differences of the forward call wrong."""

import inspect
import re

import numpy as np
import pytest

from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.numpy_derivations import (
    NUMPY_MALFORMED,
    NUMPY_RIGHT,
    NUMPY_UNNAMED,
    NUMPY_WRONG,
)
from tests.verify.gallery.truth_of_forms import wrong_names

ALL_WRONG = (*NUMPY_WRONG, *NUMPY_MALFORMED, *NUMPY_UNNAMED)


def title(derivation: NamedDerivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", ALL_WRONG, ids=title)
def test_a_wrong_one_is_wrong_in_just_the_inputs_that_it_names(derivation: NamedDerivation) -> None:
    assert derivation.bad
    assert wrong_names(derivation) == derivation.bad


@pytest.mark.parametrize("derivation", NUMPY_RIGHT, ids=title)
def test_a_right_one_is_right(derivation: NamedDerivation) -> None:
    assert wrong_names(derivation) == ()


@pytest.mark.parametrize("derivation", [d for d in ALL_WRONG if d.line], ids=title)
def test_the_line_that_departs_is_one_line_of_what_was_written(derivation: NamedDerivation) -> None:
    whole = inspect.getsource(derivation.backward or derivation.forward)
    body = whole[whole.index("\ndef ") :]  # below the decorator, which has the line too
    assert len([line for line in body.splitlines() if derivation.line in line]) == 1


@pytest.mark.parametrize("derivation", NUMPY_WRONG, ids=title)
def test_a_wrong_one_has_names_for_its_mistake_and_words_of_its_code(derivation: NamedDerivation) -> None:
    assert derivation.mistakes
    assert all(derivation.mistakes)
    backward = derivation.backward or derivation.forward
    code = inspect.getsource(derivation.forward) + inspect.getsource(backward)
    assert all(re.search(rf"\b{word}\b", code) for word in derivation.words)


def test_there_are_enough_to_measure_with() -> None:
    assert len(NUMPY_WRONG) >= 70
    assert len(NUMPY_RIGHT) >= 40
    titles = [d.title for d in (*ALL_WRONG, *NUMPY_RIGHT)]
    assert len(set(titles)) == len(titles)


def test_a_right_one_is_not_called_wrong_and_a_wrong_one_is_not_called_right() -> None:
    def product(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        return x * y, (x, y)

    shapes = ((5, 3), (3,))
    right = NamedDerivation("", product, lambda g, cache: (g * cache[1], (g * cache[0]).sum(0)), shapes)
    assert wrong_names(right) == ()
    wrong = NamedDerivation("", product, lambda g, cache: (g * cache[1], g * cache[0]), shapes)
    assert wrong_names(wrong) == ("y",)


def test_every_output_has_its_own_upstream_gradient() -> None:
    def both(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, None]:
        return 2 * x, 3 * x, None

    right = NamedDerivation("", both, lambda g, h, cache: 2 * g + 3 * h, ((5, 3),))
    assert wrong_names(right) == ()
    wrong = NamedDerivation("", both, lambda g, h, cache: 2 * g, ((5, 3),))
    assert wrong_names(wrong) == ("x",)
