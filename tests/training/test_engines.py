"""Every engine makes the same numbers from the same seed."""

import pytest
import torch

from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.data import Dataset
from manual_backprop.training.engines import Engine, build
from tests.training.conftest import sample_on

# In float32 the engines round differently, and training amplifies that: after 100 steps by this much.
TOLERANCE = {"float64": 1e-10, "float32": 2e-4}


def trajectory(
    engine: str, data: Dataset, dtype: str, activation: str, steps: int = 100
) -> tuple[torch.Tensor, Engine]:
    """The loss of every step, and the engine after them."""
    config = TrainingConfig(
        engine=engine, dtype=dtype, activation=activation, hidden=(31, 17), lr=0.1, seed=7
    )
    made = build(config, 784, 10, data.train_images.device)
    order = torch.randperm(len(data.train_images), generator=torch.Generator().manual_seed(0))
    batches = order.to(data.train_images.device).split(61)
    losses = [
        made.step(data.train_images[batch], data.train_labels[batch])[0]
        for batch in (batches[i % len(batches)] for i in range(steps))
    ]
    return torch.stack(losses), made


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "autograd"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_engine_follows_autograd_step_for_step(
    engine: str, dtype: str, activation: str, device: torch.device
) -> None:
    data = sample_on(device, getattr(torch, dtype))
    expected, reference = trajectory("autograd", data, dtype, activation)
    losses, other = trajectory(engine, data, dtype, activation)
    tolerance = TOLERANCE[dtype]
    torch.testing.assert_close(losses, expected, rtol=tolerance, atol=tolerance)
    assert losses[-1] < 0.8 * losses[0] or activation == "sigmoid"
    for name, parameter in reference.state_dict()["model"].items():
        actual = other.state_dict()["model"][name]
        torch.testing.assert_close(actual, parameter, rtol=tolerance, atol=tolerance, msg=name)
    torch.testing.assert_close(
        other.gradient_norms(), reference.gradient_norms(), rtol=100 * tolerance, atol=tolerance
    )


def test_the_functions_engine_has_no_built_in_backward() -> None:
    config = TrainingConfig(engine="functions", hidden=(31, 17))
    engine = build(config, 784, 10, torch.device("cpu"))
    loss = engine.loss(engine.model(torch.randn(5, 784)), torch.arange(5))  # type: ignore[attr-defined]
    nodes, names = [loss.grad_fn], set()
    while nodes:
        node = nodes.pop()
        names.add(node.name())
        nodes += [parent for parent, _ in node.next_functions if parent is not None]
    assert names == {
        "LinearBackward",
        "ReLUBackward",
        "CrossEntropyBackward",
        "torch::autograd::AccumulateGrad",
    }


def test_the_default_network_has_101_770_parameters() -> None:
    engine = build(TrainingConfig(), 784, 10, torch.device("cpu"))
    shapes = [tuple(p.shape) for p in engine.state_dict()["model"].values()]
    assert shapes == [(128, 784), (128,), (10, 128), (10,)]
    assert sum(p.numel() for p in engine.state_dict()["model"].values()) == 101_770


def test_no_hidden_layer_is_a_linear_classifier() -> None:
    engine = build(TrainingConfig(hidden=()), 784, 10, torch.device("cpu"))
    assert [tuple(p.shape) for p in engine.state_dict()["model"].values()] == [(10, 784), (10,)]
