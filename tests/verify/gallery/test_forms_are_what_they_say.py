"""Derivations in the forms that people have them in: wrong is what differences of numbers call wrong."""

import inspect

import pytest

from tests.verify.gallery.derivation import NamedDerivation
from tests.verify.gallery.numpy_functions_right import NUMPY_FUNCTIONS_RIGHT
from tests.verify.gallery.numpy_functions_right_layers import NUMPY_LAYERS_RIGHT
from tests.verify.gallery.numpy_functions_wrong import NUMPY_FUNCTIONS_WRONG
from tests.verify.gallery.numpy_functions_wrong_layers import NUMPY_LAYERS_WRONG
from tests.verify.gallery.numpy_functions_wrong_losses import NUMPY_LOSSES_WRONG
from tests.verify.gallery.numpy_functions_wrong_models import NUMPY_MODELS_WRONG
from tests.verify.gallery.truth_of_forms import wrong_names

WRONG = [
    *NUMPY_FUNCTIONS_WRONG.derivations,
    *NUMPY_LOSSES_WRONG.derivations,
    *NUMPY_LAYERS_WRONG.derivations,
    *NUMPY_MODELS_WRONG.derivations,
]
RIGHT = [*NUMPY_FUNCTIONS_RIGHT.derivations, *NUMPY_LAYERS_RIGHT.derivations]


def title(derivation: NamedDerivation) -> str:
    return ascii(derivation.title)


@pytest.mark.parametrize("derivation", WRONG, ids=title)
def test_a_wrong_one_is_wrong_in_just_the_inputs_that_it_names(derivation: NamedDerivation) -> None:
    assert derivation.bad
    assert derivation.mistakes
    assert set(wrong_names(derivation)) == set(derivation.bad)


@pytest.mark.parametrize("derivation", RIGHT, ids=title)
def test_a_right_one_is_right(derivation: NamedDerivation) -> None:
    assert wrong_names(derivation) == ()


@pytest.mark.parametrize("derivation", [d for d in WRONG if d.line], ids=title)
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
    titles = [d.title for d in (*WRONG, *RIGHT)]
    assert len(set(titles)) == len(titles)
