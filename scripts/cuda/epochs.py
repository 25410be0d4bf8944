"""How long an epoch, and the way to a test accuracy, take with each engine."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from manual_backprop.training import TrainingConfig
from manual_backprop.training.config import ENGINES
from scripts.cuda import digits
from scripts.cuda.runs import run
from scripts.cuda.section import Items, LeftOut, Settings, Wrong, table

IMAGES = 60_000
TARGETS = {"mnist": 98.0, "sample": 85.0}
"""Per cent of the test images. The sample is too small for more."""
MOST_EPOCHS = 40


def items(settings: Settings) -> Items:
    """Each engine's epochs, with steps replayed and one by one; then its way to the target, replayed."""
    how = {"one by one": False, "replayed": True}
    return {
        **{f"{e}, {h}, an epoch": partial(epoch, e, how[h], settings) for e in ENGINES for h in how},
        **{f"{e}, replayed, to the target": partial(target, e, settings) for e in ENGINES},
    }


def epoch(engine: str, graph: bool, settings: Settings) -> dict[str, Any]:
    """Its seconds, of training alone, after a run that warms the GPU up."""
    with TemporaryDirectory() as folder:
        try:
            data = digits.found(settings)
            about = data["dataset"]
        except LeftOut:
            data = digits.random(Path(folder) / "data", IMAGES // 30 if settings.quick else IMAGES)
            about = "random images"

        def made(name: str, epochs: int) -> dict[str, Any]:
            config = TrainingConfig(engine=engine, epochs=epochs, device=settings.device, **data)
            return run(config, Path(folder) / name, graph, settings)

        made("warm-up", 1)
        return {"data": about, **made("measured", 1 if settings.quick else 3)}


def target(engine: str, settings: Settings) -> dict[str, Any]:
    """Seconds and epochs until so many test images are right, with steps replayed where they can be."""
    data = digits.found(settings)
    goal = TARGETS[data["dataset"]]
    config = TrainingConfig(
        engine=engine, epochs=MOST_EPOCHS, target_accuracy=goal, device=settings.device, **data
    )
    with TemporaryDirectory() as folder:
        found = {
            "data": data["dataset"],
            "target": goal,
            **run(config, Path(folder) / "run", True, settings),
        }
    if found["test accuracy"] < goal / 100:
        raise Wrong(f"{found['test accuracy']:.2%} after {MOST_EPOCHS} epochs, not {goal:g} %", found)
    return found


def page(results: dict[str, Any]) -> str:
    """Markdown: two tables."""
    epochs, targets = [], []
    for name, found in results.items():
        if found:
            engine, how, _ = name.split(", ")
            head = [engine, how, found["data"]]
            if "target" in found:
                goal = f"{found['target']:g} %"
                targets.append(
                    [*head, goal, found["epochs"], found["seconds"], f"{found['test accuracy']:.2%}"]
                )
            else:
                epochs.append([*head, found["seconds of an epoch"], found["seconds of the capture"]])
    return (
        "784-128-10 in float32, batch 64: seconds of training, without evaluation and capture.\n\n"
        + table(["engine", "steps", "data", "an epoch, s", "the capture, s"], epochs)
        + "\n\nUntil the test accuracy is reached, which is looked at after each epoch:\n\n"
        + table(["engine", "steps", "data", "target", "epochs", "s", "test accuracy"], targets)
    )
