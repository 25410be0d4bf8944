"""A run folder, and that stopping and going on leaves no trace in the numbers."""

import csv
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.training import (
    Failure,
    Interrupted,
    TrainingConfig,
    UsageError,
    resume,
    train,
)
from manual_backprop.training.run import checkpoint, files
from manual_backprop.training.run.folder import new_folder
from manual_backprop.training.run.loop import Trainer
from manual_backprop.training.run.start import _run
from tests.training.conftest import sample_on

SHORT = TrainingConfig(dataset="sample", hidden=(17,), epochs=2, batch_size=61, momentum=0.5)
FILES = {
    ".lock",
    "config.json",
    "metrics.csv",
    "gradient_norms.csv",
    "checkpoint.pt",
    "summary.json",
    "curves.png",
    "gradient_norms.png",
    "confusion.png",
    "worst.png",
}
QUIET: Callable[[str], None] = lambda line: None  # noqa: E731


def assert_same_run(one: Path, other: Path) -> None:
    """Bit for bit: parameters, optimiser state, and both tables."""
    states = [checkpoint.load(run / checkpoint.NAME) for run in (one, other)]
    for name, parameter in states[0]["engine"]["model"].items():
        assert torch.equal(parameter, states[1]["engine"]["model"][name]), name
    assert velocities(states[0]["engine"]) != []
    for velocity, other_velocity in zip(*(velocities(s["engine"]) for s in states), strict=True):
        assert torch.equal(velocity, other_velocity)
    for table in ("metrics.csv", "gradient_norms.csv"):
        assert (one / table).read_bytes() == (other / table).read_bytes(), table


def velocities(engine: dict[str, Any]) -> list[torch.Tensor]:
    """What the optimiser keeps, under either name."""
    if "updates" in engine:
        return [tensor for layer in engine["updates"] for rule in layer for tensor in rule]
    return [state["momentum_buffer"] for state in engine["optimizer"]["state"].values()]


class StopAt:
    """Sends this process a signal once the run has made so many steps, in the midst of its work."""

    def __init__(self, step: int, number: signal.Signals = signal.SIGINT) -> None:
        self.left, self.number = step, number

    def __call__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = Trainer.train_epoch

        def train_epoch(trainer: Trainer, stop: Callable[[], bool], progress: Any) -> bool:
            def count() -> bool:
                self.left -= 1
                if self.left == 0:
                    signal.raise_signal(self.number)
                return stop()

            return original(trainer, count, progress)

        monkeypatch.setattr(Trainer, "train_epoch", train_epoch)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(SHORT, tmp_path_factory.mktemp("runs") / "uninterrupted", QUIET)


def test_the_folder_holds_all_that_a_run_is(uninterrupted: Path) -> None:
    assert {file.name for file in uninterrupted.iterdir()} == FILES
    recorded = json.loads((uninterrupted / "config.json").read_text())
    assert recorded["configuration"]["seed"] == 0
    assert {"torch", "manual_backprop", "python"} <= recorded["versions"].keys()
    rows = list(csv.DictReader((uninterrupted / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[-1]["test_accuracy"]) > 0.8
    norms = list(csv.DictReader((uninterrupted / "gradient_norms.csv").read_text().splitlines()))
    assert len(norms) > 50
    assert all(float(row["layer_2"]) > 0 for row in norms)
    for picture in uninterrupted.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_makes_the_same_run(uninterrupted: Path, tmp_path: Path) -> None:
    assert_same_run(uninterrupted, train(SHORT, tmp_path / "again", QUIET))


def test_another_seed_makes_another_run(uninterrupted: Path, tmp_path: Path) -> None:
    other = train(replace(SHORT, seed=1), tmp_path / "other", QUIET)
    with pytest.raises(AssertionError):
        assert_same_run(uninterrupted, other)


@pytest.mark.parametrize("step", [1, 40, 65, 66, 67, 131])  # an epoch has 66 steps
def test_stopped_and_resumed_equals_uninterrupted(
    step: int, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        StopAt(step)(patch)
        with pytest.raises(Interrupted, match=rf"step {step}.*--resume {out}") as stop:
            train(SHORT, out, QUIET)
    assert stop.value.exit_code == 130
    assert checkpoint.load(out / checkpoint.NAME)["step"] == step
    torch.manual_seed(123)  # what happens to the global generator meanwhile does not matter
    resume(out, {}, QUIET)
    assert_same_run(uninterrupted, out)


def test_stopped_twice_by_different_signals(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        StopAt(20)(patch)
        with pytest.raises(Interrupted):
            train(SHORT, out, QUIET)
    with monkeypatch.context() as patch:
        StopAt(70, signal.SIGTERM)(patch)
        with pytest.raises(Interrupted) as stop:
            resume(out, {}, QUIET)
    assert stop.value.exit_code == 143
    assert_same_run(uninterrupted, resume(out, {}, QUIET))


def test_a_signal_in_the_last_step_of_all_lets_the_run_complete(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StopAt(132)(monkeypatch)
    assert_same_run(uninterrupted, train(SHORT, tmp_path / "stopped", QUIET))


def test_the_explicit_engine_is_resumed_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SHORT, engine="explicit")
    whole = train(config, tmp_path / "whole", QUIET)
    with monkeypatch.context() as patch:
        StopAt(67)(patch)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "stopped", QUIET)
    assert_same_run(whole, resume(tmp_path / "stopped", {}, QUIET))


def test_a_run_stops_at_the_accuracy_that_was_asked_for(tmp_path: Path) -> None:
    lines: list[str] = []
    out = train(replace(SHORT, epochs=9, lr=0.1, target_accuracy=60), tmp_path / "run", lines.append)
    rows = (out / "metrics.csv").read_text().splitlines()[1:]
    accuracies = [float(row.split(",")[-1]) for row in rows]
    assert accuracies[-1] >= 0.6
    assert all(accuracy < 0.6 for accuracy in accuracies[:-1])
    assert any(line.startswith("60 % reached after") for line in lines)
    resume(out, {}, lines.append)
    assert any("continue with a higher --target-accuracy" in line for line in lines)
    resume(out, {"target_accuracy": None, "epochs": len(rows) + 1}, QUIET)
    assert len((out / "metrics.csv").read_text().splitlines()) == len(rows) + 2


def test_more_epochs_equal_a_longer_run(uninterrupted: Path, tmp_path: Path) -> None:
    short = train(replace(SHORT, epochs=1), tmp_path / "short", QUIET)
    assert_same_run(uninterrupted, resume(short, {"epochs": 2}, QUIET))


@pytest.mark.draws
def test_a_complete_run_says_so(uninterrupted: Path) -> None:
    lines: list[str] = []
    resume(uninterrupted, {}, lines.append)
    assert "is complete; continue with --epochs 12" in lines[0]
    with pytest.raises(UsageError, match="2 are done"):
        resume(uninterrupted, {"epochs": 1}, QUIET)


def test_nothing_is_written_over_another_run(uninterrupted: Path) -> None:
    before = (uninterrupted / "checkpoint.pt").read_bytes()
    with pytest.raises(Failure, match=r"not empty.*--resume"):
        train(SHORT, uninterrupted, QUIET)
    assert (uninterrupted / "checkpoint.pt").read_bytes() == before


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match=f"cannot write into the output folder {tmp_path / 'file' / 'run'}"):
        train(SHORT, tmp_path / "file" / "run", QUIET)


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_a_loss_that_turns_nan_keeps_the_last_good_checkpoint(epochs_before: int, tmp_path: Path) -> None:
    out = tmp_path / "run"
    if epochs_before:
        train(replace(SHORT, epochs=1), out, QUIET)
        good = checkpoint.load(out / checkpoint.NAME)
        good["engine"]["model"]["0.weight"] *= 1e30
        checkpoint.save(out / checkpoint.NAME, good)
        with pytest.raises(Failure, match=r"from step 68 on.*epoch 2.*keeps the checkpoint of step 67"):
            resume(out, {"epochs": 2}, QUIET)
    else:
        with pytest.raises(
            Failure, match=r"from step 2 on.*epoch 1.*--lr than 1e\+30.*checkpoint of step 1 .*before it"
        ):
            train(replace(SHORT, lr=1e30), out, QUIET)
    kept = checkpoint.load(out / checkpoint.NAME)
    assert all(parameter.isfinite().all() for parameter in kept["engine"]["model"].values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no .*checkpoint.pt"),
        (b"", "damaged, or not a checkpoint"),
        (b"PK\x03\x04 not a zip", "damaged, or not a checkpoint"),
        ({"format": 1}, "not a checkpoint of a training run"),
        ([1, 2], "not a checkpoint of a training run"),
        ({"format": 2}, "format 2, from a newer version"),
    ],
)
def test_what_is_no_checkpoint_is_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / checkpoint.NAME
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(Failure, match=message):
        resume(tmp_path, {}, QUIET)


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "executed",))  # type: ignore[return-value]

    torch.save({"format": 1, "config": Hostile()}, tmp_path / checkpoint.NAME)
    with pytest.raises(Failure, match="damaged, or not a checkpoint"):
        resume(tmp_path, {}, QUIET)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_another_network_is_refused(uninterrupted: Path, tmp_path: Path) -> None:
    state = checkpoint.load(uninterrupted / checkpoint.NAME)
    state["config"]["hidden"] = [19]
    checkpoint.save(tmp_path / checkpoint.NAME, state)
    with pytest.raises(Failure, match=r"does not fit the network.*0\.weight must be torch\.float32"):
        resume(tmp_path, {}, QUIET)


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_text(path, "good")

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with pytest.raises(Failure, match=r"cannot write .*No space left"):
        files.write(path, fail)
    assert path.read_text() == "good"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("batch_size", [4000, 5000, 1])
def test_any_batch_size_covers_every_example_once(batch_size: int, tmp_path: Path) -> None:
    data = sample_on(torch.device("cpu"))
    if batch_size == 1:
        data = replace(data, train_images=data.train_images[::40], train_labels=data.train_labels[::40])
    trainer = Trainer(replace(SHORT, batch_size=batch_size, epochs=1), data)
    with new_folder(tmp_path / "run") as folder:
        _run(trainer, folder, QUIET)
    assert trainer.step == -(-len(data.train_images) // batch_size)


@pytest.mark.slow
def test_full_mnist_is_learned_to_97_5_percent_within_10_epochs(full_mnist: Path, tmp_path: Path) -> None:
    config = TrainingConfig(data_dir=str(full_mnist), target_accuracy=97.5)
    assert config.epochs == 10
    out = train(config, tmp_path / "run", QUIET)
    rows = list(csv.DictReader((out / "metrics.csv").read_text().splitlines()))
    assert float(rows[-1]["test_accuracy"]) > 0.975
