"""Training on the device goes as on the CPU, with steps replayed and one by one."""

import math
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from manual_backprop.training import TrainingConfig
from manual_backprop.training.config import ENGINES
from scripts.cuda import digits
from scripts.cuda.measure import largest
from scripts.cuda.runs import run
from scripts.cuda.section import Items, Settings, Wrong, table

EPOCHS = 2
LOSS = {"float64": 1e-6, "float32": 0.02}
"""By which part of it an epoch's training loss may differ from the CPU's."""
ACCURACY = {"float64": 0.0005, "float32": 0.005}
"""By how much the test accuracy may, from 0 to 1."""
KINDS: dict[str, dict[str, Any]] = {
    "": {"dtype": "float64"},
    ", adam": {"dtype": "float64", "optimizer": "adam", "lr": 0.001},
    ", momentum": {"dtype": "float64", "momentum": 0.9, "lr": 0.01},
    ", float32": {},
}


def items(settings: Settings) -> Items:
    """Each engine with each kind of options; with `quick`, with none."""
    kinds = {", float32": KINDS[", float32"]} if settings.quick else KINDS
    return {
        f"{engine}{kind}": partial(trajectory, {"engine": engine, **options}, settings)
        for kind, options in kinds.items()
        for engine in ENGINES
    }


def trajectory(options: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The last epoch of the run on the CPU, and how far those on the device are from it in any epoch."""
    data = digits.found(settings)

    def config(device: str) -> TrainingConfig:
        return TrainingConfig(**{"epochs": EPOCHS, "device": device, **data, **options})

    with TemporaryDirectory() as folder:
        due = run(config("cpu"), Path(folder) / "cpu", False, settings)["rows"]
        given = {
            name: run(config(settings.device), Path(folder) / name, graph, settings)
            for name, graph in (("steps", False), ("graph", True))
        }
    dtype = config("cpu").dtype
    found: dict[str, Any] = {"data": data["dataset"], "epochs": EPOCHS, "dtype": dtype, "cpu": due[-1]}
    wrong = []
    for name, made in given.items():
        off = {key: distance(made["rows"], due, key) for key in ("train_loss", "test_accuracy")}
        off["train_loss"] /= due[-1]["train_loss"]
        found[name] = {**made, "off": off}
        for key, allowed in (("train_loss", LOSS[dtype]), ("test_accuracy", ACCURACY[dtype])):
            if not off[key] <= allowed:
                wrong.append(f"{name}: {key} is off by {off[key]:.2e}, allowed {allowed:g}")
    if wrong:
        raise Wrong("; ".join(wrong), found)
    return found


def distance(rows: list[dict[str, float]], due: list[dict[str, float]], key: str) -> float:
    """The largest difference in any epoch; infinite where one of them has other epochs."""
    if len(rows) != len(due):
        return math.inf
    return largest(abs(row[key] - other[key]) for row, other in zip(rows, due, strict=True))


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for name, found in results.items():
        for which in ("steps", "graph") if found else ():
            made = found[which]
            how = "replayed" if made["replayed"] else "one by one"
            off = made["off"]
            accuracy = f"{made['test accuracy']:.2%}", f"{found['cpu']['test_accuracy']:.2%}"
            rows.append([name, found["data"], found["dtype"], how, *accuracy, *off.values()])
    head = ["run", "data", "type", "steps", "test accuracy", "on the CPU", "loss off by", "accuracy off by"]
    return (
        f"{EPOCHS} epochs of 784-128-10 each. The training loss of each epoch may differ from that of the "
        f"same run on the CPU by {LOSS['float64']:g} of it in float64 and {LOSS['float32']:g} in float32, "
        f"the test accuracy by {ACCURACY['float64']:g} and {ACCURACY['float32']:g}.\n\n" + table(head, rows)
    )
