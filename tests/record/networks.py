"""Multilayer perceptrons whose pages are laboratories, and PyTorch's autograd of them in float64."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record import Recording


@dataclass(frozen=True)
class Network:
    """A model with its examples, its loss and η."""

    model: torch.nn.Sequential
    x: Tensor
    y: Tensor
    loss: Any
    lr: float = 0.5

    def recording(self) -> Recording:
        return record(self.model, self.x, self.y, loss=self.loss, lr=self.lr)

    def double(self) -> "Network":
        """Its own copy, in float64 and from the numbers that the page has, which are float32."""
        model = copy.deepcopy(self.model).float().double()
        y = self.y.float().double() if self.y.is_floating_point() else self.y
        return Network(model, self.x.float().double(), y, self.loss, self.lr)


def network(
    *layers: torch.nn.Module, count: int = 6, loss: Any = F.cross_entropy, lr: float = 0.5
) -> Network:
    """Of four inputs and three outputs."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(*layers)
    for parameter in model.parameters():  # another seed than the layers' own
        torch.nn.init.normal_(parameter, std=0.7)
    x = torch.randn(count, 4)
    classes = torch.arange(count) % 3
    of_classes = "entropy" in str(getattr(loss, "__name__", loss)).lower()
    return Network(model, x, classes if of_classes else torch.rand(count, 3), loss, lr)


def frozen(net: Network, *names: str) -> Network:
    for name, parameter in net.model.named_parameters():
        parameter.requires_grad_(name not in names)
    return net


def double(net: Network) -> Network:
    y = net.y.double() if net.y.is_floating_point() else net.y
    return Network(net.model.double(), net.x.double(), y, net.loss, net.lr)


def networks() -> dict[str, Network]:
    relu, sigmoid, tanh = nn.ReLU, nn.Sigmoid, nn.Tanh
    linear, built_in = nn.Linear, torch.nn
    deep = (linear(4, 6), tanh(), linear(6, 5), relu(), linear(5, 4), sigmoid(), linear(4, 4), linear(4, 3))
    without_bias = (linear(4, 5, bias=False), tanh(), linear(5, 3, bias=False))
    of_torch = (built_in.Linear(4, 5), built_in.ReLU(inplace=True), built_in.Linear(5, 3))
    return {
        "relu, cross-entropy": network(linear(4, 5), relu(), linear(5, 3)),
        "sigmoid, squared error": network(linear(4, 5), sigmoid(), linear(5, 3), loss=F.mse_loss),
        "tanh, summed cross-entropy": network(
            linear(4, 5), tanh(), linear(5, 3), loss=nn.CrossEntropyLoss(reduction="sum"), lr=0.02
        ),
        "relu, summed squared error of torch": network(
            linear(4, 5), relu(), linear(5, 3), loss=built_in.MSELoss(reduction="sum"), lr=0.005
        ),
        "torch's own modules": network(*of_torch, loss=built_in.CrossEntropyLoss()),
        "deep, torch's function": network(*deep, loss=built_in.functional.cross_entropy),
        "deep, squared error": network(*deep, loss=built_in.functional.mse_loss),
        "no bias": network(*without_bias),
        "no activation": network(linear(4, 3)),
        "an activation before the loss": network(
            linear(4, 5), relu(), linear(5, 3), sigmoid(), loss=nn.MSELoss()
        ),
        "two activations, one behind the other": network(linear(4, 3), relu(), tanh(), loss=F.mse_loss),
        "a frozen weight and a frozen bias": frozen(
            network(linear(4, 5), relu(), linear(5, 3)), "0.weight", "2.bias"
        ),
        "one example": network(linear(4, 5), tanh(), linear(5, 3), count=1),
        "float64": double(network(linear(4, 5), tanh(), linear(5, 3))),
    }


def by_torch(net: Network) -> dict[str, tuple[Tensor, Tensor | None]]:
    """Each tensor and its gradient: parameters by name, what a layer makes as "out 0", and x, y and L."""
    x, made = net.x.detach().clone().requires_grad_(), []
    out = x
    for layer in net.model:
        out = layer(out.clone())  # an activation that is made in place leaves what it was given
        out.retain_grad()
        made.append(out)
    loss = net.loss(out, net.y)
    net.model.zero_grad()
    loss.backward()
    named = {
        "x": x,
        **dict(net.model.named_parameters()),
        **{f"out {i}": each for i, each in enumerate(made)},
    }
    found = {
        name: (each.detach(), None if each.grad is None else each.grad.clone())
        for name, each in named.items()
    }
    return {**found, "L": (loss.detach(), torch.tensor(1.0)), "y": (net.y, None)}


def loss_of(net: Network) -> float:
    with torch.no_grad():
        return float(net.loss(net.model(net.x), net.y))


def loss_after(net: Network, lr: float) -> float:
    """L of the same examples after a step."""
    after = copy.deepcopy(net)
    optimizer = torch.optim.SGD(after.model.parameters(), lr=lr)
    after.loss(after.model(after.x), after.y).backward()
    optimizer.step()
    return loss_of(after)
