"""The notebooks that the site gives away: answers are folded there as they are on the page."""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "scripts" / "site"))

import notebooks  # type: ignore[import-not-found]
from nbformat.v4 import new_code_cell, new_markdown_cell


def folded(*cells: Any) -> list[str]:
    notebooks.fold_answers(list(cells))
    return [cell.source for cell in cells]


def test_code_is_folded_up_to_the_next_heading() -> None:
    answer, later = new_code_cell("print(4)"), new_code_cell("print(5)")
    folded(new_code_cell('predict("1a")'), answer, new_markdown_cell("## Next"), later)
    assert answer.metadata["jupyter"] == {"source_hidden": True}
    assert not later.metadata
    assert later.source == "print(5)"


def test_text_is_folded_up_to_a_heading_or_the_next_question() -> None:
    _, first, _, second = folded(
        new_code_cell('predict("1a")'),
        new_markdown_cell("Four.\n\n**Predict:** and now?"),
        new_code_cell('predict("1b")'),
        new_markdown_cell("Five.\n\n## Next\n\nText."),
    )
    assert (
        first == "<details><summary>What it shows</summary>\n\nFour.\n\n</details>\n\n**Predict:** and now?"
    )
    assert second == "<details><summary>What it shows</summary>\n\nFive.\n\n</details>\n\n## Next\n\nText."


def test_what_answers_no_prediction_stays_as_it_is() -> None:
    assert folded(new_markdown_cell("Text."), new_code_cell("print(1)")) == ["Text.", "print(1)"]
