"""Every engine makes the same numbers from the same seed."""

from functools import cache
from typing import Any

import pytest
import torch

from manual_backprop.training.config import (
    ACTIVATIONS,
    ENGINES,
    LOSSES,
    Failure,
    TrainingConfig,
    UsageError,
)
from manual_backprop.training.data import Dataset
from manual_backprop.training.engines import Engine, build
from tests.training.conftest import sample_on

# In float32 the engines round differently, and training amplifies that: after 100 steps by this much.
TOLERANCE = {"float64": 1e-10, "float32": 2e-4}


def trajectory(
    engine: str, data: Dataset, dtype: str, steps: int = 100, **options: Any
) -> tuple[torch.Tensor, Engine]:
    """The logits of every step, and the engine after them."""
    config = TrainingConfig(engine=engine, dtype=dtype, hidden=(31, 17), seed=7, **options)
    made = build(config, 784, 10, data.train_images.device)
    order = torch.randperm(len(data.train_images), generator=torch.Generator().manual_seed(0))
    batches = order.to(data.train_images.device).split(61)
    chosen = [batches[i % len(batches)] for i in range(steps)]
    logits = [made.step(data.train_images[b], data.train_labels[b]).clone() for b in chosen]
    return torch.cat(logits), made


RULES: dict[str, dict[str, Any]] = {
    "descent": {"lr": 0.1},
    "decay": {"lr": 0.1, "weight_decay": 0.01},
    "momentum": {"lr": 0.01, "momentum": 0.9},
    "momentum and decay": {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01},
    "adam": {"lr": 0.001, "optimizer": "adam"},
    "adam and decay": {"lr": 0.001, "optimizer": "adam", "weight_decay": 0.01},
}


@cache
def reference_trajectory(
    device: torch.device, dtype: str, rule: str, loss: str, activation: str
) -> tuple[torch.Tensor, Engine]:
    data = sample_on(device, getattr(torch, dtype))
    return trajectory("autograd", data, dtype, activation=activation, loss=loss, **RULES[rule])


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "autograd"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_engine_follows_autograd_step_for_step(
    engine: str, dtype: str, rule: str, loss: str, activation: str, device: torch.device
) -> None:
    data = sample_on(device, getattr(torch, dtype))
    options = {"activation": activation, "loss": loss, **RULES[rule]}
    expected, reference = reference_trajectory(device, dtype, rule, loss, activation)
    logits, other = trajectory(engine, data, dtype, **options)
    tolerance = TOLERANCE[dtype] * (1 if rule in ("descent", "decay") else 10)
    torch.testing.assert_close(logits, expected, rtol=10 * tolerance, atol=10 * tolerance)
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


@pytest.mark.parametrize("name", ENGINES)
def test_no_hidden_layer_is_a_linear_classifier(name: str) -> None:
    engine = build(TrainingConfig(hidden=(), engine=name), 784, 10, torch.device("cpu"))
    assert [tuple(p.shape) for p in engine.state_dict()["model"].values()] == [(10, 784), (10,)]
    images, labels = torch.randn(61, 784), torch.arange(61) % 10
    before = torch.nn.functional.cross_entropy(engine.step(images, labels).clone(), labels)
    assert torch.nn.functional.cross_entropy(engine.step(images, labels), labels) < before


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_step_of_the_explicit_engine_allocates_nothing(activation: str, loss: str, rule: str) -> None:
    config = TrainingConfig(
        engine="explicit", activation=activation, loss=loss, hidden=(31, 17), **RULES[rule]
    )
    engine = build(config, 784, 10, torch.device("cpu"))
    images, labels = torch.randn(61, 784), torch.arange(61) % 10
    engine.step(images, labels)  # the first one makes the buffers
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        engine.step(images, labels)
    allocated = {
        e.key: e.self_cpu_memory_usage for e in profile.key_averages() if e.self_cpu_memory_usage > 0
    }
    assert allocated == {}
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        engine.logits(images)
    assert any(e.self_cpu_memory_usage > 0 for e in profile.key_averages())  # the profiler would have seen it


def test_the_explicit_engine_builds_no_graph() -> None:
    engine = build(TrainingConfig(engine="explicit"), 784, 10, torch.device("cpu"))
    logits = engine.step(torch.randn(5, 784), torch.arange(5))
    assert logits.grad_fn is None
    assert not any(p.requires_grad for p in engine.state_dict()["model"].values())


def test_the_explicit_engine_starts_where_the_others_do_and_reads_its_own_state() -> None:
    explicit, autograd = (
        build(TrainingConfig(engine=name, momentum=0.9), 784, 10, torch.device("cpu"))
        for name in ("explicit", "autograd")
    )
    for name, parameter in autograd.state_dict()["model"].items():
        assert torch.equal(explicit.state_dict()["model"][name], parameter)
    images, labels = torch.randn(61, 784), torch.arange(61) % 10
    explicit.step(images, labels)
    other = build(TrainingConfig(engine="explicit", momentum=0.9, seed=1), 784, 10, torch.device("cpu"))
    other.load_state_dict(explicit.state_dict())
    assert torch.equal(explicit.step(images, labels), other.step(images, labels))


@pytest.mark.parametrize("engine", ENGINES)
def test_products_in_bfloat16_learn_almost_as_well(engine: str, device: torch.device) -> None:
    data = sample_on(device)
    accuracies = []
    for precision in ("full", "bfloat16"):
        _, made = trajectory(engine, data, "float32", steps=200, precision=precision, lr=0.1)
        assert all(p.dtype == torch.float32 for p in made.state_dict()["model"].values())
        logits = made.logits(data.test_images)
        assert logits.dtype == torch.float32
        accuracies.append((logits.argmax(1) == data.test_labels).float().mean().item())
        assert made.gradient_norms().isfinite().all()
    assert accuracies[0] > 0.8
    assert abs(accuracies[1] - accuracies[0]) < 0.03


def test_the_first_bfloat16_step_of_each_engine_is_nearly_the_same() -> None:
    data = sample_on(torch.device("cpu"))
    full, *low = (
        trajectory(engine, data, "float32", steps=2, precision=precision, lr=0.1)[0]
        for engine, precision in [("autograd", "full"), *((name, "bfloat16") for name in ENGINES)]
    )
    for logits in low:
        assert not torch.equal(logits.float(), full)
        torch.testing.assert_close(logits.float(), full, rtol=0.05, atol=0.02)


def test_tf32_needs_cuda() -> None:
    with pytest.raises(Failure, match="needs a CUDA device, not cpu"):
        build(TrainingConfig(precision="tf32"), 784, 10, torch.device("cpu"))
    with pytest.raises(UsageError, match="--precision bfloat16 is for --dtype float32"):
        TrainingConfig(precision="bfloat16", dtype="float64")
