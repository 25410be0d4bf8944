"""Right derivations of NumPy functions from their inputs, without a cache."""

from typing import Any

import numpy as np
from scipy.special import erf, expit

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
    log_softmax,
    logsumexp,
    mean_embedding,
    multiclass_hinge,
    normalize_rows,
    rms_norm,
    softmax,
)

NUMPY_FUNCTIONS_RIGHT = NamedForm()
right = NUMPY_FUNCTIONS_RIGHT.right
Gradients = Any


@right("softmax by its Jacobian, row by row", ((5, 3),), softmax)
def _(dout: Array, x: Array) -> Gradients:
    s = softmax(x)
    dx = np.zeros_like(x)
    for i in range(x.shape[0]):
        J = np.diag(s[i]) - np.outer(s[i], s[i])
        dx[i] = J.dot(dout[i])
    return dx


@right("log-softmax", ((5, 3),), log_softmax)
def _(dout: Array, x: Array) -> Gradients:
    return dout - softmax(x) * dout.sum(axis=1, keepdims=True)


@right("log-sum-exp by the exponential of a difference", ((5, 3),), logsumexp)
def _(dout: Array, x: Array) -> Gradients:
    return dout[:, np.newaxis] * np.exp(x - logsumexp(x)[:, np.newaxis])


@right("gelu by the error function", ((5, 3),), lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))))
def _(dout: Array, x: Array) -> Gradients:
    cdf = 0.5 * (1 + erf(x / np.sqrt(2)))
    pdf = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    return dout * (cdf + x * pdf)


@right("softplus", ((5, 3),), lambda x: np.log1p(np.exp(x)))
def _(dout: Array, x: Array) -> Gradients:
    return dout / (1 + np.exp(-x))


@right("softplus by logaddexp", ((5, 3),), lambda x: np.logaddexp(0, x))
def _(dout: Array, x: Array) -> Gradients:
    return dout * expit(x)


@right("silu", ((5, 3),), lambda x: x * expit(x))
def _(dout: Array, x: Array) -> Gradients:
    s = expit(x)
    return dout * (s + x * s * (1 - s))


@right("elu by np.where", ((5, 3),), lambda x: np.where(x > 0, x, 1.5 * (np.exp(x) - 1)))
def _(dout: Array, x: Array) -> Gradients:
    dx = dout.copy()
    dx[x <= 0] *= 1.5 * np.exp(x[x <= 0])
    return dx


@right("RMS norm", ((5, 7), (7,)), rms_norm)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    r = 1 / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-3)
    dxhat = dout * w
    dx = r * dxhat - r**3 * x * np.mean(dxhat * x, axis=1, keepdims=True)
    return dx, np.sum(dout * x * r, axis=0)


@right("rows of length one", ((5, 3),), normalize_rows)
def _(dout: Array, x: Array) -> Gradients:
    n = np.linalg.norm(x, axis=1, keepdims=True)
    y = x / n
    return (dout - y * np.sum(dout * y, axis=1, keepdims=True)) / n


@right("cosine similarity", ((5, 4), (5, 4)), cosine_similarity)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    na = np.linalg.norm(a, axis=1)[:, None]
    nb = np.linalg.norm(b, axis=1)[:, None]
    cos = np.sum(a * b, axis=1)[:, None] / (na * nb)
    g = dout[:, None]
    return g * (b / (na * nb) - cos * a / na**2), g * (a / (na * nb) - cos * b / nb**2)


@right("Huber loss by np.clip", ((5, 3), (5, 3)), huber_loss)
def _(dout: Array, pred: Array, target: Array) -> Gradients:
    d = dout * np.clip(pred - target, -0.7, 0.7) / pred.size
    return d, -d


@right("focal loss", ((5, 3),), focal_loss)
def _(dout: Array, z: Array) -> Gradients:
    p = expit(z)
    dp = 2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p
    return dout * dp * p * (1 - p)


@right("hinge loss with labels", ((5,), SIGNS), hinge_loss)
def _(dout: Array, scores: Array, y: Array) -> Gradients:
    violated = 1 - y * scores > 0
    return -dout * y * violated / len(y)


@right("hinge loss of classes, example by example", ((5, 3), LABELS), multiclass_hinge)
def _(dout: Array, scores: Array, y: Array) -> Gradients:
    dscores = np.zeros_like(scores)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            if j != y[i] and scores[i, j] - scores[i, y[i]] + 1 > 0:
                dscores[i, j] += 1
                dscores[i, y[i]] -= 1
    return dout * dscores / scores.shape[0]


@right("contrastive loss of pairs", ((5, 4), (5, 4), np.array([1, 0, 0, 1, 0])), contrastive_loss)
def _(dout: Array, a: Array, b: Array, same: Array) -> Gradients:
    diff = a - b
    d = np.sqrt(np.sum(diff**2, axis=1))
    push = (1 - same) * np.maximum(0, 2.0 - d) / d
    da = dout * (same - push)[:, np.newaxis] * diff / len(same)
    return da, -da


@right("contrastive loss of a batch", ((5, 4), (5, 4)), info_nce)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    n = len(a)
    dlogits = dout * (softmax(a @ b.T / 0.5) - np.eye(n)) / n
    return dlogits @ b / 0.5, dlogits.T @ a / 0.5


@right("divergence of two softmaxes", ((5, 3), (5, 3)), kl_divergence)
def _(dout: Array, p_logits: Array, q_logits: Array) -> Gradients:
    p, q = softmax(p_logits), softmax(q_logits)
    ratio = np.log(p / q)
    kl = np.sum(p * ratio, axis=1, keepdims=True)
    return dout * p * (ratio - kl) / len(p), dout * (q - p) / len(p)


@right("mean of word vectors by np.add.at", (TOKENS, (5, 4)), mean_embedding)
def _(dout: Array, tokens: Array, E: Array) -> Gradients:
    dE = np.zeros_like(E)
    np.add.at(dE, tokens, np.repeat(dout[:, None, :], tokens.shape[1], axis=1) / tokens.shape[1])
    return dE


@right("bilinear form", ((5, 3), (3, 4), (5, 4)), bilinear)
def _(dout: Array, x: Array, A: Array, y: Array) -> Gradients:
    dx = dout[:, None] * y.dot(A.T)
    dA = (dout[:, None] * x).T.dot(y)
    dy = dout[:, None] * x.dot(A)
    return [dx, dA, dy]
