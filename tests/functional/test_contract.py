"""Every operation of the table keeps every promise of the contract, on every sample."""

import pytest

from tests.functional.checks import CONTRACT, Check, compiles_without_a_break, second_derivatives
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

CASES = [
    pytest.param(row, sample, id=f"{row.name}: {sample.name}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for sample in row.samples
]


LONG = (second_derivatives, compiles_without_a_break)
samples = pytest.mark.parametrize(("row", "sample"), CASES)


@samples
def test_contract(row: Row, sample: Sample) -> None:
    for check in CONTRACT:
        if check not in LONG:
            try:
                check(row.function, row, sample)
            except Exception as error:
                raise AssertionError(f"{check.__name__}: {error}") from error


@pytest.mark.parametrize("check", LONG, ids=lambda check: check.__name__)
@samples
def test_contract_at_length(check: Check, row: Row, sample: Sample) -> None:
    check(row.function, row, sample)
