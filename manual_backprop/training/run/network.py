"""The network of a run, to be looked at."""

from dataclasses import replace
from os import PathLike
from typing import Any

import torch

from manual_backprop.training.config import Failure, TrainingConfig
from manual_backprop.training.data import Dataset, Missing, load
from manual_backprop.training.engines import build
from manual_backprop.training.engines.graph import GraphEngine
from manual_backprop.training.run import checkpoint
from manual_backprop.training.run.sources import elsewhere
from manual_backprop.training.run.state import configuration, require_fit


def network_of(
    run: str | PathLike[str] | None, data_dir: str | PathLike[str] | None = None
) -> tuple[Any, Dataset, Any]:
    """The network of a run, or an untrained one, on the CPU; its data, and its loss of logits and labels.

    Args:
        run: its folder, or its checkpoint.pt; None for an untrained network.
        data_dir: the folder of torchvision's data sets; the run's own if None.

    Raises:
        Failure: no such run, or no data.
    """
    state = None if run is None else checkpoint.load(checkpoint.run_of(run) / checkpoint.NAME, "--checkpoint")
    config = TrainingConfig() if state is None else configuration(state)
    config = replace(config, engine="functions", precision="full", device="cpu")
    cpu = torch.device("cpu")
    folder = data_dir or config.data_dir
    try:
        data, _ = load(config.dataset, folder, cpu, getattr(torch, config.dtype))
    except Missing as missing:
        raise Failure(f"{missing}; {elsewhere(folder)}") from missing
    if state is not None:
        require_fit(state, config, data, parameters_only=True)
    engine = build(config, data.train_images.shape[1], len(data.classes), cpu)
    assert isinstance(engine, GraphEngine)
    if state is not None:
        engine.model.load_state_dict(state["engine"]["model"])
    return engine.model, data, engine.loss
