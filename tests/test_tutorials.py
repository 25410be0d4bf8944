"""The tutorials run from top to bottom."""

import runpy
from pathlib import Path

import pytest

TUTORIALS = sorted(Path(__file__).parent.parent.glob("tutorials/*.py"))


@pytest.mark.usefixtures("sample_read_once")
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_it_runs(tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tutorial), run_name="__main__")
