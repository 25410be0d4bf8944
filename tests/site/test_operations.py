"""What the site shows of an operation: its code as it stands, and what `verify` says of mistakes."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "scripts" / "site"))

import mistakes  # type: ignore[import-not-found]
import pictures  # type: ignore[import-not-found]

from tests.functional.table import ROWS

ROW = next(row for row in ROWS if row.name == "sigmoid")


@pytest.mark.parametrize("mutant", ROW.mutants[:2], ids=lambda mutant: mutant.mistake)
def test_a_mistake_is_shown_with_its_line_and_what_verify_says(mutant: mistakes.Mutant) -> None:
    found = mistakes.judged(ROW, mutant)
    assert found.words == mutant.mistake
    assert found.right != found.wrong
    assert mutant.instead in found.wrong
    assert found.summary
    assert "WRONG" in found.report


def test_a_picture_is_of_the_operation_and_in_the_colours_of_its_page() -> None:
    svg = pictures.picture("sigmoid")
    assert svg.count("<svg") == 1
    assert "currentColor" in svg
    assert pictures.picture("matmul") == ""  # several variables
