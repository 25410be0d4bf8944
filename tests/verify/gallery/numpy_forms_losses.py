"""Losses in NumPy that return their gradients beside them."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import LABELS, SIGNS, Array, softmax

NUMPY_FORMS_LOSSES = NamedForm()
right = NUMPY_FORMS_LOSSES.right
Params = dict[str, Array]
Returned = tuple[Any, ...]

TWO_LAYERS = ({"W1": (4, 6), "b1": (6,), "W2": (6, 3), "b2": (3,)}, (5, 4), LABELS)
REGULARISED = ((4, 3), (5, 4), LABELS, 0.3)
BINARY = ((4,), (), (5, 4), (SIGNS + 1) // 2)


@right("two layers, gradients by the names of the parameters", TWO_LAYERS)
def two_layer_loss(params: Params, x: Array, y: Array) -> Returned:
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    n = x.shape[0]
    h = np.maximum(0, x @ W1 + b1)
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(n), y]).mean()
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    ds /= n
    dh = ds @ W2.T
    dh[h <= 0] = 0
    grads = {"W1": x.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ ds, "b2": ds.sum(axis=0)}
    return loss, grads


@right(
    "two layers with tanh, gradients named dW1",
    ({"W1": (4, 6), "b1": (6,), "W2": (6, 2), "b2": (2,)}, (5, 4), (5, 2)),
)
def tanh_loss(params: Params, X: Array, Y: Array) -> Returned:
    a1 = np.tanh(X.dot(params["W1"]) + params["b1"])
    out = a1.dot(params["W2"]) + params["b2"]
    loss = 0.5 * np.sum((out - Y) ** 2)
    grads = {}
    grads["dW2"] = a1.T.dot(out - Y)
    grads["db2"] = np.sum(out - Y, axis=0)
    dz1 = (out - Y).dot(params["W2"].T) * (1 - a1**2)
    grads["dW1"] = X.T.dot(dz1)
    grads["db1"] = np.sum(dz1, axis=0)
    return loss, grads


@right("hinge loss by loops, the gradient of W alone", REGULARISED)
def svm_loss_naive(W: Array, X: Array, y: Array, reg: float) -> Returned:
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
    dW = dW / X.shape[0] + 2 * reg * W
    return loss, dW


@right("softmax loss, the gradient of W alone", REGULARISED)
def softmax_loss_vectorized(W: Array, X: Array, y: Array, reg: float) -> Returned:
    n = len(X)
    scores = X.dot(W)
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = np.sum(-np.log(p[range(n), y])) / n + 0.5 * reg * np.sum(W**2)
    p[range(n), y] -= 1
    return loss, X.T.dot(p) / n + reg * W


@right("logistic loss with two gradients", BINARY)
def logistic_loss(w: Array, b: Array, X: Array, y: Array) -> Returned:
    p = expit(X @ w + b)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dw = X.T @ (p - y) / len(y)
    db = np.mean(p - y)
    return loss, dw, db


@right("logistic cost, gradients first", BINARY)
def propagate(w: Array, b: Array, X: Array, Y: Array) -> Returned:
    m = X.shape[0]
    A = 1 / (1 + np.exp(-(np.dot(X, w) + b)))
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X.T, A - Y)
    db = 1 / m * np.sum(A - Y)
    grads = {"dw": dw, "db": db}
    return grads, cost


@right("linear regression by named arguments", {"theta": (4,), "X": (5, 4), "y": (5,), "lam": 0.1})
def ridge(theta: Array, X: Array, y: Array, lam: float = 0.0) -> Returned:
    r = X @ theta - y
    return r @ r / 2 + lam / 2 * theta @ theta, X.T @ r + lam * theta
