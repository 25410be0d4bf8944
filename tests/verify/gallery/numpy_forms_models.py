"""Models in NumPy with `.params` and `.loss(X, y)`, which returns the loss and its gradients."""

import numpy as np

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import LABELS, Array

NUMPY_FORMS_MODELS = NamedForm()
right, wrong = NUMPY_FORMS_MODELS.right, NUMPY_FORMS_MODELS.wrong
Grads = dict[str, Array]

CLASSES = ((5, 4), LABELS)


def softmax_loss(scores: Array, y: Array) -> tuple[float, Array]:
    """The mean cross-entropy, and its gradient."""
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    n = scores.shape[0]
    dscores = np.exp(log_probs)
    dscores[np.arange(n), y] -= 1
    return -np.sum(log_probs[np.arange(n), y]) / n, dscores / n


class TwoLayerNet:
    def __init__(self, input_size: int, hidden_size: int, classes: int, reg: float = 0.1) -> None:
        rng = np.random.default_rng(0)
        self.params = {}
        self.params["W1"] = 0.5 * rng.standard_normal((input_size, hidden_size))
        self.params["b1"] = 0.1 * rng.standard_normal(hidden_size)
        self.params["W2"] = 0.5 * rng.standard_normal((hidden_size, classes))
        self.params["b2"] = np.zeros(classes)
        self.reg = reg

    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        hidden = np.maximum(X.dot(W1) + b1, 0)
        loss, dscores = softmax_loss(hidden.dot(W2) + b2, y)
        loss += 0.5 * self.reg * (np.sum(W1**2) + np.sum(W2**2))
        grads = {}
        grads["W2"] = hidden.T.dot(dscores) + self.reg * W2
        grads["b2"] = dscores.sum(axis=0)
        dhidden = dscores.dot(W2.T) * (hidden > 0)
        grads["W1"] = X.T.dot(dhidden) + self.reg * W1
        grads["b1"] = dhidden.sum(axis=0)
        return loss, grads


class SmallWeights(TwoLayerNet):
    def __init__(self) -> None:
        super().__init__(4, 6, 3, reg=0.0)
        self.params["W1"] *= 1e-2
        self.params["W2"] *= 1e-2
        self.params["b1"] *= 1e-2


class FullyConnected:
    """As many layers as sizes, with their parameters W1, b1, W2, …"""

    def __init__(self, sizes: list[int]) -> None:
        rng = np.random.default_rng(1)
        self.params: dict[str, Array] = {}
        self.num_layers = len(sizes) - 1
        for i in range(self.num_layers):
            self.params[f"W{i + 1}"] = rng.standard_normal((sizes[i], sizes[i + 1]))
            self.params[f"b{i + 1}"] = rng.standard_normal(sizes[i + 1])

    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        caches = []
        out = X
        for i in range(1, self.num_layers + 1):
            z = out @ self.params[f"W{i}"] + self.params[f"b{i}"]
            caches.append((out, z))
            out = np.tanh(z) if i < self.num_layers else z
        loss, dout = softmax_loss(out, y)
        grads = {}
        for i in range(self.num_layers, 0, -1):
            inputs, z = caches[i - 1]
            if i < self.num_layers:
                dout = dout * (1 - np.tanh(z) ** 2)
            grads[f"W{i}"] = inputs.T @ dout
            grads[f"b{i}"] = np.sum(dout, axis=0)
            dout = dout @ self.params[f"W{i}"].T
        return loss, grads


class Autoencoder:
    """The same weight on the way in and out."""

    def __init__(self) -> None:
        self.params = {"W": np.random.default_rng(2).standard_normal((4, 3))}

    def loss(self, X: Array) -> tuple[float, Grads]:
        W = self.params["W"]
        h = 1 / (1 + np.exp(-X @ W))
        r = h @ W.T - X
        dz = r @ W * h * (1 - h)
        return 0.5 * np.sum(r**2), {"W": X.T @ dz + r.T @ h}


right("two layers and a penalty", CLASSES)(TwoLayerNet(4, 6, 3))
right("two layers with tiny weights", CLASSES)(SmallWeights())
right("as many layers as sizes, in a loop", CLASSES)(FullyConnected([4, 5, 6, 3]))
right("tied weights in a model", ((5, 4),))(Autoencoder())


class WithoutPenaltyOfTheFirst(TwoLayerNet):
    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        hidden = np.maximum(X.dot(W1) + b1, 0)
        loss, dscores = softmax_loss(hidden.dot(W2) + b2, y)
        loss += 0.5 * self.reg * (np.sum(W1**2) + np.sum(W2**2))
        dhidden = dscores.dot(W2.T) * (hidden > 0)
        grads = {"W2": hidden.T.dot(dscores) + self.reg * W2, "b2": dscores.sum(axis=0)}
        grads["W1"] = X.T.dot(dhidden)
        grads["b1"] = dhidden.sum(axis=0)
        return loss, grads


class PenaltyTwice(TwoLayerNet):
    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        hidden = np.maximum(X.dot(W1) + b1, 0)
        loss, dscores = softmax_loss(hidden.dot(W2) + b2, y)
        loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        dhidden = dscores.dot(W2.T)
        dhidden[hidden <= 0] = 0
        grads = {"b2": dscores.sum(axis=0), "b1": dhidden.sum(axis=0)}
        grads["W2"] = hidden.T.dot(dscores) + 2 * self.reg * W2
        grads["W1"] = X.T.dot(dhidden) + 2 * self.reg * W1
        return loss, grads


class MaskOfTheInput(TwoLayerNet):
    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        hidden = np.maximum(X.dot(W1) + b1, 0)
        loss, dscores = softmax_loss(hidden.dot(W2) + b2, y)
        loss += 0.5 * self.reg * (np.sum(W1**2) + np.sum(W2**2))
        dhidden = dscores.dot(W2.T)
        dhidden[dhidden < 0] = 0
        grads = {"W2": hidden.T.dot(dscores) + self.reg * W2, "b2": dscores.sum(axis=0)}
        grads["W1"] = X.T.dot(dhidden) + self.reg * W1
        grads["b1"] = dhidden.sum(axis=0)
        return loss, grads


class SlopeAfterTheProduct(FullyConnected):
    def loss(self, X: Array, y: Array) -> tuple[float, Grads]:
        caches = []
        out = X
        for i in range(1, self.num_layers + 1):
            z = out @ self.params[f"W{i}"] + self.params[f"b{i}"]
            caches.append((out, z))
            out = np.tanh(z) if i < self.num_layers else z
        loss, dout = softmax_loss(out, y)
        grads = {}
        for i in range(self.num_layers, 0, -1):
            inputs, _ = caches[i - 1]
            grads[f"W{i}"] = inputs.T @ dout
            grads[f"b{i}"] = np.sum(dout, axis=0)
            dout = dout @ self.params[f"W{i}"].T * (1 - np.tanh(inputs) ** 2)
        return loss, grads


class OneUseOfTheWeight(Autoencoder):
    def loss(self, X: Array) -> tuple[float, Grads]:
        W = self.params["W"]
        h = 1 / (1 + np.exp(-X @ W))
        r = h @ W.T - X
        dz = r @ W * h * (1 - h)
        dW = X.T @ dz
        return 0.5 * np.sum(r**2), {"W": dW}


wrong(
    "two layers and a penalty: not of the first weight",
    CLASSES,
    mistake=("left-out", "forgotten-use", "forgotten-path", "extra-term"),
    bad=("W1",),
    line='grads["W1"] = X.T.dot(dhidden)',
)(WithoutPenaltyOfTheFirst(4, 6, 3))
wrong(
    "two layers and a penalty: counted twice",
    CLASSES,
    mistake=("term-factor", "factor", "extra-term"),
    bad=("W1", "W2"),
    line='grads["W2"] = hidden.T.dot(dscores) + 2 * self.reg * W2',
)(PenaltyTwice(4, 6, 3))
wrong(
    "two layers and a penalty: the upstream gradient's own sign as the mask",
    CLASSES,
    mistake=("upstream-sign", "other-tensor"),
    bad=("W1", "b1"),
    line="dhidden[dhidden < 0] = 0",
)(MaskOfTheInput(4, 6, 3))
wrong(
    "as many layers as sizes: tanh taken twice on the way back",
    CLASSES,
    mistake=("wrong-place", "other-tensor"),
    bad=("W1", "b1", "W2", "b2"),
    line='dout = dout @ self.params[f"W{i}"].T * (1 - np.tanh(inputs) ** 2)',
)(SlopeAfterTheProduct([4, 5, 6, 3]))
wrong(
    "tied weights in a model: the way out forgotten",
    ((5, 4),),
    mistake=("forgotten-use", "left-out", "forgotten-path"),
    bad=("W",),
    line="dW = X.T @ dz",
)(OneUseOfTheWeight())
