"""Wrong derivations of similarities, losses and word vectors in NumPy from their inputs, without a cache."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import (
    LABELS,
    SIGNS,
    TOKENS,
    Array,
    bilinear,
    contrastive_loss,
    cosine_similarity,
    focal_loss,
    hinge_loss,
    huber_loss,
    info_nce,
    kl_divergence,
    mean_embedding,
    multiclass_hinge,
    softmax,
)

NUMPY_FUNCTIONS_WRONG_LOSSES = NamedForm()
wrong = NUMPY_FUNCTIONS_WRONG_LOSSES.wrong
Gradients = Any


@wrong(
    "cosine similarity in NumPy: divided by the other's length",
    ((5, 4), (5, 4)),
    cosine_similarity,
    mistake=("other-tensor",),
    bad=("a", "b"),
    line="da = g * (b / (na * nb) - cos * a / nb**2)",
    words=("nb",),
)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    na = np.linalg.norm(a, axis=1)[:, None]
    nb = np.linalg.norm(b, axis=1)[:, None]
    cos = np.sum(a * b, axis=1)[:, None] / (na * nb)
    g = dout[:, None]
    da = g * (b / (na * nb) - cos * a / nb**2)
    db = g * (a / (na * nb) - cos * b / na**2)
    return da, db


@wrong(
    "Huber loss in NumPy: clipped at one",
    ((5, 3), (5, 3)),
    huber_loss,
    mistake=("forward-option", "one-case", "other-number", "region"),
    bad=("pred", "target"),
    line="d = dout * np.clip(pred - target, -1, 1) / pred.size",
    words=("0.7",),
)
def _(dout: Array, pred: Array, target: Array) -> Gradients:
    d = dout * np.clip(pred - target, -1, 1) / pred.size
    return d, -d


@wrong(
    "Huber loss in NumPy: the mean over the rows only",
    ((5, 3), (5, 3)),
    huber_loss,
    mistake=("factor", "term-factor"),
    bad=("pred", "target"),
    line="d = dout * np.where(np.abs(r) <= 0.7, r, 0.7 * np.sign(r)) / len(r)",
)
def _(dout: Array, pred: Array, target: Array) -> Gradients:
    r = pred - target
    d = dout * np.where(np.abs(r) <= 0.7, r, 0.7 * np.sign(r)) / len(r)
    return d, -d


@wrong(
    "focal loss in NumPy: its weight as a constant",
    ((5, 3),),
    focal_loss,
    mistake=("forgotten-use", "left-out", "forgotten-path"),
    bad=("z",),
    line="dp = -((1 - p) ** 2) / p",
)
def _(dout: Array, z: Array) -> Gradients:
    p = expit(z)
    dp = -((1 - p) ** 2) / p
    return dout * dp * p * (1 - p)


@wrong(
    "hinge loss in NumPy: margins that are kept count too",
    ((7,), np.array([1, -1, -1, 1, 1, -1, 1])),
    hinge_loss,
    mistake=("local-derivative", "one-case", "left-out", "more-entries"),
    bad=("scores",),
    line="return -dout * y / len(y)",
)
def _(dout: Array, scores: Array, y: Array) -> Gradients:
    return -dout * y / len(y)


@wrong(
    "hinge loss in NumPy: without its labels",
    ((5,), SIGNS),
    hinge_loss,
    mistake=("left-out", "local-derivative", "sign", "other-tensor"),
    bad=("scores",),
    line="return -dout * violated / len(y)",
)
def _(dout: Array, scores: Array, y: Array) -> Gradients:
    violated = 1 - y * scores > 0
    return -dout * violated / len(y)


@wrong(
    "hinge loss of classes: the right class moves by one",
    ((5, 3), LABELS),
    multiclass_hinge,
    mistake=("more-entries", "not-summed", "left-out", "one-case", "some-rows", "region"),
    bad=("scores",),
    line="dscores[np.arange(5), y] = -1",
)
def _(dout: Array, scores: Array, y: Array) -> Gradients:
    correct = scores[np.arange(5), y].reshape(-1, 1)
    dscores = (scores - correct + 1 > 0).astype(float)
    dscores[np.arange(5), y] = -1
    return dout * dscores / 5


@wrong(
    "contrastive loss of pairs: pushed by the squared distance",
    ((5, 4), (5, 4), np.array([1, 0, 0, 1, 0])),
    contrastive_loss,
    mistake=("left-out", "local-derivative", "region"),
    bad=("a", "b"),
    line="push = (1 - same) * np.maximum(0, 2.0 - d)",
)
def _(dout: Array, a: Array, b: Array, same: Array) -> Gradients:
    diff = a - b
    d = np.sqrt(np.sum(diff**2, axis=1))
    push = (1 - same) * np.maximum(0, 2.0 - d)
    da = dout * (same - push)[:, np.newaxis] * diff / len(same)
    return da, -da


@wrong(
    "contrastive loss of a batch: the logits' gradient not transposed",
    ((5, 4), (5, 4)),
    info_nce,
    mistake=("transposed", "jacobian-transposed"),
    bad=("b",),
    line="db = dlogits @ a / 0.5",
)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    dlogits = dout * (softmax(a @ b.T / 0.5) - np.eye(5)) / 5
    da = dlogits @ b / 0.5
    db = dlogits @ a / 0.5
    return da, db


@wrong(
    "divergence in NumPy: p's own way through the mean",
    ((5, 3), (5, 3)),
    kl_divergence,
    mistake=("forgotten-use", "left-out", "forgotten-path", "diagonal-only", "local-derivative"),
    bad=("p_logits",),
    line="dp = dout * p * ratio / len(p)",
)
def _(dout: Array, p_logits: Array, q_logits: Array) -> Gradients:
    p, q = softmax(p_logits), softmax(q_logits)
    ratio = np.log(p / q)
    dp = dout * p * ratio / len(p)
    return dp, dout * (q - p) / len(p)


@wrong(
    "mean of word vectors: assigned where words come twice",
    (TOKENS, (5, 4)),
    mean_embedding,
    mistake=("assigned", "forgotten-use"),
    bad=("E",),
    line="dE[row] += dout[i] / 3",
)
def _(dout: Array, tokens: Array, E: Array) -> Gradients:
    dE = np.zeros_like(E)
    for i, row in enumerate(tokens):
        dE[row] += dout[i] / 3
    return dE


@wrong(
    "mean of word vectors: not divided by their number",
    (TOKENS, (5, 4)),
    mean_embedding,
    mistake=("factor",),
    bad=("E",),
    line="np.add.at(dE, tokens, dout[:, None, :])",
)
def _(dout: Array, tokens: Array, E: Array) -> Gradients:
    dE = np.zeros_like(E)
    np.add.at(dE, tokens, dout[:, None, :])
    return dE


@wrong(
    "bilinear form in NumPy: its matrix transposed",
    ((5, 4), (4, 4), (5, 4)),
    bilinear,
    mistake=("transposed", "jacobian-transposed"),
    bad=("A",),
    line="dA = (dout[:, None] * y).T.dot(x)",
)
def _(dout: Array, x: Array, A: Array, y: Array) -> Gradients:
    dx = dout[:, None] * y.dot(A.T)
    dA = (dout[:, None] * y).T.dot(x)
    dy = dout[:, None] * x.dot(A)
    return dx, dA, dy
