"""What a run leaves beside its checkpoint, all made from the run's state: tables and pictures."""

import csv
import io
import json
import platform
from dataclasses import asdict
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from manual_backprop import __version__, plots
from manual_backprop.training.run.files import write, write_text
from manual_backprop.training.run.loop import Trainer


def write_configuration(trainer: Trainer, out: Path) -> None:
    """The configuration with its seed, and the versions that the numbers may depend on."""
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


def write_tables(trainer: Trainer, out: Path) -> None:
    """A row for each epoch, and the gradient norms of some steps."""
    if trainer.metrics:
        rows = [list(row.values()) for row in trainer.metrics]
        _write_csv(out / "metrics.csv", list(trainer.metrics[0]), rows)
    layers = len(trainer.gradient_norms[0]) - 1
    _write_csv(
        out / "gradient_norms.csv",
        ["step", *(f"layer_{i + 1}" for i in range(layers))],
        trainer.gradient_norms,
    )


def write_summary(trainer: Trainer, out: Path) -> None:
    """The result, with what depends on the machine and the moment, apart from the metrics."""
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


def draw(trainer: Trainer, out: Path) -> None:
    """The curves, the gradient norms, the confusion matrix and the worst mistakes."""
    logits = torch.cat([logits for logits, _ in trainer.test_logits()]).cpu().double()
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
        write(out / f"{name}.png", partial(figure.savefig, format="png"))


def _write_csv(path: Path, header: list[str], rows: list[list[float]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")
