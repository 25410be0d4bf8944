"""What an operation says of itself is all there, and true; the name of the test says what is missing."""

from collections.abc import Iterator
from importlib import import_module

import pytest
import torch
import torch.nn.functional as T

import manual_backprop.functional as F
from manual_backprop.functional.operation import PUBLIC, TWINS, Operation
from tests.functional.checks import assert_same
from tests.functional.modules import NAMES
from tests.functional.samples import Row, randn
from tests.functional.table import ROWS

WITHOUT_ROW = {
    "cross_entropy_in_place",
    "overwrite",
    "setitem",
    "view",
}  # in place, which has tests of its own
WITHOUT_EXAMPLE = {"cross_entropy_"}  # in place, so that it cannot be called twice with the same tensors
WITHOUT_TWIN = {"linear_cross_entropy"}  # that of newer versions of torch has options of its own


def operations() -> Iterator[type[Operation]]:
    """The operations that stand in a file; in-place forms that are made of them do not."""
    for name in NAMES:
        for value in vars(import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Operation) and value.__module__ == name:
                yield value


OPERATIONS = [each for each in operations() if each.forward is not torch.autograd.Function.forward]
SLOPES = [operation for operation in OPERATIONS if operation.formula.slope]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_it_has_a_formula(operation: type[Operation]) -> None:
    formula = operation.formula
    assert formula.kind != "other"
    assert formula.forward
    assert formula.backward


def test_each_name_belongs_to_one_operation_and_its_forms_in_place() -> None:
    names = [operation.formula.name for operation in OPERATIONS if "formula" in vars(operation)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_its_file_has_a_row_in_the_table(operation: type[Operation]) -> None:
    file = operation.__module__.rpartition(".")[2]
    assert file in {row.name for row in ROWS} | WITHOUT_ROW, f"tests/functional/table/{file}.py is missing"


@pytest.mark.parametrize("name", PUBLIC)
def test_it_can_be_judged_by_name(name: str) -> None:
    assert PUBLIC[name].example or name in WITHOUT_EXAMPLE


@pytest.mark.parametrize("name", PUBLIC)
def test_the_function_of_torch_that_has_its_name_has_a_twin(name: str) -> None:
    named = {getattr(room, name) for room in (T, torch) if hasattr(room, name)}
    assert not named or not named.isdisjoint(TWINS) or name in WITHOUT_TWIN


def test_it_is_handed_on() -> None:
    assert F.__all__ == sorted(PUBLIC)
    assert all(getattr(F, name) is PUBLIC[name].function for name in PUBLIC)


@pytest.mark.parametrize("operation", SLOPES, ids=lambda operation: operation.__name__)
def test_its_slope_is_its_derivative(operation: type[Operation]) -> None:
    x = randn(5, 3).abs().requires_grad_()
    y = getattr(F, operation.formula.name)(x)
    assert operation.formula.slope
    slope = operation.formula.slope(x.detach(), y.detach())
    assert_same("slope", slope, *torch.autograd.grad(y.sum(), x))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_its_row_says_how_calls_are_drawn(row: Row) -> None:
    assert row.drawn
