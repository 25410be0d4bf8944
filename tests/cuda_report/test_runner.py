"""A section comes to its end, whatever becomes of its items."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.cuda import worker
from scripts.cuda.runner import run
from scripts.cuda.section import FAILED, LEFT_OUT, NOT_RUN, PASSED, Outcome, Settings
from tests.cuda_report.sections import section

ON_CPU, ON_GPU = Settings("cpu", True, ""), Settings("cuda", True, "")


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
    outcomes = run(several, where, 100, tmp_path)
    assert [outcome.status for outcome in outcomes.values()] == [PASSED] * 3
    assert len({outcome.result for outcome in outcomes.values()}) == 3


def test_what_the_time_is_not_enough_for_is_told(tmp_path: Path) -> None:
    outcomes = ran("two", tmp_path, seconds=3)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "quick": PASSED,
        "slow": FAILED,  # it took more than half of the time
        "never": NOT_RUN,
    }
    assert "3 s were over" in outcomes["slow"].reason
    assert "in hang" in outcomes["slow"].traceback
    assert outcomes["never"].reason == "the section's 3 s were over"


@pytest.mark.parametrize("items", ["no_items", "not_there"])
def test_a_section_that_cannot_start_says_why(items: str, tmp_path: Path) -> None:
    (outcome,) = ran(items, tmp_path).values()
    assert outcome.status == FAILED
    assert ("there are no items" if items == "no_items" else "not_there") in outcome.traceback


def test_behind_an_error_on_the_gpu_a_new_process_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first error, found when the GPU is waited for, is the item's; nothing else is begun."""

    def lost() -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch.cuda, "synchronize", lost)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    results = tmp_path / "results"
    request = {
        "items": "tests.cuda_report.sections:processes",
        "settings": asdict(ON_GPU),
        "results": str(results),
    }
    code = worker.main({**request, "worker": 0, "workers": 1, "fresh": False, "done": []})
    names, began, item = map(json.loads, results.read_text().splitlines())
    assert code == worker.AGAIN
    assert (names, began) == ({"names": ["one", "two", "three"]}, {"began": "one"})
    assert item["status"] == FAILED
    assert item["reason"] == "RuntimeError: CUDA error: device-side assert triggered"
