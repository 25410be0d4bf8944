"""A training run, with its steps captured in a CUDA graph or made one by one."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from manual_backprop.training import TrainingConfig, train
from manual_backprop.training.run import checkpoint, loop, results
from scripts.cuda.measure import imitated_graph
from scripts.cuda.section import Settings


def quiet(line: str) -> None:
    """For lines that nobody reads."""


ask_the_trainer = loop.may_be_replayed


def replayed(config: TrainingConfig) -> bool:
    """Whether the trainer replays such steps on a GPU."""
    return ask_the_trainer(config, torch.device("cuda"))


@contextmanager
def graphs(wanted: bool, settings: Settings) -> Iterator[None]:
    """Inside, the trainer replays steps wherever it can, or nowhere.

    On a CPU the graph is an imitation that repeats the kernels.
    """
    with ExitStack() as stack:
        stack.enter_context(
            patch.object(loop, "may_be_replayed", lambda config, device: wanted and replayed(config))
        )
        stack.enter_context(patch.object(results, "draw", lambda *_: None))  # nobody looks at the pictures
        if settings.device == "cpu":
            stack.enter_context(patch.object(loop, "cuda_graph", imitated_graph))
        yield


def run(config: TrainingConfig, folder: Path, graph: bool, settings: Settings) -> dict[str, Any]:
    """What a run says of itself: whether steps were replayed, its seconds, and a row for each epoch."""
    with graphs(graph, settings):
        return summary(train(config, folder, quiet))


def summary(folder: Path) -> dict[str, Any]:
    """Of a run that is complete."""
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    seconds, epochs = told["training_seconds"], told["epochs"]
    return {
        "replayed": told["capture_seconds"] > 0,
        "epochs": epochs,
        "seconds": seconds,
        "seconds of an epoch": seconds / epochs,
        "seconds of the capture": told["capture_seconds"],
        "test accuracy": told["test_accuracy"],
        "rows": rows,
    }


def state(folder: Path) -> dict[str, Any]:
    """The checkpoint."""
    return checkpoint.load(folder / checkpoint.NAME)
