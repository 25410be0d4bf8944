"""Losses in NumPy that return wrong gradients beside them."""

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_forms_losses import BINARY, REGULARISED, TWO_LAYERS, Params, Returned
from tests.verify.gallery.numpy_functions import Array, softmax

NUMPY_FORMS_LOSSES_WRONG = NamedForm()
wrong = NUMPY_FORMS_LOSSES_WRONG.wrong


@wrong(
    "two layers: the hidden layer's mask forgotten",
    TWO_LAYERS,
    mistake=("local-derivative", "left-out"),
    bad=("W1", "b1"),
    line='grads = {"W1": x.T @ dh',
)
def without_mask(params: Params, x: Array, y: Array) -> Returned:
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    n = x.shape[0]
    h = np.maximum(0, x @ W1 + b1)
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(n), y]).mean()
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    ds /= n
    dh = ds @ W2.T
    grads = {"W1": x.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ ds, "b2": ds.sum(axis=0)}
    return loss, grads


@wrong(
    "two layers: the scores' gradient not divided by the number of examples",
    TWO_LAYERS,
    mistake=("factor",),
    bad=("W1", "b1", "W2", "b2"),
    line="ds[np.arange(n), y] -= 1",
)
def not_divided(params: Params, x: Array, y: Array) -> Returned:
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    n = x.shape[0]
    h = np.maximum(0, x @ W1 + b1)
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(n), y]).mean()
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    dh = ds @ W2.T
    dh[h <= 0] = 0
    grads = {"W1": x.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ ds, "b2": ds.sum(axis=0)}
    return loss, grads


@wrong(
    "two layers with tanh: its slope at the pre-activation",
    ({"W1": (4, 6), "b1": (6,), "W2": (6, 2), "b2": (2,)}, (5, 4), (5, 2)),
    mistake=("other-tensor", "wrong-place"),
    bad=("W1", "b1"),
    line='dz1 = (out - Y).dot(params["W2"].T) * (1 - z1**2)',
    words=("z1",),
)
def slope_of_z(params: Params, X: Array, Y: Array) -> Returned:
    z1 = X.dot(params["W1"]) + params["b1"]
    a1 = np.tanh(z1)
    out = a1.dot(params["W2"]) + params["b2"]
    dz1 = (out - Y).dot(params["W2"].T) * (1 - z1**2)
    grads = {
        "dW2": a1.T.dot(out - Y),
        "db2": np.sum(out - Y, axis=0),
        "dW1": X.T.dot(dz1),
        "db1": np.sum(dz1, axis=0),
    }
    return 0.5 * np.sum((out - Y) ** 2), grads


@wrong(
    "hinge loss by loops: the penalty's slope without its 2",
    REGULARISED,
    mistake=("term-factor", "factor", "forgotten-use", "left-out", "extra-term"),
    bad=("W",),
    line="dW = dW / X.shape[0] + reg * W",
)
def svm_without_two(W: Array, X: Array, y: Array, reg: float) -> Returned:
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - scores[y[i]] + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss = loss / X.shape[0] + reg * np.sum(W * W)
    dW = dW / X.shape[0] + reg * W
    return loss, dW


@wrong(
    "hinge loss by loops: the right class's column forgotten",
    REGULARISED,
    mistake=("left-out", "forgotten-use", "forgotten-path"),
    bad=("W",),
)
def svm_without_right_class(W: Array, X: Array, y: Array, reg: float) -> Returned:
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            margin = scores[j] - scores[y[i]] + 1
            if j != y[i] and margin > 0:
                loss += margin
                dW[:, j] += X[i]
    return loss / X.shape[0] + reg * np.sum(W * W), dW / X.shape[0] + 2 * reg * W


@wrong(
    "softmax loss: one is never taken from the right class",
    REGULARISED,
    mistake=("left-out", "forgotten-use", "forgotten-path"),
    bad=("W",),
    line="return loss, X.T.dot(p) / n + reg * W",
)
def softmax_without_one_hot(W: Array, X: Array, y: Array, reg: float) -> Returned:
    n = len(X)
    p = softmax(X.dot(W))
    loss = np.sum(-np.log(p[range(n), y])) / n + 0.5 * reg * np.sum(W**2)
    return loss, X.T.dot(p) / n + reg * W


@wrong(
    "softmax loss: the penalty forgotten",
    REGULARISED,
    mistake=("left-out", "forgotten-use", "forgotten-path", "forward-option", "extra-term"),
    bad=("W",),
    line="return loss, X.T.dot(p) / n",
)
def softmax_without_penalty(W: Array, X: Array, y: Array, reg: float) -> Returned:
    n = len(X)
    p = softmax(X.dot(W))
    loss = np.sum(-np.log(p[range(n), y])) / n + 0.5 * reg * np.sum(W**2)
    p[range(n), y] -= 1
    return loss, X.T.dot(p) / n


@wrong(
    "logistic loss: the bias summed, not averaged",
    BINARY,
    mistake=("factor",),
    bad=("b",),
    line="db = np.sum(p - y)",
)
def logistic_summed(w: Array, b: Array, X: Array, y: Array) -> Returned:
    p = expit(X @ w + b)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dw = X.T @ (p - y) / len(y)
    db = np.sum(p - y)
    return loss, dw, db


@wrong(
    "logistic cost, gradients first: the sigmoid's slope counted twice",
    BINARY,
    mistake=("slope-twice", "extra-factor", "times", "left-out", "forward-option"),
    bad=("w", "b"),
    line="dz = (A - Y) * A * (1 - A)",
)
def propagate_squared(w: Array, b: Array, X: Array, Y: Array) -> Returned:
    m = X.shape[0]
    A = 1 / (1 + np.exp(-(np.dot(X, w) + b)))
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dz = (A - Y) * A * (1 - A)
    return {"dw": np.dot(X.T, dz) / m, "db": np.sum(dz) / m}, cost
