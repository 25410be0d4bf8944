"""The data of a run: where they are kept, and what to say if they are not there any more."""

import os
from dataclasses import replace
from os import PathLike

import torch

from manual_backprop.training.config import Failure, TrainingConfig
from manual_backprop.training.data import Dataset, load
from manual_backprop.training.processes import Processes


def with_absolute_data_dir(config: TrainingConfig) -> TrainingConfig:
    """As the run keeps it, so that it can be continued from another directory."""
    try:
        return replace(config, data_dir=os.path.abspath(config.data_dir))
    except FileNotFoundError as error:
        raise Failure("the current directory was removed: change to another one") from error


def load_in_turn(
    config: TrainingConfig, device: torch.device, group: Processes
) -> tuple[Dataset, str | None]:
    """The data; the first process downloads them if necessary, and the others take the same set."""
    dataset = config.dataset
    if not group.first:
        dataset = group.from_the_first(None)
    data, notice = load(dataset, config.data_dir, device, getattr(torch, config.dtype))
    if group.first:
        group.from_the_first(data.name)
    return data, notice


def elsewhere(named: str | PathLike[str]) -> str:
    """What a user can do who continues a run, or looks at it, and whose data are not where it says."""
    relative = "" if os.path.isabs(named) else f"{named} is looked for from the current directory; "
    return f"{relative}if the data are elsewhere, name their folder with --data-dir"
