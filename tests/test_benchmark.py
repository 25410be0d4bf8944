"""The benchmark measures what it says; how long things take is not asserted."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import benchmark
from manual_backprop.benchmark import (
    Timed,
    alternate,
    epochs,
    operations,
    peak_bytes,
    ratios,
    steps,
    timing,
    worse,
)
from manual_backprop.benchmark.calls import calls
from manual_backprop.benchmark.cases import Compared
from manual_backprop.benchmark.tables import operation_table
from manual_backprop.cli import main
from manual_backprop.functional.operation import PUBLIC
from manual_backprop.training.engines.explicit import ExplicitEngine
from manual_backprop.training.engines.graph import GraphEngine
from scripts import benchmark as script

CPU = torch.device("cpu")


def test_cases_alternate_after_a_warm_up() -> None:
    calls: list[str] = []
    timed = alternate({name: lambda name=name: calls.append(name) for name in "ab"}, 2, 3, CPU)
    assert calls == ["a", "a", "a", "b", "b", "b"] * (2 + timing.WARM_UP)
    assert all(len(case.seconds) == 2 and case.median > 0 for case in timed.values())


def test_every_engine_makes_a_step() -> None:
    cases = steps(7, CPU)
    assert set(cases) == {"products alone", "functions", "autograd", "explicit"}
    for case in cases.values():
        case()


def test_an_epoch_as_trained_makes_the_steps_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch of either takes what is left; the epoch is evaluated."""
    data = epochs.random_digits(CPU, train=20, test=3)
    kinds = {"explicit": ExplicitEngine, "functions": GraphEngine, "autograd": GraphEngine}
    for make in (epochs.epochs_as_trained, epochs.epochs_of_steps):
        cases = make(CPU, data, batch_size=8)
        assert cases.keys() == kinds.keys()
        for name, case in cases.items():
            counts: list[int] = []
            step = kinds[name].step

            def counted(engine: Any, images: Tensor, labels: Tensor, step: Any = step) -> Tensor:
                counts.append(len(images))  # noqa: B023 - called in this round only
                return step(engine, images, labels)

            with monkeypatch.context() as patch:
                patch.setattr(kinds[name], "step", counted)
                assert case() in (True, None)
            assert counts == [8, 8, 4]


def test_the_trainers_own_share_is_what_it_takes_beyond_the_steps() -> None:
    assert epochs.own_shares({"explicit": Timed([3.0])}, {"explicit": Timed([2.0])}) == {"explicit": 0.5}


def test_the_peak_is_what_is_held_at_a_time() -> None:
    def hold() -> None:
        for _ in range(3):
            torch.ones(1000)  # gone before the next one
        kept = torch.ones(2000), torch.ones(3000)
        del kept

    assert 20_000 <= peak_bytes(hold, CPU) < 21_000


def test_measuring_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The profiler's C++ would, and Python's standard error is there again afterwards."""
    assert peak_bytes(lambda: torch.ones(1000), CPU) is not None
    print("seen", file=sys.stderr, flush=True)
    assert capfd.readouterr() == ("", "seen\n")


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_case_is_over_when_the_device_is_done(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[str] = []
    monkeypatch.setattr(getattr(torch, kind), "synchronize", lambda: waits.append(kind))
    alternate({"a": lambda: waits.append("case")}, 1, 1, torch.device(kind))
    assert waits == [kind, "case", kind] * (1 + timing.WARM_UP)


def test_a_device_that_does_not_count_its_memory_has_no_figure() -> None:
    assert peak_bytes(lambda: None, torch.device("mps")) is None
    timed = {name: Timed([1.0], None) for name in ("by hand", "built in", "floor")}
    cases = {"relu": Compared("3", lambda: None, lambda: None)}
    assert operation_table(cases, {"relu": timed}).endswith("| – | – | – |")


def test_a_ratio_that_has_grown_is_told() -> None:
    now = ratios(
        {64: {"autograd": Timed([2.0]), "functions": Timed([3.0]), "explicit": Timed([1.0])}},
        {"relu": {"by hand": Timed([2.0]), "built in": Timed([1.0])}},
    )
    assert now == {"functions, batch 64": 1.5, "explicit, batch 64": 0.5, "relu": 2.0}
    assert worse(now, now) == []
    assert worse(now, {**now, "relu": 1.5, "gone": 1.0}) == [
        "relu: 2.00 times the built-in's time, 1.50 before"
    ]


def test_every_public_operation_is_called() -> None:
    assert set(calls(64, 128)) == set(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_call_goes_forward_and_backward(name: str) -> None:
    for case in calls(16, 128)[name].pair(name, CPU):
        case()


def test_a_table_of_every_operation_ends_with_the_middle_and_the_largest() -> None:
    def timed(*seconds: float) -> dict[str, Timed]:
        return {
            who: Timed([each], int(each))
            for who, each in zip(("eager", "fused", "built in"), seconds, strict=True)
        }

    table = benchmark.every_table({"1 × 2": {"a": timed(2.0, 1.0, 1.0), "b": timed(6.0, 3.0, 2.0)}})
    assert table.splitlines()[-2:] == [
        "| **median** | 2.50 | 1.25 | 2.50 | 1.25 |",
        "| **largest** | 3.00 | 1.50 | 3.00 | 1.50 |",
    ]


def test_the_script_writes_what_it_can_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scripts.benchmarks.steps.BATCHES", (7,))
    arguments = ["--only", "steps", "--rounds", "2", "--device", "cpu"]
    assert script.main([*arguments, "--out", str(tmp_path)]) == 0
    path = tmp_path / "benchmark.json"
    written = json.loads(path.read_text())
    assert set(written["ratios"]) == {"steps: batch 7, functions", "steps: batch 7, explicit"}
    assert (tmp_path / "benchmark.png").stat().st_size > 0
    for factor, due in ((1e3, 0), (1e-3, 1)):
        path.write_text(json.dumps({"ratios": {k: factor * v for k, v in written["ratios"].items()}}))
        assert script.main([*arguments, "--check", str(path)]) == due
    assert "times the built-in's time" in capsys.readouterr().out


def test_from_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "BATCHES", (7,))
    chosen = operations(CPU, large=False)
    monkeypatch.setattr(benchmark, "operations", lambda *_: {"relu": chosen["relu"]})
    before = torch.get_rng_state()
    assert main(["bench", "--device", "cpu", "--rounds", "2", "--json", str(tmp_path / "b.json")]) == 0
    assert torch.equal(torch.get_rng_state(), before)
    printed = capsys.readouterr().out
    assert "| explicit |" in printed
    assert "| relu | 4096 × 1024 |" in printed
    written = json.loads((tmp_path / "b.json").read_text())
    assert set(written["ratios"]) == {"functions, batch 7", "explicit, batch 7", "relu"}
