"""The report comes to its end, whatever becomes of its sections; here, on the CPU."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts import cuda_report
from scripts.cuda.page import fenced
from scripts.cuda.section import LEFT_OUT, NOT_RUN, PASSED, Section
from scripts.cuda.section import table as markdown
from scripts.cuda.sections import SECTIONS
from tests.cuda_report.sections import section


def reported(
    out: Path, *sections: Section, arguments: tuple[str, ...] = ()
) -> tuple[int, dict[str, Any], str]:
    code = cuda_report.main(["--device", "cpu", "--out", str(out), *arguments], sections)
    found = json.loads((out / "cuda_report.json").read_text(encoding="utf-8"))
    return code, found, (out / "cuda_report.md").read_text(encoding="utf-8")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is known beforehand: to ask PyTorch takes a process of its own."""
    monkeypatch.setattr(cuda_report, "gpu", lambda: ("", ""))


@pytest.mark.usefixtures("no_gpu")
def test_the_page_has_what_failed_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = section("every_kind", item_seconds=3), section("processes")
    code, found, page = reported(tmp_path, *sections)
    assert code == 1
    assert found["sections"]["every_kind"]["items"]["first"]["result"] == {"one": 1.5, "no number": "nan"}
    assert "| About every_kind | 2 | 6 | 1 | 0 |" in page
    assert "### About every_kind: raises\n\nValueError: two lines:\n\n~~~~~~text\nTraceback" in page
    assert "- About every_kind, left out: is left out (it cannot be had here)" in page
    assert "is wrong: {'found': 2}" in page
    assert "**Made without a GPU.**" in page
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "no GPU: on the CPU, with small sizes"
    assert printed[1].startswith("every_kind            2 passed, 6 failed, 1 left out  (")
    assert printed[2].startswith("processes             3 passed  (")
    assert printed[3].endswith("something failed")


@pytest.mark.usefixtures("no_gpu")
def test_what_was_not_asked_for_is_told_and_nothing_failed(tmp_path: Path) -> None:
    sections = section("processes"), section("two")
    for _ in range(2):  # the second time over what the first has written
        code, found, page = reported(tmp_path, *sections, arguments=("--only", "processes"))
        assert code == 0
        assert found["sections"]["two"]["items"]["(all)"]["status"] == NOT_RUN
        assert "- About two, not run: (all) (not reached, or not asked for)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cuda_report.json", "cuda_report.md"]


@pytest.mark.usefixtures("no_gpu")
def test_a_part_of_the_page_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    broken = replace(section("processes"), page="tests.cuda_report.sections:broken_page")
    code, found, page = reported(tmp_path, broken)
    assert (code, found["unwritten"]) == (1, ["processes"])
    assert "This part could not be written" in page
    assert "no such column" in page


@pytest.mark.usefixtures("no_gpu")
def test_a_section_for_which_no_time_is_left_is_not_run(tmp_path: Path) -> None:
    code, found, _ = reported(tmp_path, section("two"), section("processes"), arguments=("--minutes", "0.1"))
    assert code == 1
    (left,) = found["sections"]["processes"]["items"].values()
    assert (left["status"], left["reason"]) == (NOT_RUN, "no time was left")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_report_that_is_stopped_is_written(number: int, tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    threading.Thread(target=stop, daemon=True).start()
    sections = section("at_work"), section("processes")
    _, found, _ = reported(tmp_path / "out", *sections, arguments=("--data-dir", str(tmp_path)))
    for name in ("at_work", "processes"):
        assert {each["status"] for each in found["sections"][name]["items"].values()} == {NOT_RUN}, name
    assert found["sections"]["processes"]["items"]["(all)"]["reason"] == "the report was stopped"
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("minutes", ["0", "nan", "ten", "-1"])
def test_minutes_are_a_number_above_0(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cuda_report.main(["--minutes", minutes])
    assert f"got '{minutes}'" in capsys.readouterr().err


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cuda_report.main(["--device", "cuda", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "cuda_report: --device cuda: PyTorch finds no GPU here\n"


def test_a_torch_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_report, "ASK", "raise ImportError('libcuda.so')")
    assert cuda_report.gpu() == ("", " (ImportError: libcuda.so)")


def test_a_table_and_a_block_of_code_hold_whatever_is_in_them() -> None:
    rows: list[list[Any]] = [["a|b\nc", 1234567, 0.000123456], [None, True, 98765.4]]
    assert markdown(["", "n", "x"], rows).splitlines()[2:] == [
        "| a\\|b c | 1,234,567 | 0.000123 |",
        "| – | True | 98,765 |",
    ]
    long = "\n".join(f"line {i}" for i in range(100))
    assert fenced(long).splitlines()[:3] == ["~~~~~~text", "… 60 lines before", "line 60"]


@pytest.mark.slow
def test_the_whole_report_on_the_cpu(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(cuda_report.__file__)), "--device", "cpu", "--out", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    page = (tmp_path / "cuda_report.md").read_text(encoding="utf-8")
    assert ran.returncode == 0, ran.stdout + ran.stderr + page
    found = json.loads((tmp_path / "cuda_report.json").read_text(encoding="utf-8"))
    assert list(found["sections"]) == [each.name for each in SECTIONS]
    for each in SECTIONS:
        outcomes = found["sections"][each.name]["items"]
        assert {outcome["status"] for outcome in outcomes.values()} <= {PASSED, LEFT_OUT}, each.name
        assert f"## {each.title}\n\n" in page
        assert f"{each.name:<21}" in ran.stdout
    assert "Nothing was measured" not in page
