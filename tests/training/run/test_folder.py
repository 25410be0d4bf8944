"""A full disk, a folder that vanishes, two runs in one: a line says so, the last good checkpoint stays."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manual_backprop.training import Failure, TrainingConfig, resume, train
from manual_backprop.training.run import checkpoint
from manual_backprop.training.run.folder import Folder, new_folder
from manual_backprop.training.run.loop import Trainer
from tests.training.run.killed import Run

SHORT = TrainingConfig(dataset="sample", hidden=(17,), epochs=2, batch_size=61, device="cpu")
OPTIONS = "train --dataset sample --hidden 17 --batch-size 61 --device cpu".split()  # noqa: SIM905
QUIET: Callable[[str], None] = lambda line: None  # noqa: E731


def after_an_epoch(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    original = Trainer.train_epoch

    def train_epoch(trainer: Trainer, *arguments: Any) -> bool:
        whole = original(trainer, *arguments)
        do()
        return whole

    monkeypatch.setattr(Trainer, "train_epoch", train_epoch)


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    run = Run([*OPTIONS, "--epochs", "1", "--out", str(out)], log, largest_file=10_000)
    assert run.end() == 4
    assert log.read_text() == f"manual-backprop train: cannot write {out}/checkpoint.pt: File too large\n"
    assert [*out.iterdir()] == []
    assert Run([*OPTIONS, "--epochs", "1", "--out", str(out)], log).end() == 0  # once there is room


def test_a_disk_that_is_full_later_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    assert Run([*OPTIONS, "--epochs", "1", "--out", str(out)], log).end() == 0
    before = (out / checkpoint.NAME).read_bytes()
    log.unlink()
    run = Run(["train", "--resume", str(out), "--epochs", "2"], log, largest_file=20_000)
    assert run.end() == 4
    assert log.read_text() == (
        f"manual-backprop train: cannot write {out}/checkpoint.pt: File too large; "
        f"{out} keeps the checkpoint of step 66 (epoch 1)\n"
    )
    assert (out / checkpoint.NAME).read_bytes() == before
    assert not list(out.glob(".*.part"))


def test_a_folder_that_is_removed_during_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    after_an_epoch(monkeypatch, lambda: shutil.rmtree(out))
    with pytest.raises(Failure, match=rf"^{out} was removed or replaced during the run"):
        train(SHORT, out, QUIET)
    assert not out.exists()


def test_a_run_never_writes_into_the_folder_that_replaced_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def replace() -> None:
        shutil.rmtree(out)
        with new_folder(out):
            (out / checkpoint.NAME).write_text("another run's")

    after_an_epoch(monkeypatch, replace)
    with pytest.raises(Failure, match="was removed or replaced"):
        train(SHORT, out, QUIET)
    assert (out / checkpoint.NAME).read_text() == "another run's"


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    refusals = []

    def join() -> None:
        for other in (lambda: resume(out, {}, QUIET), lambda: train(SHORT, out, QUIET)):
            with pytest.raises(Failure) as refusal:
                other()
            refusals.append(str(refusal.value))

    after_an_epoch(monkeypatch, join)
    train(SHORT, out, QUIET)
    assert refusals[0] == f"another run is using {out}: wait for it to end, or stop it"
    assert refusals[1].startswith(f"{out} is not empty")
    resume(out, {}, QUIET)


def test_two_runs_that_start_in_one_folder(tmp_path: Path) -> None:
    with new_folder(tmp_path), pytest.raises(Failure, match="another run is using"):
        train(SHORT, tmp_path, QUIET)


def test_what_a_run_left_that_died_before_its_first_checkpoint_is_written_over(tmp_path: Path) -> None:
    with new_folder(tmp_path):
        (tmp_path / ".checkpoint.pt.part").write_text("half")
    train(SHORT, tmp_path, QUIET)
    assert not (tmp_path / ".checkpoint.pt.part").exists()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with (
        pytest.raises(Failure, match=rf"cannot write into .*{tmp_path}: No locks available"),
        Folder(tmp_path),
    ):
        pass
