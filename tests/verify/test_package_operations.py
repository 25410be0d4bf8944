"""The package's own operations, judged by name."""

import inspect

import pytest
import torch
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop import verify
from manual_backprop.derive.command_line.package_operations import OWN
from manual_backprop.verify.command import verify_own
from tests.functional.table import ROWS


@pytest.mark.parametrize("name", OWN)
def test_every_operation_of_the_package_is_right(name: str) -> None:
    report = verify_own(name)
    assert report
    for verdict in report.verdicts:  # named as the operation names them
        assert verdict.name.partition("[")[0] in inspect.signature(getattr(F, name)).parameters


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("linear", ["input", "weight", "bias"]),
        ("batch_norm", ["input", "weight", "bias"]),
        ("cat", ["tensors[0]", "tensors[1]"]),
        ("lstm", ["input", "hx[0]", "hx[1]", *(f"params[{at}]" for at in range(4))]),
        ("embedding", ["weight"]),
        ("where", ["input", "other"]),
    ],
)
def test_the_inputs_have_the_names_of_the_operations_arguments(name: str, inputs: list[str]) -> None:
    assert [verdict.name for verdict in verify_own(name).verdicts] == inputs


def test_inputs_of_a_function_of_any_number_of_them_are_counted() -> None:
    def cat(first: Tensor, *others: Tensor) -> Tensor:
        return torch.cat((first, *others))

    report = verify(cat, lambda g, *x: g.split([len(part) for part in x]), shapes="(2,3) (5,3) (7,3)")
    assert [verdict.name for verdict in report.verdicts] == ["first", "others[0]", "others[1]"]
    assert report


def test_every_operation_is_known_by_its_name() -> None:
    assert {row.name for row in ROWS if row.name in F.__all__} <= OWN.keys()
