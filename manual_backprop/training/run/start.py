"""A run and its folder: start it or continue it.

The checkpoint is what a run is. The tables and pictures beside it are made from it, so that a run that was
interrupted and resumed leaves the same ones as a run that never stopped.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from signal import SIGTERM
from typing import Any

import torch

from manual_backprop.training.config import Failure, TrainingConfig, UsageError
from manual_backprop.training.data import Missing
from manual_backprop.training.device import deterministic, resolve_device
from manual_backprop.training.processes import Processes, processes, told
from manual_backprop.training.run import checkpoint, diagnosis, results
from manual_backprop.training.run.folder import Folder, new_folder
from manual_backprop.training.run.interruption import Interrupted, stop_signals
from manual_backprop.training.run.loop import NotFinite, Trainer
from manual_backprop.training.run.progress import Progress
from manual_backprop.training.run.sources import elsewhere, load_in_turn, with_absolute_data_dir
from manual_backprop.training.run.state import configuration, require_fit

Say = Callable[[str], None]
CHANGES = ("epochs", "target_accuracy", "device", "data_dir")
"""What a run may continue with another value of."""


def train(config: TrainingConfig, out: str | PathLike[str] | None = None, say: Say = print) -> Path:
    """Train a network and write a run folder.

    Args:
        config: what to train, and how.
        out: the run folder, new or empty, text or a path; by default a new one in runs/.
        say: called with each line for the user.

    Returns:
        The run folder: config.json, metrics.csv, gradient_norms.csv, checkpoint.pt, summary.json, pictures.

    Started by torchrun, several processes share each batch; only the first one writes and prints.

    Raises:
        CannotWrite: a folder that cannot be written into, or a full disk.
        Failure: that, a device or data that are not available, a folder that is in use or is removed, or a
            value that is NaN or infinite. The last good checkpoint stays.
        Interrupted: by Ctrl-C or SIGTERM, after the current step; the checkpoint is written.
    """
    device = resolve_device(config.device)
    config = with_absolute_data_dir(config)
    with ExitStack() as stack:
        group = stack.enter_context(processes(device))
        folder = None
        if group.first and out is not None:
            folder = stack.enter_context(new_folder(Path(out)))  # before data are fetched
        try:
            data, notice = load_in_turn(config, device, group)
        except Missing as missing:
            raise Failure(f"{missing}; --dataset sample (5,000 MNIST digits) needs neither") from missing
        config = replace(config, dataset=data.name, device=device.type)
        if group.first and folder is None:
            named = Path("runs") / f"{data.name}-{datetime.now():%Y%m%d-%H%M%S}"
            folder = stack.enter_context(new_folder(named))
        say = _by_the_first(group, say)
        if notice:
            say(notice)
        return _run(Trainer(config, data, group), folder, say)


def _by_the_first(group: Processes, say: Say) -> Say:
    return say if group.first else lambda line: None


def resume(out: str | PathLike[str], changes: Mapping[str, Any] | None = None, say: Say = print) -> Path:
    """Continue the run in `out`, bit for bit as if it had never stopped.

    Args:
        out: the run folder, text or a path; its checkpoint.pt is taken for it.
        changes: to its configuration, if any: `epochs`, `target_accuracy`, `device` or `data_dir`.
        say: called with each line for the user.

    Raises:
        UsageError: another change, or fewer epochs than are already done.
        Failure, Interrupted: as `train`.
    """
    changes, out = changes or {}, checkpoint.run_of(out)
    fixed = [f"--{name.replace('_', '-')}" for name in changes if name not in CHANGES]
    if fixed:
        raise UsageError(f"{', '.join(fixed)} cannot be changed with --resume: the run keeps its own")
    with ExitStack() as stack:
        group = stack.enter_context(processes(_device_of(out, changes)))
        folder, state = None, None
        if group.first:
            folder = stack.enter_context(Folder(out))
            state = checkpoint.load(out / checkpoint.NAME)
        state = group.from_the_first(state)
        config = configuration(state, **changes)
        named = config.data_dir
        config = with_absolute_data_dir(config)
        if config.epochs < state["epoch"]:
            raise UsageError(f"--epochs {config.epochs}: {state['epoch']} are done already in {out}")
        device = resolve_device(config.device)
        try:
            data, _ = load_in_turn(config, device, group)
        except Missing as missing:
            raise Failure(f"{missing}; {elsewhere(named)}") from missing
        require_fit(state, config, data, parameters_only=False)
        trainer = Trainer(config, data, group)
        trainer.load_state_dict(state)
        say = _by_the_first(group, say)
        if trainer.reached:
            target = f"{config.target_accuracy:g} %"
            say(f"{out} has reached its target of {target}; continue with a higher --target-accuracy.")
        elif trainer.complete:
            say(f"{out} is complete; continue with --epochs {config.epochs + 10}.")
        return _run(trainer, folder, say)


def _device_of(out: Path, changes: Mapping[str, Any]) -> torch.device:
    """Where the run in `out` continues: to be known before the processes speak to each other.

    Of several machines, one without the folder takes its fastest device.
    """
    path = out / checkpoint.NAME
    if not path.is_file() and told("RANK", 0) > 0:
        return resolve_device(changes.get("device", "auto"))
    return resolve_device(configuration(checkpoint.load(path), **changes).device)


def _run(trainer: Trainer, folder: Folder | None, say: Say) -> Path:
    out: Path = trainer.processes.from_the_first(None if folder is None else folder.path)
    if folder is None:
        _follow(trainer, say)
        return out
    config = trainer.config
    if trainer.step == 0:
        checkpoint.save(out / checkpoint.NAME, trainer.state_dict())  # first: --resume works from here on
    with deterministic(config.deterministic, trainer.rehearse):
        try:
            results.write_configuration(trainer, out)
            _train(trainer, folder, say)
            results.write_tables(trainer, out)
            results.write_summary(trainer, out)
            results.draw(trainer, out)
        except NotFinite:
            raise Failure(_explain(trainer, folder, say)) from None
        except Failure as failure:
            folder.require_there()  # or else that is the failure
            raise type(failure)(f"{failure}; {_kept(out)}") from failure
    accuracy = trainer.metrics[-1]["test_accuracy"]
    if trainer.reached:
        say(f"{config.target_accuracy:g} % reached after {trainer.seconds:.2f} s of training.")
    say(f"{accuracy:.2%} of the test images right after {trainer.epoch} epochs. Everything is in {out}")
    return out


def _follow(trainer: Trainer, say: Say) -> None:
    """The work of a process that is not the first: the same steps, without files and lines."""
    silent = Progress(0, 0, say, shown=False)
    determined = deterministic(trainer.config.deterministic, trainer.rehearse)
    with determined, stop_signals() as received, silent as progress:
        try:
            while not trainer.complete:
                trainer.train_epoch(lambda: bool(received), progress)
                if trainer.processes.any(bool(received)) and not trainer.complete:
                    raise Interrupted("Stopped with the others.", received[0] if received else SIGTERM)
        except NotFinite:
            raise Failure("a value is NaN or infinite: the first process says which") from None


def _train(trainer: Trainer, folder: Folder, say: Say) -> None:
    """The remaining epochs, with a checkpoint after each one and at an interruption."""
    out, epochs, examples = folder.path, trainer.config.epochs, len(trainer.data.train_images)
    done = trainer.epoch * examples + trainer.position
    with stop_signals() as received, Progress(epochs * examples, done, say) as progress:
        while not trainer.complete:
            seconds, left = trainer.seconds, examples - trainer.position
            whole = trainer.train_epoch(lambda: bool(received), progress)
            folder.require_there()
            checkpoint.save(out / checkpoint.NAME, trainer.state_dict())
            if whole:
                results.write_tables(trainer, out)
                progress.end_epoch(trainer.metrics[-1], epochs, left / (trainer.seconds - seconds))
            if trainer.processes.any(bool(received)) and not trainer.complete:
                raise Interrupted(
                    f"Stopped after step {trainer.step:,}. "
                    f"Continue with: manual-backprop train --resume {out}",
                    received[0] if received else SIGTERM,
                )


def _explain(trainer: Trainer, folder: Folder, say: Say) -> str:
    """The message about a value that is not finite; saves the state before the step in which it appeared."""
    folder.require_there()
    path, epoch = folder.path / checkpoint.NAME, trainer.epoch + 1
    if trainer.processes.several:  # all of them would have to look
        return (
            f"the loss is NaN or infinite in epoch {epoch}: try a smaller --lr than "
            f"{trainer.config.lr:g}; {_kept(folder.path)}"
        )
    say("The loss or a parameter is NaN or infinite. Looking for the step in which that began.")
    with Progress(len(trainer.data.train_images), 0, say) as progress:
        step = diagnosis.rewind(trainer, checkpoint.load(path), progress)
    if step is None:
        return (
            f"a value was NaN or infinite in epoch {epoch}, but not when the epoch was repeated; "
            f"{_kept(folder.path)}"
        )
    checkpoint.save(path, trainer.state_dict())
    where = diagnosis.first_not_finite(trainer)
    return (
        f"the loss is NaN or infinite from step {step:,} on (epoch {epoch}); the first value "
        f"that is not finite is in {where}: try a smaller --lr than {trainer.config.lr:g}; "
        f"{_kept(folder.path)}, before it"
    )


def _kept(out: Path) -> str:
    state = checkpoint.load(out / checkpoint.NAME)
    return f"{out} keeps the checkpoint of step {state['step']:,} (epoch {state['epoch']})"
