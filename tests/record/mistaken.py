"""Multilayer perceptrons trained in torch, with and without a mistake in the backward pass."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import nn, record

STEPS = 100


@dataclass
class Case:
    """A multilayer perceptron and its examples."""

    sizes: list[int]
    activations: list[str]
    loss: str
    reduction: str = "mean"
    examples: int = 8
    lr: float = 0.05

    def __post_init__(self) -> None:
        torch.manual_seed(1)
        self.linears = [torch.nn.Linear(d, m) for d, m in pairwise(self.sizes)]
        self.x = torch.randn(self.examples, self.sizes[0])
        outputs = self.sizes[-1]
        classes = torch.arange(self.examples) % outputs
        self.y = classes if self.loss == "cross_entropy" else torch.rand(self.examples, outputs)

    def page(self, path: Path) -> str:
        modules: list[torch.nn.Module] = []
        for i, linear in enumerate(self.linears):
            modules.append(linear)
            modules += [ACTIVATIONS[name]() for name in self.activations[i : i + 1]]
        kind, reduction = self.loss, self.reduction

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return getattr(F, kind)(output, target, reduction=reduction)

        step = record(torch.nn.Sequential(*modules), self.x, self.y, loss=loss, lr=self.lr, panel="break")
        return step.page(path).as_uri()

    def parameters(self) -> list[Tensor]:
        return [p.detach().clone() for linear in self.linears for p in (linear.weight, linear.bias)]

    def gradients(self, parameters: list[Tensor], mistake: str = "") -> tuple[float, list[Tensor]]:
        """The loss and the gradient of every parameter, with the mistake."""
        kept, a = [], self.x
        for i, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
            z = a @ W.T + b
            kept.append((a, z))
            a = torch_function(self.activations[i], z) if i < len(self.activations) else z
        loss = getattr(torch.nn.functional, self.loss)(a, self.y, reduction=self.reduction)
        gradient = loss_gradient(a, self.y, self.reduction == "mean" and mistake != "mean")
        gradients: list[Tensor] = []
        for i in reversed(range(len(kept))):
            x, z = kept[i]
            W = parameters[2 * i]
            if i < len(self.activations):
                gradient = activation_gradient(self.activations[i], z, gradient, mistake)
            gradients = [*linear_gradients(x, gradient, W, mistake), *gradients]
            gradient = gradient @ W
        return loss.item(), gradients

    def losses(self, mistake: str = "") -> list[float]:
        """Of a hundred steps with the mistake, before each and after the last."""
        parameters, losses = self.parameters(), []
        for _ in range(STEPS + 1):
            loss, gradients = self.gradients(parameters, mistake)
            losses.append(loss)
            parameters = [p - self.lr * g for p, g in zip(parameters, gradients, strict=True)]
        return losses

    def by_autograd(self) -> tuple[list[Tensor], list[float]]:
        """The first gradients and the losses of the same steps, by autograd and torch.optim."""
        parameters, losses, first = [p.requires_grad_() for p in self.parameters()], [], []
        optimizer = torch.optim.SGD(parameters, lr=self.lr)
        for step in range(STEPS + 1):
            a = self.x
            for i, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
                a = torch.nn.functional.linear(a, W, b)
                a = torch_function(self.activations[i], a) if i < len(self.activations) else a
            loss = getattr(torch.nn.functional, self.loss)(a, self.y, reduction=self.reduction)
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                first = [p.grad.clone() for p in parameters if p.grad is not None]
            optimizer.step()
        return first, losses


ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def torch_function(name: str, z: Tensor) -> Tensor:
    return getattr(torch, name)(z)


def loss_gradient(output: Tensor, target: Tensor, mean: bool) -> Tensor:
    if target.dtype == torch.int64:
        gradient = output.softmax(1) - torch.nn.functional.one_hot(target, output.shape[1])
        return gradient / len(output) if mean else gradient
    gradient = 2 * (output - target)
    return gradient / output.numel() if mean else gradient


def activation_gradient(name: str, z: Tensor, da: Tensor, mistake: str) -> Tensor:
    if mistake == "mask":
        return da
    at = torch_function(name, z) if mistake == "slope" else z
    slopes = {
        "relu": lambda: (at > 0).float(),
        "sigmoid": lambda: torch.sigmoid(at) * (1 - torch.sigmoid(at)),
        "tanh": lambda: 1 - torch.tanh(at) ** 2,
    }
    return da * slopes[name]()


def linear_gradients(x: Tensor, dz: Tensor, W: Tensor, mistake: str) -> tuple[Tensor, Tensor]:
    if mistake == "transpose":
        return (x.T @ dz).reshape(W.shape), dz.sum(0)
    if mistake == "overwrite":
        for n in range(len(x)):
            dW, db = dz[n].outer(x[n]), dz[n]
        return dW, db
    return dz.T @ x, dz.sum(0)


MISTAKES = ("transpose", "slope", "mask", "mean", "overwrite")
CASES = {
    "relu, cross-entropy": Case([7, 6, 4], ["relu"], "cross_entropy"),
    "sigmoid, cross-entropy": Case([7, 6, 4], ["sigmoid"], "cross_entropy"),
    "tanh, summed cross-entropy": Case([5, 5, 3], ["tanh"], "cross_entropy", "sum", lr=0.01),
    "relu, summed squared error": Case([4, 6, 3], ["relu"], "mse_loss", "sum", lr=0.005),
    "sigmoid and tanh, squared error": Case([5, 6, 4, 2], ["sigmoid", "tanh"], "mse_loss", lr=0.02),
    "relu and tanh, squared error": Case([5, 6, 4, 2], ["relu", "tanh"], "mse_loss", lr=0.01),
    "as for digits": Case([784, 128, 10], ["relu"], "cross_entropy", lr=0.002),
    "no hidden layer": Case([6, 3], [], "cross_entropy", lr=0.02),
    "one example": Case([4, 3, 2], ["tanh"], "cross_entropy", examples=1),
    "one number": Case([3, 1], [], "mse_loss", examples=1),
}
