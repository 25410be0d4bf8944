"""A mistake raises what the twin raises, and the message names what was given and what was expected."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import manual_backprop.functional as F
from tests.functional.outcomes import Twins
from tests.functional.table import ROWS

MISTAKES = [
    pytest.param(*mistake, id=f"{row.name} {i}") for row in ROWS for i, mistake in enumerate(row.mistakes)
]


@pytest.mark.parametrize(("call", "message"), MISTAKES)
def test_mistakes_raise_as_the_twin_does(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(Exception) as due:  # noqa: PT011
        call(Twins())
    with pytest.raises(due.type, match=message):
        call(F)


def test_sigmoid_wants_a_tensor() -> None:
    with pytest.raises(TypeError, match="input must be a Tensor, got float"):
        F.sigmoid(3.0)  # type: ignore[arg-type]


def test_negative_smoothing_is_an_error() -> None:
    """The twin takes it for none; the documented range is 0 to 1."""
    with pytest.raises(RuntimeError, match=r"got -0\.1"):
        F.cross_entropy(torch.zeros(5, 3), torch.zeros(5).long(), label_smoothing=-0.1)
