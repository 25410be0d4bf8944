"""Killed at any moment, in the midst of writing too, a run is resumed and ends with the same bits."""

import random
import signal
import time
from pathlib import Path

import pytest

from manual_backprop.training.config import ENGINES
from manual_backprop.training.run import checkpoint
from tests.training.run.killed import POINTS, Run, Strike
from tests.training.run.same import assert_equal

KILLS = 20  # of each engine
KILLS_OF_A_RUN = 3
OPTIONS = "train --dataset sample --hidden 17 --epochs 3 --batch-size 61 --momentum 0.5 --device cpu"
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
EXIT_CODES = {signal.SIGKILL: {-9}, signal.SIGTERM: {-15, 143}, signal.SIGINT: {130}}


def assert_same_folder(one: Path, other: Path) -> None:
    """The same files, none of them half-written, and in them the same numbers and data of pictures."""
    assert {file.name for file in one.iterdir()} == {file.name for file in other.iterdir()}
    assert_equal(*(checkpoint.load(run / checkpoint.NAME) for run in (one, other)))
    for file in one.iterdir():
        if file.name not in (checkpoint.NAME, "summary.json"):
            assert file.read_bytes() == (other / file.name).read_bytes(), file.name


def start_or_resume(out: Path, engine: str) -> list[str]:
    if (out / checkpoint.NAME).exists():
        return ["train", "--resume", str(out)]
    return [*OPTIONS.split(), "--engine", engine, "--out", str(out)]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been(engine: str, tmp_path: Path) -> None:
    uninterrupted, log = tmp_path / "uninterrupted", tmp_path / "log"
    run = Run(start_or_resume(uninterrupted, engine), log)
    started = time.perf_counter()
    assert run.end() == 0, log.read_text()
    duration, points = time.perf_counter() - started, run.passed()
    assert {name for name, _ in points} == set(POINTS)
    of_checkpoint = [point for point in points if "checkpoint" in point[1]]

    choose = random.Random(engine)
    kills, runs = 0, 0
    while kills < KILLS:
        runs += 1
        out = tmp_path / f"run {runs}"
        for _ in range(KILLS_OF_A_RUN):
            number = choose.choice(SIGNALS)
            if choose.random() < 0.5:
                run = Run(start_or_resume(out, engine), log)
                run.kill_after(choose.uniform(0, duration), number)
                killed = run.end() != 0
            else:
                point = choose.choice(choose.choice([of_checkpoint, list(points)]))
                strike = Strike(point, choose.randint(1, points[point]), number)
                ended = Run(start_or_resume(out, engine), log, strike).end()
                assert ended in {0} | EXIT_CODES[number], (strike, log.read_text())
                killed = ended != 0
            kills += killed
        assert Run(start_or_resume(out, engine), log).end() == 0, log.read_text()
        assert_same_folder(uninterrupted, out)
    assert "Traceback" not in log.read_text()
