"""Several processes make the steps that one would make."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from manual_backprop.cli import main
from manual_backprop.training.run import checkpoint
from tests.training.run.test_run import assert_same_run
from tests.training.sharing import CASES

ROOT = Path(__file__).parent.parent.parent


def torchrun(count: int, *command: str, limit: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a program in `count` processes that know of each other."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={count}",
            *command,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
    )


@pytest.fixture(scope="module", params=[2, 4])
def differences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    file = tmp_path_factory.mktemp("shared") / "differences.json"
    done = torchrun(request.param, "tests/training/sharing.py", str(file))
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(file.read_text())
    assert found.pop("processes") == request.param
    return found


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_batch_add_up_to_its_gradient(case: str, differences: dict[str, float]) -> None:
    assert differences[case] < 1e-12


TRAIN = ("-m", "manual_backprop", "train")
DATA = ["--dataset", "sample", "--device", "cpu", "--dtype", "float64"]
OPTIONS = [*DATA, "--epochs", "2", "--momentum", "0.5"]


def metrics(run: Path) -> list[list[float]]:
    _, *rows = csv.reader((run / "metrics.csv").read_text().splitlines())
    return [[float(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("engine", ["functions", "explicit"])
def test_a_run_of_two_processes_is_the_run_of_one(engine: str, tmp_path: Path) -> None:
    options = (*OPTIONS, "--engine", engine)
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    done = torchrun(2, *TRAIN, *options, "--out", str(shared))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 2/2") == 1  # by the first process alone
    assert main(["train", *options, "--out", str(alone)]) == 0
    assert sorted(os.listdir(shared)) == sorted(os.listdir(alone))
    for row, due in zip(metrics(shared), metrics(alone), strict=True):
        assert row == pytest.approx(due, rel=1e-9)


def test_a_process_that_dies_ends_the_run_with_a_checkpoint_that_goes_on(tmp_path: Path) -> None:
    died, whole = tmp_path / "died", tmp_path / "whole"
    ended = torchrun(2, "tests/training/dying.py", "90", "train", *OPTIONS, "--out", str(died))
    assert ended.returncode != 0
    assert "exitcode" in ended.stderr
    assert "another process of this run has gone" in ended.stderr  # says the one that is left
    assert checkpoint.load(died / checkpoint.NAME)["epoch"] == 1
    resumed = torchrun(2, *TRAIN, "--resume", str(died))
    assert resumed.returncode == 0, resumed.stderr
    assert torchrun(2, *TRAIN, *OPTIONS, "--out", str(whole)).returncode == 0
    assert_same_run(died, whole)
