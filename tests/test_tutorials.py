"""The tutorials run from top to bottom, and leave the reader's folder as it is."""

import re
import runpy
from pathlib import Path

import pytest

TUTORIALS = sorted(Path(__file__).parent.parent.glob("tutorials/*.py"))
FOLDERS = ("runs", "data")  # where the package itself would write


def files_named_in(tutorial: Path) -> set[str]:
    return set(re.findall(r"\b[\w-]+\.(?:png|svg|html|py|csv|pt|json)\b", tutorial.read_text("utf-8")))


def test_the_files_that_a_tutorial_names_are_found_in_its_text() -> None:
    named = {name for tutorial in TUTORIALS for name in files_named_in(tutorial)}
    assert {"layers.py", "step.html", "losses.png", "metrics.csv"} <= named


@pytest.mark.usefixtures("sample_read_once")
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_it_runs_and_writes_over_no_file_of_the_readers(
    tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    for folder in (mine, elsewhere):
        folder.mkdir()
    for name in {*files_named_in(tutorial), *FOLDERS}:
        (mine / name).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in mine.iterdir()}
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    monkeypatch.chdir(mine)
    runpy.run_path(str(tutorial), run_name="__main__")
    assert {path: path.stat().st_mtime_ns for path in mine.iterdir()} == before
    assert {path.read_text() for path in mine.iterdir()} == {"mine"}
