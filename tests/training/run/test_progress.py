"""Where a bar is seen, and where only the lines are."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manual_backprop.training import TrainingConfig, train
from manual_backprop.training.run.progress import Progress

CELL = """
from manual_backprop.training.run.progress import Progress
with Progress(100, 0, print) as progress:
    for epoch in (1, 2):
        progress.due(50)
        progress.end_epoch(
            dict(epoch=epoch, train_loss=0.5, train_accuracy=0.5, test_loss=0.5, test_accuracy=0.5), 2, 1000.0
        )
"""


def outputs(cell: str) -> list[dict[str, Any]]:
    """Of a cell in a real kernel."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    found: list[dict[str, Any]] = book.cells[0].outputs
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_shows_a_bar_and_the_lines() -> None:
    """As text where ipywidgets is missing, without a warning; else as a widget."""
    found = outputs(CELL)
    text = "".join(output["text"] for output in found if output.get("name") == "stdout")
    assert [output for output in found if output.get("name") == "stderr"] == []
    assert text.count("images/s\n") == 2
    widgets = [
        output for output in found if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert len(widgets) == 1 or "| 0.00/100 [" in text


class Terminal:
    encoding = "utf-8"

    def __init__(self, isatty: bool) -> None:
        self.isatty: Callable[[], bool] = lambda: isatty
        self.written = ""

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_a_bar_and_a_file_does_not(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(100, 20, lambda line: None):
        pass
    assert ("20.0/100" in stream.written) is terminal


def test_training_without_standard_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    train(TrainingConfig(dataset="sample", epochs=1, hidden=(3,), device="cpu"), tmp_path / "run")
