"""Derivations in the forms that people have them in: wrong is what differences of numbers call wrong."""

import inspect

import pytest

from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.forms import RIGHT_IN_FORMS, WRONG_IN_FORMS
from tests.verify.gallery.truth_of_forms import wrong_names


def title(derivation: NamedDerivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", WRONG_IN_FORMS, ids=title)
def test_a_wrong_one_is_wrong_in_just_the_inputs_that_it_names(derivation: NamedDerivation) -> None:
    assert all(derivation.mistakes)
    assert set(wrong_names(derivation)) == set(derivation.bad)


@pytest.mark.parametrize("derivation", RIGHT_IN_FORMS, ids=title)
def test_a_right_one_is_right(derivation: NamedDerivation) -> None:
    assert wrong_names(derivation) == ()


@pytest.mark.parametrize("derivation", [d for d in WRONG_IN_FORMS if d.line], ids=title)
def test_the_line_that_departs_is_one_line_of_what_is_written(derivation: NamedDerivation) -> None:
    assert len([line for line in written(derivation).splitlines() if derivation.line in line]) == 1


def written(derivation: NamedDerivation) -> str:
    """The code of a derivation, without the decorator above it, which has the line too."""
    of = derivation.backward or derivation.forward
    of = of if inspect.isfunction(of) or inspect.isclass(of) else type(of)
    lines = inspect.getsource(of).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(("def ", "class ")))
    return "\n".join(lines[start:])


def test_no_two_have_the_same_title() -> None:
    titles = [derivation.title for derivation in (*WRONG_IN_FORMS, *RIGHT_IN_FORMS)]
    assert len(set(titles)) == len(titles)
