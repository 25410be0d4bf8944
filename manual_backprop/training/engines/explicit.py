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

With `precision="bfloat16"` the products are computed from rounded copies of images, weights and biases; the
parameters themselves stay in float32, since a small update would be lost in rounding.

f′ is computed from a, not from z: ReLU's slope is the sign of a, the sigmoid's is a − a², tanh's 1 − a².

updates.py has the other update rules: momentum, Adam, weight decay.

Several processes, each with its share of the batch, have to add up δᵀ a before W may change. The sum for
layer l is under way while the loop computes layer l − 1; the updates follow when all sums have arrived.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323
(1986); Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, equations BP1 to BP4.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.engines.precision import in_its_precision, tf32_of
from manual_backprop.training.engines.updates import Adam, Descent, Momentum, Update, add_product
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


def cross_entropy_error(z: Tensor, minus_one_hot: tuple[Tensor, Tensor], out: Tensor) -> None:
    """N ∂L/∂z of the cross-entropy: softmax(z) − one-hot."""
    torch.softmax(z, 1, out=out).scatter_add_(1, *minus_one_hot)


def squared_error(z: Tensor, minus_one_hot: tuple[Tensor, Tensor], out: Tensor) -> None:
    """C/2 times N ∂L/∂z of the mean squared error, which is averaged over the C classes too: z − one-hot."""
    out.copy_(z).scatter_add_(1, *minus_one_hot)


Error = Callable[[Tensor, tuple[Tensor, Tensor], Tensor], None]
ERRORS: dict[str, Error] = {"cross_entropy": cross_entropy_error, "mse": squared_error}


class Buffers:
    """What a step on N examples writes: aˡ, δˡ and f′ of each layer; the images too if rounded."""

    def __init__(self, count: int, sizes: list[int], like: Tensor) -> None:
        self.a = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta = [like.new_empty(count, size) for size in sizes[1:]]
        self.delta_T = [delta.T for delta in self.delta]
        self.slope = [like.new_empty(count, size) for size in sizes[1:-1]]
        self.images = like.new_empty(count, sizes[0]) if like.dtype == torch.bfloat16 else None
        self.ones = like.new_ones(count)
        self.minus_one = like.new_full((count, 1), -1.0)


class ExplicitEngine:
    """A stack of linear layers with one activation between them, cross-entropy, and gradient descent."""

    def __init__(
        self, config: TrainingConfig, sizes: list[int], device: torch.device, processes: Processes = ALONE
    ) -> None:
        self.processes = processes
        self.tf32 = tf32_of(config, device)
        dtype = getattr(torch, config.dtype)
        layers = [torch.nn.Linear(D, M, dtype=dtype) for D, M in pairwise(sizes)]  # as torch.nn draws them
        self.sizes = sizes
        self.weights = [layer.weight.detach().to(device) for layer in layers]
        self.weights[0] = self.weights[0].T.contiguous().T  # the faster memory layout for a wide input
        self.biases = [layer.bias.detach().to(device) for layer in layers]
        in_bfloat16 = config.precision == "bfloat16"
        self.factors = (
            [W.bfloat16() for W in self.weights] if in_bfloat16 else self.weights
        )  # of the products
        self.addends = [b.bfloat16() for b in self.biases] if in_bfloat16 else self.biases
        self.factors_T = [W.T for W in self.factors]  # views: they follow the weights
        self.scale = 2 / sizes[-1] if config.loss == "mse" else 1.0  # the factor that the error leaves out
        self.updates = [
            (rule_for(W, config, self.scale), rule_for(b, config, self.scale)) for W, b in self._layers()
        ]
        self.activate, self.slope_of = ACTIVATIONS[config.activation]
        self.error = ERRORS[config.loss]
        self.buffers: dict[int, Buffers] = {}
        self.inputs: list[Tensor] = []  # aˡ⁻¹ of each layer in the last step
        self.count = 0  # N of the last step
        self.products: list[tuple[Tensor, Tensor]] = []  # δᵀ a and Σₙ δₙ, where several processes add them up
        if processes.several:
            self.products = [(W.new_zeros(W.shape), b.new_zeros(b.shape)) for W, b in self._layers()]

    @in_its_precision
    def step(self, images: Tensor, labels: Tensor, count: int | None = None) -> Tensor:
        self.count = len(images) if count is None else count
        use = self._buffers_for(len(images))
        if use.images is not None:
            self._round()
            images = use.images.copy_(images)
        self.inputs = [images, *use.a[:-1]]
        last = len(self.weights) - 1
        sums: list[tuple[Any, Update, Tensor, Tensor]] = []

        for layer, (W_T, b) in enumerate(zip(self.factors_T, self.addends, strict=True)):
            torch.addmm(b, self.inputs[layer], W_T, out=use.a[layer])  # z = a Wᵀ + b
            if layer < last:
                self.activate(use.a[layer])  # a = f(z)

        logits = use.a[last]
        self.error(logits, (labels[:, None], use.minus_one), use.delta[last])  # δ = softmax − one-hot

        for layer in range(last, -1, -1):
            if layer > 0:
                before = torch.mm(use.delta[layer], self.factors[layer], out=use.delta[layer - 1])  # δ W …
                before.mul_(self.slope_of(self.inputs[layer], use.slope[layer - 1]))  # … ⊙ f′
            if self.processes.several:
                sums += self._start_adding_up(layer, use)
                continue
            update_W, update_b = self.updates[layer]
            update_W.step(self.weights[layer], use.delta_T[layer], self.inputs[layer], self.count)  # δᵀ a / N
            update_b.step(self.biases[layer], use.delta_T[layer], use.ones, self.count)  # Σₙ δₙ / N

        for work, update, parameter, product in sums:
            self.processes.finish_adding_up(work)
            update.step(parameter, product, None, self.count)
        return logits

    def _start_adding_up(self, layer: int, use: Buffers) -> list[tuple[Any, Update, Tensor, Tensor]]:
        """Start the sums of this process's products over all processes; what they will update."""
        products, parameters = self.products[layer], (self.weights[layer], self.biases[layer])
        for product, a in zip(products, (self.inputs[layer], use.ones), strict=True):
            add_product(product, use.delta_T[layer], a, beta=0, alpha=1)
        works = [self.processes.start_adding_up(product) for product in products]
        return list(zip(works, self.updates[layer], parameters, products, strict=True))

    def _round(self) -> None:
        """Round the parameters, which stay in float32, for the products."""
        for rounded, exact in zip(self.factors + self.addends, self.weights + self.biases, strict=True):
            rounded.copy_(exact)

    def _layers(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.weights, self.biases, strict=True)

    def _buffers_for(self, count: int) -> Buffers:
        if count not in self.buffers:  # a full batch, and the rest at the end of an epoch
            self.buffers[count] = Buffers(count, self.sizes, self.factors[0])
        return self.buffers[count]

    @in_its_precision
    def logits(self, images: Tensor) -> Tensor:
        if self.factors is not self.weights:
            self._round()
        *hidden, last = zip(self.factors_T, self.addends, strict=True)
        a = images.to(self.factors[0].dtype)
        for W_T, b in hidden:
            a = self.activate(torch.addmm(b, a, W_T))
        W_T, b = last
        return torch.addmm(b, a, W_T).to(images.dtype)

    def gradient_norms(self) -> Tensor:
        norms = [torch.cat([W.flatten(), b]).norm() * factor for W, b, factor in self._gradients()]
        return torch.stack(norms)

    def _gradients(self) -> Iterator[tuple[Tensor, Tensor, float]]:
        """δᵀ a and Σₙ δₙ of each layer in the last step, and the factor that turns them into gradients."""
        products = self.products or [
            (delta.T @ a, delta.sum(0))
            for delta, a in zip(self.buffers[len(self.inputs[0])].delta, self.inputs, strict=True)
        ]
        for W, b in products:
            yield W, b, self.scale / self.count

    @in_its_precision
    def values(self, images: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
        if self.factors is not self.weights:
            self._round()
        found, a = [], images.to(self.factors[0].dtype)
        for layer, (W_T, b) in enumerate(zip(self.factors_T, self.addends, strict=True)):
            z = torch.addmm(b, a, W_T)
            found.append((f"the output of layer {2 * layer} (Linear)", z))  # f of a finite z is finite
            a = self.activate(z.clone())
        self.step(images, labels)
        for layer, (W, b, factor) in reversed([*enumerate(self._gradients())]):
            found.append((f"the gradient of {2 * layer}.bias", b * factor))
            found.append((f"the gradient of {2 * layer}.weight", W * factor))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Parameters under the names that the other engines' models give them."""
        model: dict[str, Tensor] = {}
        for layer, (W, b) in enumerate(self._layers()):
            model |= {f"{2 * layer}.weight": W, f"{2 * layer}.bias": b}
        return {"model": model, "updates": [(W.state, b.state) for W, b in self.updates]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        own = self.state_dict()
        for name, parameter in own["model"].items():
            parameter.copy_(state["model"][name])
        for mine, theirs in zip(own["updates"], state["updates"], strict=True):
            for rule, saved in zip(mine, theirs, strict=True):
                for tensor, value in zip(rule, saved, strict=True):
                    tensor.copy_(value)


def rule_for(parameter: Tensor, config: TrainingConfig, scale: float) -> Update:
    """The rule that `config` names, for one parameter."""
    if config.optimizer == "adam":
        return Adam(parameter, scale, config.lr, config.weight_decay)
    if config.momentum:
        return Momentum(parameter, scale, config.lr, config.weight_decay, config.momentum)
    return Descent(scale, config.lr, config.weight_decay)
