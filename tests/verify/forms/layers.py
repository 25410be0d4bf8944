"""Layers as people have them, each right."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]


def affine_forward(x: Array, w: Array, b: Array) -> Any:
    return np.dot(x, w) + b, (x, w, b)


def affine_backward(dout: Array, cache: Any) -> Any:
    x, w, _ = cache
    return np.dot(dout, w.T), np.dot(x.T, dout), np.sum(dout, axis=0)


def affine(x: Array, w: Array, b: Array) -> Array:
    return np.dot(x, w) + b


def affine_grad(dout: Array, x: Array, w: Array, b: Array) -> Any:
    return np.dot(dout, w.T), np.dot(x.T, dout), np.sum(dout, axis=0)


AFFINE: list[Any] = [(5, 3), (3, 7), (7,)]


def cell_forward(x: Array, h: Array, c: Array, w: Array) -> Any:
    """A cell that keeps part of its memory: two outputs, and what its backward needs."""
    z = np.tanh(np.dot(x, w) + h)
    next_c = c * z + z
    next_h = np.tanh(next_c)
    return next_h, next_c, (x, c, w, z, next_h)


def cell_backward(dnext_h: Array, dnext_c: Array, cache: Any) -> Any:
    x, c, w, z, next_h = cache
    dc = dnext_c + dnext_h * (1 - next_h**2)
    dz = dc * (c + 1) * (1 - z**2)
    return np.dot(dz, w.T), dz, dc * z, np.dot(x.T, dz)


CELL: list[Any] = [(5, 3), (5, 2), (5, 2), (3, 2)]


def standardise_forward(x: Array, gamma: Array, options: dict[str, Any]) -> Any:
    """A norm that keeps running statistics in its options."""
    mean, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + options["eps"])
    if options["mode"] == "train":
        options["running_mean"] = 0.9 * options.get("running_mean", 0.0) + 0.1 * mean
    normalised = (x - mean) / std
    return gamma * normalised, {"normalised": normalised, "gamma": gamma, "std": std}


def standardise_backward(dout: Array, cache: dict[str, Array]) -> dict[str, Array]:
    normalised, g = cache["normalised"], dout * cache["gamma"]
    dx = (g - g.mean(axis=0) - normalised * (g * normalised).mean(axis=0)) / cache["std"]
    return {"dx": dx, "dgamma": np.sum(dout * normalised, axis=0)}


def squared_error(params: dict[str, Array], x: Array, y: Array) -> Any:
    h = np.tanh(np.dot(x, params["W1"]) + params["b1"])
    d = np.dot(h, params["W2"]) - y
    dz = np.dot(d, params["W2"].T) * (1 - h**2)
    grads = {"W1": np.dot(x.T, dz), "b1": np.sum(dz, axis=0), "W2": np.dot(h.T, d)}
    return 0.5 * np.sum(d**2), grads


SQUARED_ERROR: list[Any] = [{"W1": (3, 4), "b1": (4,), "W2": (4, 2)}, (5, 3), (5, 2)]


class Network:
    """A classifier with its parameters in a dictionary."""

    def __init__(self, inputs: int = 3, hidden: int = 7, classes: int = 5) -> None:
        rng = np.random.default_rng(0)
        self.params = {"W1": 0.01 * rng.standard_normal((inputs, hidden)), "b1": np.zeros(hidden)}
        self.params["W2"] = 0.01 * rng.standard_normal((hidden, classes))
        self.factor = 1.0

    def loss(self, X: Array, y: Array) -> Any:
        h = np.maximum(0, np.dot(X, self.params["W1"]) + self.params["b1"])
        scores = np.dot(h, self.params["W2"])
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        value = -np.log(p[rows, y]).mean()
        d = p.copy()
        d[rows, y] -= 1
        d /= len(y)
        dh = np.dot(d, self.params["W2"].T)
        dh[h <= 0] = 0
        grads = {"W2": self.factor * np.dot(h.T, d), "W1": np.dot(X.T, dh), "b1": dh.sum(axis=0)}
        return value, grads


class Affine:
    """A layer that leaves its gradients in itself; its bias is zero and its weights are small."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.W = 0.01 * np.random.default_rng(1).standard_normal((inputs, outputs))
        self.b = np.zeros(outputs)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout: Array) -> Array:
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class AffineWithLists:
    """The same with lists of parameters and gradients, as a textbook from Japan has it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.params = [np.ones((inputs, outputs)), np.zeros(outputs)]
        self.grads = [np.zeros_like(p) for p in self.params]
        self.x: Any = None

    def forward(self, x: Array) -> Array:
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout: Array) -> Array:
        W, _ = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)


class AffineWithDictionaries:
    """The same with dictionaries of parameters and gradients."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.params = {"W": np.ones((inputs, outputs)), "b": np.zeros(outputs)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.saved = x
        return np.dot(x, self.params["W"]) + self.params["b"]

    def backward(self, dout: Array) -> Array:
        self.grads["W"] = np.dot(self.saved.T, dout)
        self.grads["b"] = np.sum(dout, axis=0)
        return np.dot(dout, self.params["W"].T)


class Tanh:
    """A layer without parameters."""

    def forward(self, x: Array) -> Array:
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1 - self.out**2)


class Stack:
    """Layers one behind the other."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout: Array) -> Array:
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class TorchAffine:
    """A layer of tensors."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.weight, self.bias = torch.ones(outputs, inputs), torch.zeros(outputs)

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, grad_output: Tensor) -> Tensor:
        self.grad_weight, self.grad_bias = grad_output.T @ self.x, grad_output.sum(0)
        return grad_output @ self.weight
