"""Every operation of the table keeps every promise of the contract, on every sample."""

import pytest

from tests.functional.checks import CONTRACT, Check
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

CASES = [
    pytest.param(row, sample, id=f"{row.name}: {sample.name}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for sample in row.samples
]


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("row", "sample"), CASES)
def test_contract(check: Check, row: Row, sample: Sample) -> None:
    check(row.function, row, sample)
