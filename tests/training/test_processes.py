"""Several processes make the steps that one would make."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from manual_backprop.training.run import checkpoint
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
