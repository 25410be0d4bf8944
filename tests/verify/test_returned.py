"""Whatever a derivation returns, or returns only now and then, gets a verdict."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from tests.hostile import FUNCTIONS, VALUES


def triple(x: Tensor) -> Tensor:
    return 3 * x


every_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)


@every_value
def test_what_is_returned_is_judged(value: Any) -> None:
    for returned in (value, (value,), [value]):
        report = verify(triple, lambda g, x, returned=returned: returned, shapes=[(5, 3)])
        assert report.exit_code == 1
        assert report.to_json()


@pytest.mark.parametrize(
    "name", ["complex tensor", "nan tensor", "meta tensor", "sparse tensor", "NumPy array"]
)
def test_what_is_returned_is_drawn(name: str) -> None:
    verify(triple, lambda g, x: VALUES[name], shapes=[(5, 3)]).plot().draw_without_rendering()


@every_value
@pytest.mark.parametrize("call", range(4))  # three draws, and the first one again
def test_what_is_returned_at_one_call_only_is_found(call: int, value: Any) -> None:
    calls = itertools.count()
    report = verify(triple, lambda g, x: value if next(calls) == call else 3 * g, shapes=[(5, 3)])
    assert report.exit_code == 1


@every_value
def test_what_is_returned_at_a_kink_or_for_ones_only_is_no_crash(value: Any) -> None:
    at_kink = verify(triple, lambda g, x: value if (x == 0).any() else 3 * g, shapes=[(5, 3)])
    assert at_kink.exit_code in (0, 1)
    for_ones = verify(triple, lambda g, x: value if (g == 1).all() else 2 * g, shapes=[(5, 3)])
    assert for_ones.status in ("wrong", "malformed")
    assert not any(verdict.passes_with_ones for verdict in for_ones.verdicts)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_what_a_derivation_does_is_judged(function: Any) -> None:
    report = verify(triple, function, shapes=[(5, 3)])
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("gradient", "says"),
    [
        (torch.ones(5, 3, device="meta", dtype=torch.float64), "on the device meta, but the input is on cpu"),
        (
            torch.ones(5, 3, dtype=torch.complex128),
            "yours is torch.complex128, but the input is torch.float64",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(gradient: Tensor, says: str) -> None:
    assert says in str(verify(triple, lambda g, x: gradient, shapes=[(5, 3)]))


def test_a_gradient_of_another_kind_is_right_if_its_numbers_are() -> None:
    assert verify(triple, lambda g, x: (3 * g).to_sparse(), shapes=[(5, 3)])
    assert verify(lambda x: 0 * x, lambda g, x: torch.zeros(5, 3, dtype=torch.int64), shapes=[(5, 3)])
