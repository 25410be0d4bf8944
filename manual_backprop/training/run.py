"""A run and its folder: train, report, and leave nothing half-written.

The checkpoint is what a run is. The tables and pictures beside it are made from it, so that a run which was
interrupted and resumed leaves the same ones as a run that never stopped.
"""

import csv
import io
import json
import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from manual_backprop import __version__, plots
from manual_backprop.training import checkpoint
from manual_backprop.training.config import Failure, TrainingConfig, UsageError
from manual_backprop.training.data import Dataset, load
from manual_backprop.training.engines import GraphEngine, build
from manual_backprop.training.loop import Trainer, configuration, require_fit, resolve_device
from manual_backprop.training.progress import Progress

Say = Callable[[str], None]


class Interrupted(Exception):  # noqa: N818 - an end that was asked for
    """Ctrl-C or a request to terminate: the run is saved and can be resumed."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def train(config: TrainingConfig, out: Path | None = None, say: Say = print) -> Path:
    """Train a network and leave a run folder.

    Args:
        config: what to train, and how.
        out: the run folder, which must not hold anything yet; by default a new one in runs/.
        say: where the lines for the user go.

    Returns:
        The run folder: config.json, metrics.csv, gradient_norms.csv, checkpoint.pt, summary.json, pictures.

    Raises:
        Failure: no such device, no such data, an unwritable folder, or a loss that is no finite number.
        Interrupted: by Ctrl-C or SIGTERM, after the step under way; the checkpoint is written.
    """
    device = resolve_device(config.device)
    if out is not None:
        _make_folder(out)
    data, notice = load(config.dataset, Path(config.data_dir), device, getattr(torch, config.dtype))
    config = replace(config, dataset=data.name, device=device.type)
    if out is None:
        out = Path("runs") / f"{data.name}-{datetime.now():%Y%m%d-%H%M%S}"
        _make_folder(out)
    if notice:
        say(notice)
    return _run(Trainer(config, data), out, say)


def resume(out: Path, changes: dict[str, Any], say: Say = print) -> Path:
    """Go on with the run in `out`, bit for bit as if it had never stopped.

    Args:
        out: the run folder.
        changes: to its configuration: `epochs`, `target_accuracy`, `device` or `data_dir`.
        say: where the lines for the user go.

    Raises:
        UsageError: fewer epochs than are done.
        Failure, Interrupted: as `train`.
    """
    state = checkpoint.load(out / checkpoint.NAME)
    config = configuration(state, **changes)
    if config.epochs < state["epoch"]:
        raise UsageError(f"--epochs {config.epochs}: {state['epoch']} are done already in {out}")
    device = resolve_device(config.device)
    data, _ = load(config.dataset, Path(config.data_dir), device, getattr(torch, config.dtype))
    require_fit(state, config, data, parameters_only=False)
    trainer = Trainer(config, data)
    trainer.load_state_dict(state)
    if trainer.reached:
        say(f"{out} has reached its {config.target_accuracy:g} %; a higher --target-accuracy would go on.")
    elif trainer.complete:
        say(f"{out} is complete; --epochs {config.epochs + 10} would go on.")
    return _run(trainer, out, say)


def network_of(run: Path | None, data_dir: str | None) -> tuple[Any, Dataset, Any]:
    """The network of a run, or an untrained one, on the CPU; its data, and its loss of logits and labels.

    Raises:
        Failure: no run there, or no data.
    """
    state = None if run is None else checkpoint.load(run / checkpoint.NAME)
    config = TrainingConfig() if state is None else configuration(state)
    config = replace(config, engine="functions", precision="full", device="cpu")
    cpu = torch.device("cpu")
    data, _ = load(config.dataset, Path(data_dir or config.data_dir), cpu, getattr(torch, config.dtype))
    if state is not None:
        require_fit(state, config, data, parameters_only=True)
    engine = build(config, data.train_images.shape[1], len(data.classes), cpu)
    assert isinstance(engine, GraphEngine)
    if state is not None:
        engine.model.load_state_dict(state["engine"]["model"])
    return engine.model, data, engine.loss


def _run(trainer: Trainer, out: Path, say: Say) -> Path:
    config = trainer.config
    _write_configuration(trainer, out)
    if trainer.step == 0:
        checkpoint.save(out / checkpoint.NAME, trainer.state_dict())
    examples = len(trainer.data.train_images)
    done = trainer.epoch * examples + trainer.position
    with _stop_signals() as received, Progress(config.epochs * examples, done, say) as progress:
        while not trainer.complete:
            seconds, left = trainer.seconds, examples - trainer.position
            try:
                whole = trainer.train_epoch(lambda: bool(received), progress)
            except Failure as failure:
                raise Failure(f"{failure}; {out} keeps the checkpoint of {_reached(out)}") from failure
            checkpoint.save(out / checkpoint.NAME, trainer.state_dict())
            if whole:
                _write_tables(trainer, out)
                progress.end_epoch(trainer.metrics[-1], config.epochs, left / (trainer.seconds - seconds))
            if received and not trainer.complete:
                raise Interrupted(
                    f"Stopped after step {trainer.step:,}. Go on with: manual-backprop train --resume {out}",
                    received[0],
                )
    _write_tables(trainer, out)
    _write_summary(trainer, out)
    _draw(trainer, out)
    accuracy = trainer.metrics[-1]["test_accuracy"]
    if trainer.reached:
        say(f"{config.target_accuracy:g} % reached after {trainer.seconds:.2f} s of training.")
    say(f"{accuracy:.2%} of the test images right after {trainer.epoch} epochs. Everything is in {out}")
    return out


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """The stop signals received so far: the first waits for the step under way, the second does not."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for kind, handler in before.items():
            signal.signal(kind, handler)

    before: dict[signal.Signals, Any] = {}
    try:
        for kind in (signal.SIGINT, signal.SIGTERM):
            before[kind] = signal.signal(kind, note)
    except ValueError:
        pass  # signals reach the main thread only; in another one there are none to wait for
    try:
        yield received
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
        if not occupied:
            probe = out / ".probe"
            probe.touch()
            probe.unlink()
    except OSError as error:
        raise Failure(f"cannot write into the output folder {out}: {error.strerror}") from error
    if occupied:
        raise Failure(f"{out} is not empty: give another --out, or go on with its run by --resume {out}")


def _reached(out: Path) -> str:
    state = checkpoint.load(out / checkpoint.NAME)
    return f"step {state['step']:,} (epoch {state['epoch']})"


def _write_configuration(trainer: Trainer, out: Path) -> None:
    """The configuration, the seed in it, and the versions that the numbers may depend on."""
    device = trainer.device
    versions = {"manual_backprop": __version__, "python": platform.python_version()}
    for package in ("torch", "torchvision", "mlxtend"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    name = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or device.type
    )
    _write_json(
        out / "config.json",
        {
            "configuration": asdict(trainer.config),
            "versions": versions,
            "device": name,
            "threads": torch.get_num_threads(),
        },
    )


def _write_tables(trainer: Trainer, out: Path) -> None:
    if trainer.metrics:
        rows = [list(row.values()) for row in trainer.metrics]
        _write_csv(out / "metrics.csv", list(trainer.metrics[0]), rows)
    layers = len(trainer.gradient_norms[0]) - 1
    _write_csv(
        out / "gradient_norms.csv",
        ["step", *(f"layer_{i + 1}" for i in range(layers))],
        trainer.gradient_norms,
    )


def _write_summary(trainer: Trainer, out: Path) -> None:
    """What depends on the machine and the moment is kept apart from the metrics."""
    examples = trainer.epoch * len(trainer.data.train_images)
    _write_json(
        out / "summary.json",
        {
            "dataset": trainer.data.name,
            "epochs": trainer.epoch,
            "steps": trainer.step,
            "training_seconds": trainer.seconds,
            "capture_seconds": trainer.capture_seconds,
            "examples_per_second": examples / trainer.seconds,
            **{key: trainer.metrics[-1][key] for key in ("train_accuracy", "test_accuracy", "test_loss")},
        },
    )


def _draw(trainer: Trainer, out: Path) -> None:
    logits = torch.cat([logits for logits, _ in trainer.test_logits()]).double().cpu()
    images, labels = trainer.data.test_images.cpu(), trainer.data.test_labels.cpu()
    classes = trainer.data.classes
    pictures = {
        "curves": plots.training_curves(trainer.metrics),
        "gradient_norms": plots.gradient_norms(
            trainer.gradient_norms, steps_per_epoch=trainer.step / trainer.epoch
        ),
        "confusion": plots.confusion_matrix(logits.argmax(1), labels, classes),
        "worst": plots.worst_mistakes(images.reshape(-1, 28, 28), logits.softmax(1), labels, classes),
    }
    for name, figure in pictures.items():
        checkpoint.write(out / f"{name}.png", partial(figure.savefig, format="png"))


def _write_csv(path: Path, header: list[str], rows: list[list[float]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    checkpoint.write_text(path, text.getvalue())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    checkpoint.write_text(path, json.dumps(content, indent=2) + "\n")
