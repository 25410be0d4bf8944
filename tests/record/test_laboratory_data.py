"""Which models become laboratories: what the page can compute by its formulas, and nothing else."""

import copy
from typing import Any

import pytest
import torch
import torch.nn as tn
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record import Recording
from manual_backprop.record.page import data as page_data
from manual_backprop.record.page.data import data_of
from tests.record.networks import by_torch, loss_of, networks

NETWORKS = networks()
X, CLASSES, TARGETS = torch.rand(6, 4), torch.arange(6) % 3, torch.rand(6, 3)


def laboratory(recording: Recording) -> dict[str, Any] | None:
    return data_of(recording.steps, None, "", "knob")["steps"][0]["laboratory"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_multilayer_perceptron_is_a_laboratory(name: str) -> None:
    net = NETWORKS[name]
    plan = laboratory(net.recording())
    assert plan is not None
    assert [layer["kind"] for layer in plan["layers"]] == [
        type(layer).__name__.lower() for layer in net.model
    ]
    assert plan["loss"]["kind"] == ("mse_loss" if net.y.is_floating_point() else "cross_entropy")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_losses_beside_it_are_those_of_a_hundred_steps_of_sgd(name: str) -> None:
    plan = laboratory(NETWORKS[name].recording())
    net = NETWORKS[name].double()
    optimizer = torch.optim.SGD(net.model.parameters(), lr=net.lr)
    assert plan is not None
    assert len(plan["losses"]) == 101
    for loss in plan["losses"]:
        assert loss == pytest.approx(loss_of(net), rel=1e-4)
        by_torch(net)
        optimizer.step()


def test_in_inference_mode_the_losses_are_the_same() -> None:
    recording = NETWORKS["relu, cross-entropy"].recording()
    due = laboratory(recording)
    with torch.inference_mode():
        inside = laboratory(NETWORKS["relu, cross-entropy"].recording())
        assert laboratory(recording) == inside == due


def test_the_losses_leave_the_model_and_the_random_numbers_as_they_are() -> None:
    net = NETWORKS["relu, cross-entropy"]
    recording, before = net.recording(), [p.detach().clone() for p in net.model.parameters()]
    random = torch.get_rng_state()
    laboratory(recording)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(map(torch.equal, net.model.parameters(), before))


def test_the_losses_of_many_recorded_steps_are_as_many_as_of_one() -> None:
    net = NETWORKS["relu, cross-entropy"]
    recording = record(copy.deepcopy(net.model), net.x, net.y, loss=net.loss, lr=net.lr, steps=4)
    steps = data_of(recording.steps, None, "", "knob")["steps"]
    assert [len(step["laboratory"]["losses"]) for step in steps] == [26] * 4


class Tied(tn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = tn.Linear(4, 4), tn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(torch.relu(self.first(x)))))


class Skip(Tied):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + torch.relu(self.first(x)))


class TwoHeads(Tied):
    def forward(self, x: Tensor) -> Tensor:
        z = self.first(x)
        return self.last(torch.relu(z) * torch.tanh(z))


class Scaled(Tied):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(tn.functional.linear(x, 2 * self.first.weight, self.first.bias)))


def perceptron(*between: tn.Module) -> tn.Module:
    return tn.Sequential(nn.Linear(4, 5), *(between or (nn.ReLU(),)), nn.Linear(5, 3))


def frozen_first() -> tn.Module:
    model = perceptron()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith("2"))
    return model


PROBABILITIES = TARGETS.softmax(1)
IGNORED = torch.tensor([0, 1, -100, 2, 0, 1])
OTHERS: dict[str, tuple[tn.Module, Tensor, Tensor, Any]] = {
    "tied weights": (Tied(), X, CLASSES, F.cross_entropy),
    "a skip connection": (Skip(), X, CLASSES, F.cross_entropy),
    "a tensor used twice": (TwoHeads(), X, CLASSES, F.cross_entropy),
    "a weight that is computed": (Scaled(), X, CLASSES, F.cross_entropy),
    "an activation on the input": (tn.Sequential(nn.ReLU(), nn.Linear(4, 3)), X, CLASSES, F.cross_entropy),
    "nothing back to the first layer": (frozen_first(), X, CLASSES, F.cross_entropy),
    "class weights": (perceptron(), X, CLASSES, tn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))),
    "label smoothing": (perceptron(), X, CLASSES, tn.CrossEntropyLoss(label_smoothing=0.1)),
    "an ignored class": (perceptron(), X, IGNORED, F.cross_entropy),
    "a class that is ignored by name": (perceptron(), X, CLASSES, tn.CrossEntropyLoss(ignore_index=2)),
    "targets that are probabilities": (perceptron(), X, PROBABILITIES, F.cross_entropy),
    "a mean taken afterwards": (
        perceptron(),
        X,
        CLASSES,
        lambda z, y: F.cross_entropy(z, y, reduction="none").mean(),
    ),
    "a loss times two": (perceptron(), X, CLASSES, lambda z, y: 2 * F.cross_entropy(z, y)),
    "the target in the input's place": (perceptron(), X, TARGETS, lambda a, y: F.mse_loss(y, a)),
    "the input as its own target": (tn.Sequential(nn.Linear(4, 4)), X, X, F.mse_loss),
    "absolute errors": (perceptron(), X, TARGETS, F.l1_loss),
    "dropout": (perceptron(tn.Dropout(0.5)), X, CLASSES, F.cross_entropy),
    "gelu": (perceptron(tn.GELU()), X, CLASSES, F.cross_entropy),
    "leaky relu": (perceptron(tn.LeakyReLU(0.1)), X, CLASSES, F.cross_entropy),
    "layer normalisation": (perceptron(tn.LayerNorm(5)), X, CLASSES, F.cross_entropy),
    "a convolution": (
        tn.Sequential(tn.Conv1d(1, 2, 2), tn.Flatten(), tn.Linear(6, 3)),
        X[:, None],
        CLASSES,
        F.cross_entropy,
    ),
    "three dimensions": (perceptron(), X.reshape(2, 3, 4), TARGETS.reshape(2, 3, 3), F.mse_loss),
    "a single vector": (perceptron(), X[0], TARGETS[0], F.mse_loss),
    "bfloat16": (perceptron().bfloat16(), X.bfloat16(), CLASSES, F.cross_entropy),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_model_keeps_the_recorded_page(name: str) -> None:
    model, x, y, loss = OTHERS[name]
    assert laboratory(record(model, x, y, loss=loss)) is None


def test_a_tensor_too_large_for_the_page_keeps_the_recorded_page(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = NETWORKS["relu, cross-entropy"].recording()
    assert laboratory(recording) is not None
    monkeypatch.setattr(page_data, "MOST_NUMBERS", 100)
    assert laboratory(recording) is None


def test_a_network_of_784_128_10_on_64_examples_weighs_less_than_3_mb() -> None:
    model = tn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    recording = record(model, torch.rand(64, 784), torch.arange(64) % 10, loss=F.cross_entropy)
    assert laboratory(recording) is not None
    assert len(recording.html().encode()) < 3_000_000
