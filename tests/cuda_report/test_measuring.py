"""What is measured, on the CPU, with imitations of what only a GPU has."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from manual_backprop.training.config import ENGINES
from scripts.cuda import (
    machine,
    measure,
    operations,
    steps,
)
from scripts.cuda.large_calls import large_call
from scripts.cuda.section import HERE, Settings, Wrong
from tests.functional.samples import Row
from tests.functional.table import ROWS

ON_CPU, ON_GPU = Settings("cpu", True, ""), Settings("cuda", True, "")
CPU = torch.device("cpu")
NAMED = {row.name: row for row in ROWS}
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@rows
def test_every_operation_has_a_large_call_that_both_answer_alike(row: Row) -> None:
    sample = large_call(row.name, operations.SMALL, CPU)
    by_hand, built_in = (operations.call(f, sample)() for f in (row.function, row.twin))
    assert operations.apart(by_hand, built_in) < 1e-4
    assert (operations.needed(row, sample) > 0) is not row.is_view


def test_what_an_operation_cannot_do_without() -> None:
    """A ReLU: x, y and ∂L/∂y, y again since it is kept, and ∂L/∂x."""
    sample = large_call("relu", 64, CPU)
    assert operations.needed(NAMED["relu"], sample) == 5 * 64 * 64 * 4


def test_a_replay_that_does_not_see_other_inputs_is_found() -> None:
    row, sample = NAMED["mul"], large_call("mul", 16, CPU)
    assert operations.after_a_change(row, sample, ON_CPU) < 1e-6
    stale = replace(row, function=lambda x, y: x * float(y.detach()[0, 0]) * y)
    assert operations.after_a_change(stale, sample, ON_CPU) > operations.FAR


def test_an_operation_that_cannot_be_captured_is_wrong_and_asks_for_a_new_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HERE, "renew", False)
    monkeypatch.setattr(measure, "captured", refuse)
    replays = measure.Replays(ON_CPU)
    replays.add("by hand", lambda: None)
    assert (replays.cases, replays.reasons) == ({}, {"by hand": "RuntimeError: capturing is not permitted"})
    assert HERE.renew
    assert "in refuse" in replays.tracebacks["by hand"]


def refuse(case: Callable[[], Any]) -> None:
    raise RuntimeError("capturing is not permitted")


def test_time_on_a_gpu_is_that_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Event:
        def __init__(self, enable_timing: bool = False) -> None:
            assert enable_timing

        def record(self) -> None:
            done.append("event")

        def synchronize(self) -> None:
            done.append("wait")

        def elapsed_time(self, other: "Event") -> float:
            return 0.5 * done.count("case") / (done.count("wait"))  # milliseconds

    monkeypatch.setattr(torch.cuda, "Event", Event)
    timed = measure.alternate({"a": lambda: done.append("case")}, 3, ON_GPU)
    assert done[:5] == ["case", "event", "case", "event", "wait"]
    assert len(timed["a"].seconds) == 3
    assert 0 < timed["a"].median < 1e-3


def test_a_gpu_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(major=9, minor=0, total_memory=80 * 2**30, multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    found = machine.versions(ON_GPU)
    assert (found["device"], found["compute capability"], found["memory"]) == ("a GPU", "9.0", "80.0 GiB")
    assert found["driver"].startswith("unknown") or found["driver"][0].isdigit()
    assert "| device | a GPU |" in machine.page({"versions": found})


def test_a_step_that_cannot_be_captured_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "captured", refuse)
    monkeypatch.setattr(HERE, "renew", False)
    refused = "RuntimeError: capturing is not permitted"
    message = "; ".join(f"{engine}: {refused}" for engine in ENGINES)
    with pytest.raises(Wrong, match=f"^{message}$") as found:
        steps.step(7, ON_CPU)
    assert found.value.result["functions"]["reason"] == refused
    assert "| batch 7 | explicit |" in steps.page({"batch 7": found.value.result})


def test_a_capture_that_leaves_the_gpu_unusable_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def capturing() -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(HERE, "renew", False)
    monkeypatch.setattr(measure, "cuda_graph", refuse)
    monkeypatch.setattr(torch.cuda, "synchronize", capturing)
    replays = measure.Replays(ON_GPU)
    replays.add("by hand", lambda: None)
    replays.add("built in", lambda: None)
    assert (replays.lost, list(replays.reasons), replays.cases) == (True, ["by hand"], {})
