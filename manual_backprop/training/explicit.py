"""Backpropagation without autograd: the algorithm as the books print it.

A network of L layers, aˡ = f(zˡ), zˡ = aˡ⁻¹ Wˡᵀ + bˡ, with a⁰ the images and zᴸ the logits. One step:

forward     for l = 1 … L:  zˡ = aˡ⁻¹ Wˡᵀ + bˡ,  aˡ = f(zˡ)             a is written over z
output      δᴸ = softmax(zᴸ) − one-hot                                  N ∂L/∂zᴸ, L being a mean over N
backward    for l = L … 1:
                δˡ⁻¹ = δˡ Wˡ ⊙ f′(zˡ⁻¹)                                 not for l = 1: images do not learn
                ∂L/∂Wˡ = δˡᵀ aˡ⁻¹ / N,  ∂L/∂bˡ = Σₙ δˡₙ / N
                Wˡ ← Wˡ − η ∂L/∂Wˡ,  bˡ ← bˡ − η ∂L/∂bˡ                 after Wˡ has been used

Why this is quick: what a step needs is known beforehand, so every buffer is allocated once, and there is no
graph to build and to walk. Plain gradient descent never forms ∂L/∂W either: the product δᵀ a is added to W as
it is made, with −η/N as its factor. That is also where the mean's 1/N goes: the backward is linear in δ.

f′ is computed from a, not from z: ReLU's slope is the sign of a, the sigmoid's is a − a².

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323
(1986); Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, equations BP1 to BP4.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import TrainingConfig


def relu_slope(a: Tensor, out: Tensor) -> Tensor:
    """1 where a > 0, else 0."""
    return torch.sign(a, out=out)


def sigmoid_slope(a: Tensor, out: Tensor) -> Tensor:
    """The slope a − a² = a (1 − a)."""
    return torch.addcmul(a, a, a, value=-1, out=out)


ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "relu": (torch.relu_, relu_slope),
    "sigmoid": (torch.sigmoid_, sigmoid_slope),
}


class Buffers:
    """What a step on N examples writes: aˡ, δˡ and f′ of each layer."""

    def __init__(self, count: int, sizes: list[int], like: Tensor) -> None:
        self.a = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta_T = [delta.T for delta in self.delta]
        self.slope = [like.new_empty(count, size) for size in sizes[1:-1]]
        self.ones = like.new_ones(count)
        self.minus_one = like.new_full((count, 1), -1.0)


class ExplicitEngine:
    """A stack of linear layers with one activation between them, cross-entropy, and gradient descent."""

    def __init__(self, config: TrainingConfig, sizes: list[int], device: torch.device) -> None:
        dtype = getattr(torch, config.dtype)
        layers = [torch.nn.Linear(D, M, dtype=dtype) for D, M in pairwise(sizes)]  # as torch.nn draws them
        self.sizes = sizes
        self.weights = [layer.weight.detach().to(device) for layer in layers]
        self.biases = [layer.bias.detach().to(device) for layer in layers]
        self.weights_T = [W.T for W in self.weights]  # views: they follow the weights
        self.lr, self.momentum = config.lr, config.momentum
        self.velocities: list[tuple[Tensor, Tensor]] = []
        if self.momentum:
            parameters = zip(self.weights, self.biases, strict=True)
            self.velocities = [(torch.zeros_like(W), torch.zeros_like(b)) for W, b in parameters]
        self.activate, self.slope_of = ACTIVATIONS[config.activation]
        self.buffers: dict[int, Buffers] = {}
        self.inputs: list[Tensor] = []  # aˡ⁻¹ of each layer in the last step

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        use = self._buffers_for(len(images))
        self.inputs = [images, *use.a[:-1]]
        last = len(self.weights) - 1

        for layer, (W_T, b) in enumerate(zip(self.weights_T, self.biases, strict=True)):
            torch.addmm(b, self.inputs[layer], W_T, out=use.a[layer])  # z = a Wᵀ + b
            if layer < last:
                self.activate(use.a[layer])  # a = f(z)

        logits, delta = use.a[last], use.delta[last]
        torch.softmax(logits, 1, out=delta)  # δ = softmax …
        delta.scatter_add_(1, labels[:, None], use.minus_one)  # … − one-hot

        for layer in range(last, -1, -1):
            if layer > 0:
                before = torch.mm(use.delta[layer], self.weights[layer], out=use.delta[layer - 1])  # δ W …
                before.mul_(self.slope_of(self.inputs[layer], use.slope[layer - 1]))  # … ⊙ f′
            self._update(layer, use.delta_T[layer], use.ones)
        return logits

    def _update(self, layer: int, delta_T: Tensor, ones: Tensor) -> None:
        """W ← W − η/N δᵀ a and b ← b − η/N Σₙ δₙ; with momentum v ← μ v + δᵀ a / N first, W ← W − η v."""
        W, b, a = self.weights[layer], self.biases[layer], self.inputs[layer]
        if not self.momentum:
            W.addmm_(delta_T, a, alpha=-self.lr / len(a))
            b.addmv_(delta_T, ones, alpha=-self.lr / len(a))
            return
        velocity_W, velocity_b = self.velocities[layer]
        velocity_W.addmm_(delta_T, a, beta=self.momentum, alpha=1 / len(a))
        velocity_b.addmv_(delta_T, ones, beta=self.momentum, alpha=1 / len(a))
        W.add_(velocity_W, alpha=-self.lr)
        b.add_(velocity_b, alpha=-self.lr)

    def _buffers_for(self, count: int) -> Buffers:
        if count not in self.buffers:  # the full batch, and what is left at the end of an epoch
            self.buffers[count] = Buffers(count, self.sizes, self.weights[0])
        return self.buffers[count]

    def logits(self, images: Tensor) -> Tensor:
        a = images
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            a = self.activate(torch.addmm(b, a, W.T))
        return torch.addmm(self.biases[-1], a, self.weights[-1].T)

    def gradient_norms(self) -> Tensor:
        count = len(self.inputs[0])
        norms = [
            torch.cat([(delta.T @ a).flatten(), delta.sum(0)]).norm() / count
            for delta, a in zip(self.buffers[count].delta, self.inputs, strict=True)
        ]
        return torch.stack(norms)

    def state_dict(self) -> dict[str, Any]:
        """Parameters under the names that the other engines' models give them."""
        model: dict[str, Tensor] = {}
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            model |= {f"{2 * layer}.weight": W, f"{2 * layer}.bias": b}
        return {"model": model, "velocities": self.velocities}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        own = self.state_dict()
        if own["model"].keys() != state["model"].keys():
            raise KeyError(f"layers {sorted(state['model'])}, where {sorted(own['model'])} are due")
        for name, parameter in own["model"].items():
            parameter.copy_(state["model"][name])
        for mine, theirs in zip(self.velocities, state["velocities"], strict=True):
            for velocity, saved in zip(mine, theirs, strict=True):
                velocity.copy_(saved)
