"""Networks in NumPy whose cache is a dictionary and whose gradients come in one, right and wrong."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import Array, Cache
from tests.verify.gallery.numpy_sequences import sigmoid

NUMPY_NETWORKS_RIGHT = NamedForm()
NUMPY_NETWORKS_WRONG = NamedForm()
right, wrong = NUMPY_NETWORKS_RIGHT.right, NUMPY_NETWORKS_WRONG.wrong
TWO_LAYERS = ((5, 3), (3, 7), (7,), (7, 2), (2,))
THREE_LAYERS = ((3, 5), (3, 3), (3, 3), (2, 3))


def two_layers(x: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Cache]:
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    return z2, {"x": x, "z1": z1, "a1": a1, "W1": W1, "W2": W2}


def deep(X: Array, W1: Array, W2: Array, W3: Array) -> tuple[Array, Cache]:
    """Of examples in columns."""
    A1 = np.tanh(W1 @ X)
    A2 = np.tanh(W2 @ A1)
    A3 = sigmoid(W3 @ A2)
    return A3, (X, W1, W2, W3, A1, A2, A3)


@right("two layers, gradients by name", TWO_LAYERS, two_layers)
def _(dout: Array, cache: Cache) -> Gradients:
    grads = {}
    grads["W2"] = cache["a1"].T @ dout
    grads["b2"] = dout.sum(axis=0)
    dz1 = dout @ cache["W2"].T
    dz1[cache["z1"] <= 0] = 0
    grads["W1"] = cache["x"].T @ dz1
    grads["b1"] = dz1.sum(axis=0)
    grads["x"] = dz1 @ cache["W1"].T
    return grads


@right("two layers, gradients by the names of derivatives", TWO_LAYERS, two_layers)
def _(dout: Array, cache: Cache) -> Gradients:
    dz1 = np.dot(dout, cache["W2"].T) * (cache["a1"] > 0)
    return {
        "dx": np.dot(dz1, cache["W1"].T),
        "dW1": np.dot(cache["x"].T, dz1),
        "db1": np.sum(dz1, axis=0),
        "dW2": np.dot(cache["a1"].T, dout),
        "db2": np.sum(dout, axis=0),
    }


@right("three layers of examples in columns", THREE_LAYERS, deep)
def _(dA3: Array, cache: Cache) -> Gradients:
    X, W1, W2, W3, A1, A2, A3 = cache
    dZ3 = dA3 * A3 * (1 - A3)
    dZ2 = np.multiply(W3.T @ dZ3, 1 - np.power(A2, 2))
    dZ1 = np.multiply(W2.T @ dZ2, 1 - np.power(A1, 2))
    return W1.T @ dZ1, dZ1 @ X.T, dZ2 @ A1.T, dZ3 @ A2.T


@wrong(
    "two layers, by name: relu's slope left out",
    TWO_LAYERS,
    two_layers,
    mistake=LEFT_OUT_NAMES,
    bad=("x", "W1", "b1"),
    line='dz1 = dout @ cache["W2"].T',
)
def _(dout: Array, cache: Cache) -> Gradients:
    dz1 = dout @ cache["W2"].T
    return {
        "dW1": cache["x"].T @ dz1,
        "db1": dz1.sum(axis=0),
        "dW2": cache["a1"].T @ dout,
        "db2": dout.sum(axis=0),
        "dx": dz1 @ cache["W1"].T,
    }


@wrong(
    "two layers, by name: the second weight from before relu",
    TWO_LAYERS,
    two_layers,
    mistake=("other-tensor", *LEFT_OUT_NAMES),
    bad=("W2",),
    line='grads["W2"] = cache["z1"].T.dot(dout)',
)
def _(dout: Array, cache: Cache) -> Gradients:
    grads = {"b2": dout.sum(axis=0)}
    grads["W2"] = cache["z1"].T.dot(dout)
    dz1 = dout.dot(cache["W2"].T) * (cache["z1"] > 0)
    grads["b1"] = dz1.sum(axis=0)
    grads["W1"] = cache["x"].T.dot(dz1)
    grads["x"] = dz1.dot(cache["W1"].T)
    return grads


@wrong(
    "three layers: the slope of the layer below",
    THREE_LAYERS,
    deep,
    mistake="other-tensor",
    bad=("X", "W1", "W2"),
    line="dZ2 = np.multiply(W3.T @ dZ3, 1 - np.power(A1, 2))",
    words=("A1", "A2"),
)
def _(dA3: Array, cache: Cache) -> Gradients:
    X, W1, W2, W3, A1, A2, A3 = cache
    dZ3 = dA3 * A3 * (1 - A3)
    dZ2 = np.multiply(W3.T @ dZ3, 1 - np.power(A1, 2))
    dZ1 = np.multiply(W2.T @ dZ2, 1 - np.power(A1, 2))
    return W1.T @ dZ1, dZ1 @ X.T, dZ2 @ A1.T, dZ3 @ A2.T


@wrong(
    "three layers: the first weight on the way back through the second",
    THREE_LAYERS,
    deep,
    mistake="other-tensor",
    bad=("X", "W1"),
    line="dA1 = np.dot(W1.T, dZ2)",
    words=("W1", "W2"),
)
def _(dA3: Array, cache: Cache) -> Gradients:
    X, W1, W2, W3, A1, A2, A3 = cache
    dZ3 = dA3 * (A3 - A3**2)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = dA2 * (1 - A2**2)
    dA1 = np.dot(W1.T, dZ2)
    dZ1 = dA1 * (1 - A1**2)
    return np.dot(W1.T, dZ1), np.dot(dZ1, X.T), np.dot(dZ2, A1.T), np.dot(dZ3, A2.T)


@wrong(
    "three layers: the slope of the sigmoid left out",
    THREE_LAYERS,
    deep,
    mistake=LEFT_OUT_NAMES,
    bad=("X", "W1", "W2", "W3"),
    line="dZ3 = dA3",
)
def _(dA3: Array, cache: Cache) -> Gradients:
    X, W1, W2, W3, A1, A2, A3 = cache
    dZ3 = dA3
    dZ2 = (W3.T @ dZ3) * (1 - A2**2)
    dZ1 = (W2.T @ dZ2) * (1 - A1**2)
    return W1.T @ dZ1, dZ1 @ X.T, dZ2 @ A1.T, dZ3 @ A2.T
