"""For several processes: each engine's steps on shared batches, beside those of one process."""

import json
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.engines import build
from manual_backprop.training.processes import Processes, processes

CPU = torch.device("cpu")
CASES: dict[str, dict[str, Any]] = {
    "functions": {},
    "functions, squared error": {"loss": "mse"},
    "functions, adam": {"optimizer": "adam", "lr": 0.001},
    "autograd": {"engine": "autograd"},
    "explicit": {"engine": "explicit"},
    "explicit, squared error and momentum": {"engine": "explicit", "loss": "mse", "momentum": 0.9},
    "explicit, adam": {"engine": "explicit", "optimizer": "adam", "lr": 0.001, "hidden": (17, 13)},
    "cnn": {"model": "cnn"},
    "rnn": {"model": "rnn"},
}
BATCHES = (7, 7, 1)  # the last one leaves processes without an example


def difference(group: Processes, options: dict[str, Any]) -> float:
    """The largest difference of a parameter or a gradient's norm after a few steps."""
    config = TrainingConfig(dtype="float64", **options)
    alone, shared = build(config, 784, 10, CPU), build(config, 784, 10, CPU, group)
    generator = torch.Generator().manual_seed(0)
    for count in BATCHES:
        images = torch.randn(count, 784, generator=generator).double()
        labels = torch.randint(10, (count,), generator=generator)
        alone.step(images, labels)
        shared.step(group.share(images), group.share(labels), count)
    pairs = list(
        zip(alone.state_dict()["model"].values(), shared.state_dict()["model"].values(), strict=True)
    )
    pairs.append((alone.gradient_norms(), shared.gradient_norms()))
    return max(float((a - b).abs().max()) for a, b in pairs)


def share(pipe: Connection, file: Path) -> int:
    """The first process writes the largest differences into the file."""
    with processes(CPU) as group:
        found = {name: difference(group, options) for name, options in CASES.items()}
        found["processes"] = group.size
        if group.first:
            file.write_text(json.dumps(found))
    return 0
