"""What a training step asks of a GPU: few kernels, and never to be waited for."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from manual_backprop.training import TrainingConfig
from manual_backprop.training.config import ENGINES
from manual_backprop.training.engines import build, engine
from manual_backprop.training.engines.graph import GraphEngine
from tests.functional.fake_cuda import Launches, Waits, backward

STEPS: dict[str, dict[str, Any]] = {
    "gradient descent": {},
    "decay": {"weight_decay": 0.01},
    "momentum": {"momentum": 0.9},
    "adam": {"optimizer": "adam"},
    "squared error": {"loss": "mse"},
    "sigmoid": {"activation": "sigmoid"},
    "tanh": {"activation": "tanh"},
    "bfloat16": {"precision": "bfloat16"},
    "float64": {"dtype": "float64"},
    "no hidden layer": {"hidden": ()},
}
MOST = {"autograd": 16, "functions": 21, "explicit": 16}
MOST_WITH_ADAM = {"autograd": 16, "functions": 21, "explicit": 26}  # without PyTorch's fused one
NETWORKS = {"cnn": 32, "rnn": 254, "transformer": 315}


@pytest.fixture(autouse=True)
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would ask for a driver is left out."""
    monkeypatch.setattr(engine, "RandomNumbers", lambda *_: nullcontext())
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, device: module)  # it is there already


def observed(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[list[str], list[str]]:
    """The kernels of a step on CUDA tensors without a GPU, and what it waits for, after a first one."""
    config = TrainingConfig(**options)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.device("cuda"):
        made = build(config, 784, 10, torch.device("cuda"))
        if isinstance(made, GraphEngine):
            parameters = [*made.model.parameters()]
            if config.optimizer == "sgd":
                made.optimizer.param_groups[0]["foreach"] = True  # as it is on a device that is there

            def by_the_nodes(loss: Tensor, gradient: Tensor | None = None) -> None:
                for parameter, found in zip(parameters, backward([loss], parameters), strict=True):
                    parameter.grad = found

            monkeypatch.setattr(Tensor, "backward", by_the_nodes)
        images = torch.empty(61, 784, dtype=getattr(torch, config.dtype))
        labels = torch.empty(61, dtype=torch.int64)
        made.step(images, labels)
        with Launches() as launched, Waits() as waits:
            made.step(images, labels)
        with waits:
            made.gradient_norms()
    return launched.names, waits.found


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("which", ENGINES)
@pytest.mark.filterwarnings("ignore:CUDA is not available")
def test_a_step_of_a_perceptron_launches_few_kernels_and_waits_for_none(
    which: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither do the norms of its gradients: both may be captured in a CUDA graph."""
    launched, waits = observed(monkeypatch, engine=which, **STEPS[name])
    most = MOST_WITH_ADAM if name == "adam" else MOST
    assert len(launched) <= most[which], launched
    assert waits == []


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.filterwarnings("ignore:Accessing the data pointer")
def test_a_step_of_another_network_launches_few_kernels_and_waits_for_none(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched, waits = observed(monkeypatch, engine="functions", model=model)
    assert len(launched) <= NETWORKS[model], launched
    assert waits == []
