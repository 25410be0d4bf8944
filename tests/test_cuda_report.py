"""The report of a GPU comes to its end, whatever becomes of its parts; here, on the CPU."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scripts import cuda_report
from scripts.cuda import contract, digits, large_calls, marked_tests, measure, operations
from scripts.cuda.page import fenced
from scripts.cuda.runner import run
from scripts.cuda.section import FAILED, LEFT_OUT, NOT_RUN, PASSED, LeftOut, Outcome, Section, Settings, Wrong
from scripts.cuda.section import table as markdown
from scripts.cuda.sections import SECTIONS
from tests import cuda_sections
from tests.cuda_sections import section
from tests.functional.samples import Row, Sample, randn, strided, transposed
from tests.functional.table import ROWS

ON_CPU = Settings("cpu", True, "")


def ran(items: str, folder: Path, seconds: float = 100, **options: Any) -> dict[str, Outcome]:
    return run(section(items, **options), ON_CPU, seconds, folder)


def test_an_item_that_fails_in_whatever_way_stops_no_other(tmp_path: Path) -> None:
    outcomes = ran("every_kind", tmp_path, item_seconds=3)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "first": PASSED,
        "raises": FAILED,
        "is killed": FAILED,
        "exits": FAILED,
        "aborts": FAILED,
        "hangs": FAILED,
        "is left out": LEFT_OUT,
        "is wrong": FAILED,
        "last": PASSED,
    }
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome.reason} == {
        "raises": "ValueError: two lines:",
        "is killed": "the process was ended by signal 9",
        "exits": "the process ended with code 3",
        "aborts": "the process was ended by signal 6",
        "hangs": "not done after 3 s",
        "is left out": "it cannot be had here",
        "is wrong": "3 are due",
    }
    assert "the second" in outcomes["raises"].traceback
    assert "in hang" in outcomes["hangs"].traceback
    assert "Fatal Python error: Aborted" in outcomes["aborts"].traceback
    assert (outcomes["is wrong"].result, outcomes["is wrong"].traceback) == (
        {"found": 2},
        "where it was found",
    )
    assert outcomes["last"].result == {"one": 2}


@pytest.mark.parametrize(("fresh", "different"), [(False, 2), (True, 3)])
def test_an_item_may_have_a_process_of_its_own_or_ask_for_a_new_one(
    fresh: bool, different: int, tmp_path: Path
) -> None:
    outcomes = ran("processes", tmp_path, fresh=fresh)
    pids = [outcomes[name].result for name in ("one", "two", "three")]
    assert (pids[0] == pids[1]) is not fresh
    assert len(set(pids)) == different


def test_several_workers_do_each_item_once(tmp_path: Path) -> None:
    """They are for a GPU, whose device these items do not ask for."""
    where = Settings("none", True, "")
    several = section("processes", workers=3)
    workers: list[Any] = []
    outcomes = run(several, where, 100, tmp_path)
    assert [outcome.status for outcome in outcomes.values()] == [PASSED] * 3
    assert workers == []


def test_what_the_time_is_not_enough_for_is_told(tmp_path: Path) -> None:
    outcomes = ran("two", tmp_path, seconds=6)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "quick": PASSED,
        "slow": FAILED,  # it took more than half of the time
        "never": NOT_RUN,
    }
    assert "6 s were over" in outcomes["slow"].reason
    assert "in hang" in outcomes["slow"].traceback
    assert outcomes["never"].reason == "the section's 6 s were over"


@pytest.mark.parametrize("items", ["no_items", "not_there"])
def test_a_section_that_cannot_start_says_why(items: str, tmp_path: Path) -> None:
    (outcome,) = ran(items, tmp_path).values()
    assert outcome.status == FAILED
    assert ("there are no items" if items == "no_items" else "not_there") in outcome.traceback


def reported(
    out: Path, *sections: Section, arguments: tuple[str, ...] = ()
) -> tuple[int, dict[str, Any], str]:
    code = cuda_report.main(["--device", "cpu", "--out", str(out), *arguments], sections)
    found = json.loads((out / "cuda_report.json").read_text(encoding="utf-8"))
    return code, found, (out / "cuda_report.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is PyTorch asked in a process of its own, which takes a while."""
    monkeypatch.setattr(cuda_report, "gpu", lambda: ("", ""))
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(cuda_report.signal, "signal", lambda *_: None)
    yield
    assert before == {kind: signal.getsignal(kind) for kind in before}


def test_the_page_has_what_failed_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, page = reported(tmp_path, section("every_kind", item_seconds=3), section("processes"))
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
