"""With --deterministic, a run that was interrupted and resumed is bit for bit the one that was not."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from manual_backprop.training import Interrupted, TrainingConfig, resume, train
from manual_backprop.training.config import ENGINES
from manual_backprop.training.run.loop import Trainer
from scripts.cuda import digits
from scripts.cuda.runs import graphs, quiet, state
from scripts.cuda.section import Items, Settings, Wrong, table
from tests.training.run.same import difference


def items(settings: Settings) -> Items:
    """Each engine with --deterministic, stopped in the midst of an epoch; with `quick`, one of them."""
    engines = ENGINES[-1:] if settings.quick else ENGINES
    return {engine: partial(resumption, {"engine": engine}, settings) for engine in engines}


def resumption(options: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The same run whole, and stopped and resumed: the checkpoints are compared bit for bit."""
    data = digits.found(settings)
    config = TrainingConfig(epochs=2, device=settings.device, deterministic=True, **data, **options)
    with TemporaryDirectory() as folder, graphs(True, settings) as failures:
        whole, stopped = (Path(folder) / name for name in ("whole", "stopped"))
        train(config, whole, quiet)
        step = state(whole)["step"] * 3 // 4
        with patch.object(Trainer, "train_epoch", stopping(step)):
            try:
                train(config, stopped, quiet)
            except Interrupted:
                at = state(stopped)["step"]
            else:
                raise Wrong(f"the run was not stopped before step {step:,}", None)
        resume(stopped, {}, quiet)
        one, other = state(whole), state(stopped)
    how = f"one by one: {failures[0].splitlines()[-1]}" if failures else "replayed"
    found = {"data": data["dataset"], "steps": one["step"], "stopped at": at, "made": how}
    if place := difference(one, other):
        raise Wrong(f"not the same bits in the checkpoint at {place}", found)
    return found


def stopping(step: int) -> Callable[..., bool]:
    """A `train_epoch` that gets a SIGINT once the run has made so many steps."""
    original = Trainer.train_epoch

    def train_epoch(trainer: Trainer, stop: Callable[[], bool], *rest: Any, **options: Any) -> bool:
        def at_the_step() -> bool:
            if trainer.step >= step and not stop():
                signal.raise_signal(signal.SIGINT)
            return stop()

        return original(trainer, at_the_step, *rest, **options)

    return train_epoch


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = [[name, *found.values()] for name, found in results.items() if found]
    return (
        "With `--deterministic`, a run that was stopped by Ctrl-C and resumed, and one that was not, have "
        "left the same bits: parameters, metrics, gradient norms.\n\n"
        + table(["engine", "data", "steps", "stopped at step", "made"], rows)
    )
