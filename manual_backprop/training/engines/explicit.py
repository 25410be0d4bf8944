"""Backpropagation without autograd: the algorithm as textbooks print it.

A network of L layers, aˡ = f(zˡ), zˡ = aˡ⁻¹ Wˡᵀ + bˡ, with a⁰ the images and zᴸ the logits. One step:

forward     for l = 1 … L:  zˡ = aˡ⁻¹ Wˡᵀ + bˡ,  aˡ = f(zˡ)             a overwrites z
output      δᴸ = softmax(zᴸ) − one-hot                                  N ∂L/∂zᴸ, as L is a mean over N
            or, for the mean squared error, zᴸ − one-hot, which is NC/2 ∂L/∂zᴸ
backward    for l = L … 1:
                δˡ⁻¹ = δˡ Wˡ ⊙ f′(zˡ⁻¹)                                 not for l = 1: images are not learned
                ∂L/∂Wˡ = δˡᵀ aˡ⁻¹ / N,  ∂L/∂bˡ = Σₙ δˡₙ / N
                Wˡ ← Wˡ − η ∂L/∂Wˡ,  bˡ ← bˡ − η ∂L/∂bˡ                 after Wˡ has been used

Why this is fast: what a step needs is known beforehand, so every buffer is allocated once, and there is no
graph to build and to traverse. Plain gradient descent never forms ∂L/∂W either: the product δᵀ a is added to
W as it is computed, with the factor −η/N. That is also where the mean's 1/N goes: backward is linear in δ.
Nothing in a step waits for a GPU or adds in an order that is left to chance.

With `precision="bfloat16"` the products are computed from rounded copies of images, weights and biases; the
parameters themselves stay in float32, since a small update would be lost in rounding.

f′ is computed from a, not from z: ReLU's slope is the sign of a, the sigmoid's is a − a², tanh's 1 − a².

updates.py has the other update rules, momentum, Adam and weight decay, which follow behind the loop; flat.py
keeps all parameters in one tensor, so that one call changes them all.

Several processes, each with its share of the batch, have to add up δᵀ a before W may change. The sum for
layer l is under way while the loop computes layer l − 1; the update follows when all sums have arrived.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323
(1986); Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, equations BP1 to BP4.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.engines.flat import Flat
from manual_backprop.training.engines.precision import in_its_precision, tf32_of
from manual_backprop.training.engines.updates import rule_for
from manual_backprop.training.processes import ALONE, Processes


def relu_slope(a: Tensor, out: Tensor) -> Tensor:
    """1 where a > 0, else 0."""
    return torch.sign(a, out=out)


def sigmoid_slope(a: Tensor, out: Tensor) -> Tensor:
    """The slope a − a² = a (1 − a)."""
    return torch.addcmul(a, a, a, value=-1, out=out)


def tanh_slope(a: Tensor, out: Tensor) -> Tensor:
    """The slope 1 − a²."""
    return out.fill_(1).addcmul_(a, a, value=-1)


ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "relu": (torch.relu_, relu_slope),
    "sigmoid": (torch.sigmoid_, sigmoid_slope),
    "tanh": (torch.tanh_, tanh_slope),
}


def cross_entropy_error(z: Tensor, one_hot: Tensor, out: Tensor) -> None:
    """N ∂L/∂z of the cross-entropy: softmax(z) − one-hot."""
    torch.softmax(z, 1, out=out).sub_(one_hot)


def squared_error(z: Tensor, one_hot: Tensor, out: Tensor) -> None:
    """C/2 times N ∂L/∂z of the mean squared error, which is averaged over the C classes too: z − one-hot."""
    torch.sub(z, one_hot, out=out)


ERRORS: dict[str, Callable[[Tensor, Tensor, Tensor], None]] = {
    "cross_entropy": cross_entropy_error,
    "mse": squared_error,
}


class Buffers:
    """What a step on N examples writes: aˡ, δˡ and f′ of each layer, one-hot; the images too if rounded."""

    def __init__(self, count: int, sizes: list[int], like: Tensor) -> None:
        self.a = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta_T = [delta.T for delta in self.delta]
        self.slope = [like.new_empty(count, size) for size in sizes[1:-1]]
        self.one_hot = like.new_empty(count, sizes[-1])
        self.images = like.new_empty(count, sizes[0]) if like.dtype == torch.bfloat16 else None
        self.ones = like.new_ones(count)


class ExplicitEngine:
    """A stack of linear layers with one activation between them, cross-entropy, and gradient descent."""

    repeatable = True

    def __init__(
        self, config: TrainingConfig, sizes: list[int], device: torch.device, processes: Processes = ALONE
    ) -> None:
        self.processes = processes
        self.tf32 = tf32_of(config, device)
        dtype = getattr(torch, config.dtype)
        rounded = torch.bfloat16 if config.precision == "bfloat16" else dtype
        layers = [torch.nn.Linear(D, M, dtype=dtype) for D, M in pairwise(sizes)]  # as torch.nn draws them
        self.sizes, self.flat = sizes, Flat(sizes)
        self.w = self.flat.zeros(dtype, device)  # all parameters
        self.weights, self.biases = zip(*self.flat.views(self.w), strict=True)
        for layer, W, b in zip(layers, self.weights, self.biases, strict=True):
            W.copy_(layer.weight.detach())
            b.copy_(layer.bias.detach())
        self.rounded = self.w if rounded == dtype else self.w.to(rounded)  # for the products
        self.factors, self.addends = zip(*self.flat.views(self.rounded), strict=True)
        self.factors_T = [W.T for W in self.factors]  # views: they follow the weights
        self.eye = torch.eye(sizes[-1], dtype=rounded, device=device)  # row y is one-hot
        self.scale = 2 / sizes[-1] if config.loss == "mse" else 1.0  # the factor that the error leaves out
        self.update = rule_for(self.w, config, self.scale)
        self.activate, self.slope_of = ACTIVATIONS[config.activation]
        self.error = ERRORS[config.loss]
        self.buffers: dict[int, Buffers] = {}
        self.inputs: list[Tensor] = []  # aˡ⁻¹ of each layer in the last step
        self.count = 0  # N of the last step
        self.again: Tensor | None = None  # see _sums_of_the_last
        # δᵀ a and Σₙ δₙ, where they cannot be added to the rule's sums as they are computed
        self.products: Tensor | None = None
        if processes.several or rounded != dtype:
            self.products = self.flat.zeros(dtype if processes.several else rounded, device)
        added_up = self.update.sums if self.products is None else self.products
        self.sums, self.pieces = self.flat.views(added_up), self.flat.pieces(added_up)

    @in_its_precision
    def step(self, images: Tensor, labels: Tensor, count: int | None = None) -> Tensor:
        self.count = len(images) if count is None else count
        use = self._buffers_for(len(images))
        if use.images is not None:
            self.rounded.copy_(self.w)
            images = use.images.copy_(images)
        self.inputs = [images, *use.a[:-1]]
        last = len(self.weights) - 1
        exchanges = []

        for layer, (W_T, b) in enumerate(zip(self.factors_T, self.addends, strict=True)):
            torch.addmm(b, self.inputs[layer], W_T, out=use.a[layer])  # z = a Wᵀ + b
            if layer < last:
                self.activate(use.a[layer])  # a = f(z)

        logits = use.a[last]
        one_hot = torch.index_select(self.eye, 0, labels, out=use.one_hot)
        self.error(logits, one_hot, use.delta[last])  # δ = softmax − one-hot

        for layer in range(last, -1, -1):
            if layer > 0:
                before = torch.mm(use.delta[layer], self.factors[layer], out=use.delta[layer - 1])  # δ W …
                before.mul_(self.slope_of(self.inputs[layer], use.slope[layer - 1]))  # … ⊙ f′
            self._add_up(layer, use.delta_T[layer], self.inputs[layer], use.ones)  # δᵀ a and Σₙ δₙ
            if self.processes.several:
                exchanges.append(self.processes.start_adding_up(self.pieces[layer]))

        for exchange in exchanges:
            self.processes.finish_adding_up(exchange)
        if self.products is not None:
            sums = self.update.sums if self.update.beta == 1 else self.update.sums.mul_(self.update.beta)
            sums.add_(self.products, alpha=self.update.alpha / self.count)
        self.update.finish()
        return logits

    def _add_up(self, layer: int, delta_T: Tensor, a: Tensor, ones: Tensor) -> None:
        """Add δᵀ a and δᵀ 1 to the sums of the rule with its factors; or set the products to them."""
        W, b = self.sums[layer]
        if W.dtype != a.dtype:  # products in bfloat16, their sums over processes in float32
            W.copy_(delta_T @ a)
            b.copy_(delta_T @ ones)
            return
        alone = self.products is None
        beta, alpha = (self.update.beta, self.update.alpha / self.count) if alone else (0, 1)
        W.addmm_(delta_T, a, beta=beta, alpha=alpha)
        b.addmv_(delta_T, ones, beta=beta, alpha=alpha)

    def _buffers_for(self, count: int) -> Buffers:
        if count not in self.buffers:  # a full batch, and the rest at the end of an epoch
            self.buffers[count] = Buffers(count, self.sizes, self.rounded)
        return self.buffers[count]

    @in_its_precision
    def logits(self, images: Tensor) -> Tensor:
        if self.rounded is not self.w:
            self.rounded.copy_(self.w)
        *hidden, last = zip(self.factors_T, self.addends, strict=True)
        a = images.to(self.rounded.dtype)
        for W_T, b in hidden:
            a = self.activate(torch.addmm(b, a, W_T))
        W_T, b = last
        return torch.addmm(b, a, W_T).to(images.dtype)

    def gradient_norms(self) -> Tensor:
        return (
            torch.stack([piece.norm() for piece in self.flat.pieces(self._sums_of_the_last())]) * self.factor
        )

    @property
    def factor(self) -> float:
        """What turns δᵀ a and Σₙ δₙ of the last step into gradients."""
        return self.scale / self.count

    def _sums_of_the_last(self) -> Tensor:
        """δᵀ a and Σₙ δₙ of each layer in the last step, where the parameters are, (P,).

        They are computed once more where a step adds them to what it changes.
        """
        if self.products is not None:
            return self.products
        if self.again is None:
            self.again = torch.zeros_like(self.w)
        use = self.buffers[len(self.inputs[0])]
        layers = zip(self.flat.views(self.again), use.delta_T, self.inputs, strict=True)
        for (W, b), delta_T, a in layers:
            torch.mm(delta_T, a, out=W)
            torch.mv(delta_T, use.ones, out=b)
        return self.again

    @in_its_precision
    def values(self, images: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
        if self.rounded is not self.w:
            self.rounded.copy_(self.w)
        found, a = [], images.to(self.rounded.dtype)
        for layer, (W_T, b) in enumerate(zip(self.factors_T, self.addends, strict=True)):
            z = torch.addmm(b, a, W_T)
            found.append((f"the output of layer {2 * layer} (Linear)", z))  # f of a finite z is finite
            a = self.activate(z.clone())
        self.step(images, labels)
        sums = self.flat.views(self._sums_of_the_last())
        for layer, (W, b) in reversed([*enumerate(sums)]):
            found.append((f"the gradient of {2 * layer}.bias", b * self.factor))
            found.append((f"the gradient of {2 * layer}.weight", W * self.factor))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Parameters by the names that the other engines' models give them, with the rule's state of each."""
        model: dict[str, Tensor] = {}
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            model |= {f"{2 * layer}.weight": W, f"{2 * layer}.bias": b}
        remembered = [self.flat.views(each) for each in self.update.state]
        counted = [] if self.update.t is None else [self.update.t]
        updates = [
            tuple([*(views[layer][which] for views in remembered), *counted] for which in (0, 1))
            for layer in range(len(self.weights))
        ]
        return {"model": model, "updates": updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        own = self.state_dict()
        for name, parameter in own["model"].items():
            parameter.copy_(state["model"][name])
        for mine, theirs in zip(own["updates"], state["updates"], strict=True):
            for rule, saved in zip(mine, theirs, strict=True):
                for tensor, value in zip(rule, saved, strict=True):
                    tensor.copy_(value)
