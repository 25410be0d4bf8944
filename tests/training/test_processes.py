"""Several processes make the steps that one would make."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.cli import main
from manual_backprop.training import Failure, TrainingConfig, resume, train
from manual_backprop.training.run import checkpoint, start
from tests.training.forked import Forked, command, together
from tests.training.run.test_run import assert_same_run
from tests.training.sharing import CASES, share

ROOT = Path(__file__).parents[2]


def torchrun(count: int, *arguments: str, limit: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a program in `count` processes that know of each other."""
    program = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    return subprocess.run(
        [*program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
    )


@pytest.fixture(scope="module", params=[2, 4])
def differences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    folder = tmp_path_factory.mktemp("shared")
    file, log = folder / "differences.json", folder / "log"
    assert together(request.param, share, file, log=log) == [0] * request.param, log.read_text()
    found: dict[str, float] = json.loads(file.read_text())
    assert found.pop("processes") == request.param
    return found


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_batch_add_up_to_its_gradient(case: str, differences: dict[str, float]) -> None:
    assert differences[case] < 1e-12


@pytest.mark.parametrize(
    ("device", "environment", "says"),
    [
        (
            "cuda",
            {"LOCAL_WORLD_SIZE": "3"},
            "3 processes on this machine need a CUDA device each, and it has 2",
        ),
        ("cuda", {"LOCAL_RANK": "2"}, "3 processes on this machine"),
        ("mps", {}, "cannot share a run on --device mps"),
        ("cpu", {"WORLD_SIZE": "many"}, "WORLD_SIZE, which torchrun sets, must be a number, got 'many'"),
        ("cpu", {"RANK": "0"}, "the processes cannot reach each other"),  # without an address
    ],
)
def test_what_cannot_be_shared_is_told_before_the_processes_wait_for_each_other(
    device: str,
    environment: dict[str, str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"WORLD_SIZE": "3", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.is_available", lambda: device == "cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: device == "mps")
    assert main(["train", "--dataset", "sample", "--device", device, "--out", str(tmp_path / "run")]) == 3
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert says in captured.err


def test_processes_that_continue_a_run_meet_on_its_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the fastest one that there is."""
    config = TrainingConfig(dataset="sample", device="cpu", epochs=1, hidden=(3,))
    run = train(config, tmp_path / "run", lambda line: None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    met = []

    def meet(device: torch.device) -> Any:
        met.append(device.type)
        raise Failure("enough is known")

    monkeypatch.setattr(start, "processes", meet)
    for changes, out in (({}, run), ({"device": "cuda"}, run), ({}, run / checkpoint.NAME)):
        with pytest.raises(Failure, match="enough is known"):
            resume(out, changes)
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(Failure, match="enough is known"):
        resume(tmp_path / "on another machine")
    assert met == ["cpu", "cuda", "cpu", "cuda"]
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(Failure, match="takes the folder of a run"):
        resume(tmp_path / "on another machine")


OPTIONS = "--dataset sample --device cpu --dtype float64 --epochs 2 --momentum 0.5".split()  # noqa: SIM905


def metrics(run: Path) -> list[list[float]]:
    _, *rows = csv.reader((run / "metrics.csv").read_text().splitlines())
    return [[float(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("engine", ["functions", "explicit"])
def test_a_run_of_two_processes_is_the_run_of_one(engine: str, tmp_path: Path) -> None:
    options = ("train", *OPTIONS, "--engine", engine)
    shared, alone, log = tmp_path / "shared", tmp_path / "alone", tmp_path / "log"
    assert together(2, command, *options, "--out", str(shared), log=log) == [0, 0], log.read_text()
    assert log.read_text().count("epoch 2/2") == 1  # by the first process alone
    assert Forked(command, *options, "--out", str(alone), log=log).end() == 0
    assert sorted(os.listdir(shared)) == sorted(os.listdir(alone))
    for row, due in zip(metrics(shared), metrics(alone), strict=True):
        assert row == pytest.approx(due, rel=1e-9)


def test_a_process_that_dies_ends_the_run_with_a_checkpoint_that_goes_on(tmp_path: Path) -> None:
    """By torchrun itself, which starts the processes and sees one of them die."""
    died, whole, log = tmp_path / "died", tmp_path / "whole", tmp_path / "log"
    ended = torchrun(2, "tests/training/dying.py", "90", "train", *OPTIONS, "--out", str(died))
    assert ended.returncode != 0
    assert "exitcode" in ended.stderr
    assert "lost contact with another process of this run" in ended.stderr  # says the one that is left
    assert checkpoint.load(died / checkpoint.NAME)["epoch"] == 1
    assert together(2, command, "train", "--resume", str(died), log=log) == [0, 0], log.read_text()
    assert together(2, command, "train", *OPTIONS, "--out", str(whole), log=log) == [0, 0], log.read_text()
    assert_same_run(died, whole)
