"""The checks of a state that was read from a file, before a network is built for it.

A checkpoint comes from a file, and a file may be damaged, of another network or data set, or malicious. The
checks need no more memory than the file.
"""

from dataclasses import replace
from math import ceil, isfinite
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import Failure, TrainingConfig, UsageError
from manual_backprop.training.data import Dataset
from manual_backprop.training.engines.models import shapes_of

METRICS = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
Shape = tuple[int, ...]


def configuration(state: dict[str, Any], **changes: Any) -> TrainingConfig:
    """The configuration of a checkpoint, with `changes`.

    Raises:
        Failure: invalid options, or those of another version.
    """
    try:
        config = TrainingConfig(**{**state["config"], "hidden": tuple(state["config"]["hidden"])})
    except UsageError as error:
        raise Failure(f"the checkpoint's configuration is invalid: {error}") from error
    except (TypeError, KeyError) as error:
        raise Failure("the checkpoint's configuration is of another version") from error
    return replace(config, **changes)


def require_fit(state: dict[str, Any], config: TrainingConfig, data: Dataset, parameters_only: bool) -> None:
    """Raise a Failure unless a checkpoint fits the network and a run on these data.

    Args:
        state: of the checkpoint.
        config: its configuration.
        data: of the run.
        parameters_only: ignore what only a run needs.
    """
    try:
        layers = shapes_of(config, data.train_images.shape[1], len(data.classes))
        if parameters_only:
            require_parameters(state["engine"], config, layers)
        else:
            require_state(state, config, layers, len(data.train_images), data.train_images.device)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        what = "network" if parameters_only else "network and the data"
        raise Failure(
            f"the checkpoint does not fit the {what} that its configuration names: {error}"
        ) from error


def require_state(
    state: dict[str, Any],
    config: TrainingConfig,
    layers: list[dict[str, Shape]],
    examples: int,
    device: torch.device,
) -> None:
    """Raise a ValueError that says why a run with `config` cannot continue from `state`.

    Args:
        state: supposedly from `Trainer.state_dict`.
        config: of the run.
        layers: the shapes of each layer's parameters.
        examples: of the training set.
        device: of the run.
    """
    shapes = require_parameters(state["engine"], config, layers)
    _require_position(state, config.batch_size, examples)
    _require_memory(state["engine"], config, shapes, state["step"])
    _require_measured(state, layers=len(layers))
    _require_tensor("sums", state["sums"], (2,), torch.float64)
    _require_generator("order_state", state["order_state"], torch.device("cpu"))
    states = state["random_states"]
    _require_generator("cpu", states.get("cpu"), torch.device("cpu"))
    if device.type in states:  # another machine's device draws nothing here
        _require_generator(device.type, states[device.type], device)


def require_parameters(
    engine: dict[str, Any], config: TrainingConfig, layers: list[dict[str, Shape]]
) -> list[Shape]:
    """The shapes of all parameters; a ValueError if the engine's state has others."""
    shapes = {name: shape for layer in layers for name, shape in layer.items()}
    model = _dict("model", engine.get("model"))
    if list(model) != list(shapes):
        raise ValueError(f"expected the parameters {', '.join(shapes)}")
    for name, shape in shapes.items():
        _require_tensor(name, model[name], shape, getattr(torch, config.dtype))
    held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in model.values()}
    if sum(t.numel() * t.element_size() for t in model.values()) > sum(held.values()):
        raise ValueError("its parameters have more elements than the file")  # with a stride of 0, for example
    return list(shapes.values())


def _require_position(state: dict[str, Any], batch_size: int, examples: int) -> None:
    epoch, position, step, seconds = (state[name] for name in ("epoch", "position", "step", "seconds"))
    if epoch < 0 or not 0 <= position < examples or position % batch_size:
        raise ValueError(
            f"position {position} of epoch {epoch} is not the start of a batch in {examples} examples"
        )
    if step != epoch * ceil(examples / batch_size) + position // batch_size:
        raise ValueError(f"step {step} does not fit position {position} of epoch {epoch}")
    if not isfinite(seconds) or seconds < 0 or (step > 0 and seconds == 0):
        raise ValueError(f"its seconds must be finite and above 0, got {seconds}")


def _require_memory(engine: dict[str, Any], config: TrainingConfig, shapes: list[Shape], step: int) -> None:
    """The optimiser's state, that of momentum or Adam for each parameter."""
    dtype = getattr(torch, config.dtype)
    averages = 2 if config.optimizer == "adam" else 1 if config.momentum else 0
    counts = config.optimizer == "adam"  # its steps
    if config.engine == "explicit":
        layers = engine.get("updates")
        kept = [rule for layer in _list("updates", layers) for rule in _list("updates", layer)]
    else:
        names = {0: [], 1: ["momentum_buffer"], 2: ["exp_avg", "exp_avg_sq", "step"]}[averages]
        memory = _dict("optimizer", _dict("optimizer", engine.get("optimizer")).get("state"))
        if not averages or (step == 0 and not memory):
            shapes = []
        if list(memory) != list(range(len(shapes))):
            raise ValueError("its optimiser has the state of other parameters")
        kept = [[_dict("optimizer", rule).get(name) for name in names] for rule in memory.values()]
    if len(kept) != len(shapes):
        raise ValueError("its optimiser has the state of other parameters")
    for rule, shape in zip(kept, shapes, strict=True):
        if len(_list("updates", rule)) != averages + counts:
            raise ValueError("its optimiser has the state of another rule")
        for tensor in rule[:averages]:
            _require_tensor("the optimiser's state", tensor, shape, dtype)
        if counts:
            count = rule[averages]
            _require_tensor("the optimiser's count", count, ())
            if count != step:
                raise ValueError(f"its optimiser has counted {float(count):g} steps, expected {step}")


def _require_generator(name: str, state: Any, device: torch.device) -> None:
    try:
        torch.Generator(device).set_state(state)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{name} is not the state of a random generator") from error


def _require_measured(state: dict[str, Any], layers: int) -> None:
    if len(state["metrics"]) != state["epoch"]:
        raise ValueError(f"expected metrics of {state['epoch']} epochs, got {len(state['metrics'])}")
    for number, row in enumerate(state["metrics"], 1):
        if tuple(_dict("metrics", row)) != METRICS or type(row["epoch"]) is not int or row["epoch"] != number:
            raise ValueError(f"expected the metrics {', '.join(METRICS)} of epoch {number}")
        if any(type(row[name]) is not float for name in METRICS[1:]):
            raise ValueError(f"a metric of epoch {number} is not a number")
        if not (0 <= row["train_accuracy"] <= 1 and 0 <= row["test_accuracy"] <= 1):
            raise ValueError(f"an accuracy of epoch {number} is not between 0 and 1")
    before = -1
    for row in state["gradient_norms"]:
        step, *norms = _list("gradient_norms", row) or [None]
        if len(norms) != layers or any(type(norm) is not float or norm < 0 for norm in norms):
            raise ValueError("its gradient norms are not one number for each layer")
        if type(step) is not int or not before < step < state["step"]:
            raise ValueError("its gradient norms are not those of its steps")
        before = step


def _require_tensor(name: str, value: Any, shape: Shape, dtype: torch.dtype | None = None) -> None:
    plain = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    if not plain:
        raise ValueError(f"{name} must be a dense CPU tensor, got {type(value).__name__}")
    if tuple(value.shape) != shape or value.dtype != (dtype or value.dtype) or value.is_complex():
        raise ValueError(
            f"{name} must be {dtype or value.dtype} of shape {shape}, got {value.dtype} of shape "
            f"{tuple(value.shape)}"
        )


def _dict(name: str, value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is missing")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} is missing")
    return list(value)
