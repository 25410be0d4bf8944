"""Losses in NumPy that return their gradient too, right and wrong."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, NamedForm
from tests.verify.gallery.numpy_layers import Array

NUMPY_LOSSES_RIGHT = NamedForm()
NUMPY_LOSSES_WRONG = NamedForm()
right, wrong = NUMPY_LOSSES_RIGHT.right, NUMPY_LOSSES_WRONG.wrong
SCORES = ((5, 3), np.array([0, 2, 1, 1, 0]))
SENTENCES = (
    (2, 3, 5),
    np.array([[1, 0, 4], [3, 3, 2]]),
    np.array([[True, True, False], [True, True, True]]),
)
LossAndGradient = tuple[Array, Array]


@right("softmax loss", SCORES)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    p = np.exp(x - np.max(x, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(N), y])) / N
    dx = p.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


@right("softmax loss by logarithms", SCORES)
def _(x: Array, y: Array) -> LossAndGradient:
    N, C = x.shape
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[range(N), y].mean()
    dx = (np.exp(log_p) - np.eye(C)[y]) / N
    return loss, dx


@right("hinge loss of classes", SCORES)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= np.sum(margins > 0, axis=1)
    dx /= N
    return loss, dx


@right("hinge loss of classes by loops", SCORES)
def _(x: Array, y: Array) -> LossAndGradient:
    loss = 0.0
    dx = np.zeros(x.shape)
    N, C = x.shape
    for n in range(N):
        for c in range(C):
            if c == y[n]:
                continue
            margin = x[n, c] - x[n, y[n]] + 1
            if margin > 0:
                loss += margin
                dx[n, c] += 1
                dx[n, y[n]] -= 1
    return loss / N, dx / N


@right("softmax loss of sentences with a mask", SENTENCES)
def _(x: Array, y: Array, mask: Array) -> LossAndGradient:
    N, T, V = x.shape
    flat, labels, counts = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    p = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(counts * np.log(p[np.arange(N * T), labels])) / N
    dflat = p.copy()
    dflat[np.arange(N * T), labels] -= 1
    dflat /= N
    dflat *= counts[:, None]
    return loss, dflat.reshape(N, T, V)


@wrong(
    "softmax loss: minus one at the label left out",
    SCORES,
    mistake=LEFT_OUT_NAMES,
    bad=("x",),
    line="dx = p / N",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    p = np.exp(x - np.max(x, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(N), y])) / N
    dx = p / N
    return loss, dx


@wrong("softmax loss: not divided by the batch", SCORES, mistake=("factor", "left-out"), bad=("x",))
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    p = np.exp(x - np.max(x, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(N), y])) / N
    dx = p.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx


@wrong("softmax loss: labels minus probabilities", SCORES, mistake="sign", bad=("x",))
def _(x: Array, y: Array) -> LossAndGradient:
    N, C = x.shape
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[range(N), y].mean()
    dx = (np.eye(C)[y] - np.exp(log_p)) / N
    return loss, dx


@wrong(
    "softmax loss: probabilities over the batch",
    SCORES,
    mistake=("other-dimension", "wrong-dimension", "forward-option"),
    bad=("x",),
    line="dx = e / e.sum(axis=0)",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    e = np.exp(x)
    loss = np.mean(np.log(e.sum(axis=1)) - x[np.arange(N), y])
    dx = e / e.sum(axis=0)
    dx[np.arange(N), y] -= 1
    return loss, dx / N


@wrong(
    "softmax loss: minus one before the division by the sum",
    SCORES,
    mistake=("slope-twice", "twice"),
    bad=("x",),
    line="dx[np.arange(N), y] -= 1",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    e = np.exp(x - x.max(axis=1, keepdims=True))
    total = e.sum(axis=1, keepdims=True)
    loss = -np.log(e[np.arange(N), y] / total[:, 0]).mean()
    dx = e.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx / total / N


@wrong(
    "hinge loss: the label's share left out",
    SCORES,
    mistake=(*LEFT_OUT_NAMES, "some-rows"),
    bad=("x",),
    line="dx[margins > 0] = 1",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx /= N
    return loss, dx


@wrong(
    "hinge loss: the label's share counted once",
    SCORES,
    mistake=("not-summed", "left-out", "other-number", "some-rows"),
    bad=("x",),
    line="dx[np.arange(N), y] -= 1",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    dx = (margins > 0).astype(float)
    dx[np.arange(N), y] -= 1
    return loss, dx / N


@wrong("hinge loss: not divided by the batch", SCORES, mistake=("factor", "left-out"), bad=("x",))
def _(x: Array, y: Array) -> LossAndGradient:
    loss = 0.0
    dx = np.zeros(x.shape)
    N, C = x.shape
    for n in range(N):
        for c in range(C):
            margin = x[n, c] - x[n, y[n]] + 1
            if c != y[n] and margin > 0:
                loss += margin
                dx[n, c] += 1
                dx[n, y[n]] -= 1
    return loss / N, dx


@wrong(
    "hinge loss: the margin left out of the comparison",
    SCORES,
    mistake=("forward-option", "other-number"),
    bad=("x",),
    line="over = (x > correct).astype(float)",
)
def _(x: Array, y: Array) -> LossAndGradient:
    N = x.shape[0]
    rows = np.arange(N)
    correct = x[rows, y].reshape(N, 1)
    margins = np.maximum(0, x - correct + 1)
    margins[rows, y] = 0
    over = (x > correct).astype(float)
    over[rows, y] = -over.sum(axis=1)
    return margins.sum() / N, over / N


@wrong(
    "softmax loss of sentences: no mask on the way back",
    SENTENCES,
    mistake=("left-out", "more-entries", "forward-option", "local-derivative"),
    bad=("x",),
    words=("mask",),
)
def _(x: Array, y: Array, mask: Array) -> LossAndGradient:
    N, T, V = x.shape
    flat, labels, counts = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    p = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(counts * np.log(p[np.arange(N * T), labels])) / N
    dflat = p.copy()
    dflat[np.arange(N * T), labels] -= 1
    dflat /= N
    return loss, dflat.reshape(N, T, V)


@wrong(
    "softmax loss of sentences: divided by the words",
    SENTENCES,
    mistake=("factor", "forward-option"),
    bad=("x",),
    line="dflat /= N * T",
)
def _(x: Array, y: Array, mask: Array) -> LossAndGradient:
    N, T, V = x.shape
    flat, labels, counts = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    p = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(counts * np.log(p[np.arange(N * T), labels])) / N
    dflat = p.copy()
    dflat[np.arange(N * T), labels] -= 1
    dflat /= N * T
    dflat *= counts[:, None]
    return loss, dflat.reshape(N, T, V)
