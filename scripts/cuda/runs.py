"""A training run, with its steps captured in a CUDA graph or made one by one."""

import csv
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from manual_backprop.training import TrainingConfig, train
from manual_backprop.training.engines import Engine
from manual_backprop.training.run import checkpoint, loop, results
from scripts.cuda.measure import imitated_graph
from scripts.cuda.section import HERE, Settings, Wrong


def quiet(line: str) -> None:
    """For lines that nobody reads."""


ask_the_trainer = loop.may_be_replayed


@contextmanager
def graphs(wanted: bool, settings: Settings) -> Iterator[list[str]]:
    """Inside, the trainer replays steps wherever it can, or nowhere; the tracebacks of captures that failed.

    On a CPU the graph is an imitation that repeats the kernels.
    """
    capture = imitated_graph if settings.device == "cpu" else loop.cuda_graph
    failures: list[str] = []

    def cuda_graph(steps: Callable[[], None]) -> Callable[[], Any]:
        try:
            return capture(steps)
        except Exception:
            failures.append(traceback.format_exc())
            HERE.renew = True  # it may leave PyTorch in the midst of it
            raise

    def may_be_replayed(engine: Engine, device: torch.device) -> bool:
        return wanted and ask_the_trainer(engine, torch.device("cuda"))

    with ExitStack() as stack:
        stack.enter_context(patch.object(loop, "may_be_replayed", may_be_replayed))
        stack.enter_context(patch.object(loop, "cuda_graph", cuda_graph))
        stack.enter_context(patch.object(results, "draw", lambda *_: None))  # nobody looks at the pictures
        yield failures


def run(config: TrainingConfig, folder: Path, graph: bool, settings: Settings) -> dict[str, Any]:
    """What a run says of itself: whether steps were replayed, its seconds, and a row for each epoch.

    Raises:
        Wrong: steps should be captured, and could not be.
    """
    with graphs(graph, settings) as failures:
        found = summary(train(config, folder, quiet))
    if failures:
        raise Wrong(f"no capture: {failures[0].splitlines()[-1]}", None, failures[0])
    return found


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
