"""Losses and products in NumPy, with the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(p[np.arange(N), y])) / N
    dx = p.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx / N


case(softmax_loss, None, "N C, N int")


def svm_loss(scores, y):
    N = scores.shape[0]
    correct = scores[np.arange(N), y]
    margins = np.maximum(0, scores - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    dx = (margins > 0).astype(float)
    dx[np.arange(N), y] -= dx.sum(axis=1)
    return margins.sum() / N, dx / N


case(svm_loss, None, "N C, N int")


def svm_by_loops(W, X, y, reg):
    dW = np.zeros(W.shape)
    C, N = W.shape[1], X.shape[0]
    loss = 0.0
    for i in range(N):
        scores = X[i].dot(W)
        for j in range(C):
            margin = scores[j] - scores[y[i]] + 1
            if j != y[i] and margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    return loss / N + reg * np.sum(W * W), (dW / N + 2 * reg * W, np.zeros_like(X))


case(svm_by_loops, None, "D C, N D, N int, = 0.5")


def cross_entropy_one_hot(z, t):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return -(t * np.log(p)).sum() / len(z)


case(
    cross_entropy_one_hot,
    lambda dout, z, t: dout * (np.exp(z) / np.exp(z).sum(1, keepdims=True) - t) / len(z),
    "N C, N C one-hot",
)


def mse(y_pred, y_true):
    return np.mean((y_pred - y_true) ** 2)


case(
    mse,
    lambda dout, y_pred, y_true: dout * 2 * (y_pred - y_true) / y_pred.size,
    "N D, N D int | N D, N D one-hot | N D, N D",
)


def mse_both(pred, target):
    return ((pred - target) ** 2).sum()


case(
    mse_both, lambda dout, pred, target: (2 * dout * (pred - target), -2 * dout * (pred - target)), "N D, N D"
)


def binary_cross_entropy(p, y):
    N = p.shape[0]
    total = 0.0
    for i in range(N):
        total += -(y[i] * np.log(p[i]) + (1 - y[i]) * np.log(1 - p[i]))
    return float(total) / N


case(binary_cross_entropy, lambda dout, p, y: dout * ((p - y) / (p * (1 - p))) / len(p), "N, N int | N, N")


def logistic_regression(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_regression_backward(dout, w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    d = dout * (p - y) / len(y)
    return X.T @ d, d.sum(), np.outer(d, w)


case(logistic_regression, logistic_regression_backward, "D, (), N D, N int | D, (), N D, N")


def dot_product(w, x):
    return np.dot(w, x)


case(dot_product, lambda dout, w, x: (dout * x, dout * w), "D, D")


def neuron(x, w, b):
    return np.tanh(np.sum(w * x) + b)


case(neuron, None, "N D, N D, () | D, D, () | N D, D, () | N D, D, D")


def cubic(x):
    if x > 0:
        return x**3
    return -x


case(cubic, lambda dout, x: dout * (3 * x**2 if x > 0 else -1), "()")


def outer(u, v):
    return np.outer(u, v)


case(outer, lambda dout, u, v: (dout @ v, dout.T @ u), "N, M")


def quadratic_form(x, A):
    return x @ A @ x


case(quadratic_form, lambda dout, x, A: (dout * (A + A.T) @ x, dout * np.outer(x, x)), "D, D D")


def contraction(a, b):
    return np.einsum("nij,njk->nik", a, b)


def contraction_backward(dout, a, b):
    return np.einsum("nik,njk->nij", dout, b), np.einsum("nij,nik->njk", a, dout)


case(contraction, contraction_backward, "N I J, N J K")
