"""Wrong derivations of distances, experts and models in NumPy, and some with a cache."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import (
    CENTERS,
    CONTEXTS,
    NEGATIVES,
    Array,
    gaussian_log_likelihood,
    logistic_regression,
    mixture_of_experts,
    negative_sampling,
    pairwise_distances,
    polynomial,
    projection_loss,
    ridge_loss,
    softmax,
)
from tests.verify.gallery.numpy_functions_right_layers import (
    attention_forward,
    rms_norm_forward,
    softmax_with_cache,
)

NUMPY_FUNCTIONS_WRONG_MODELS = NamedForm()
wrong = NUMPY_FUNCTIONS_WRONG_MODELS.wrong
Gradients = Any


@wrong(
    "squared distances in NumPy: the sign of the second",
    ((5, 3), (4, 3)),
    pairwise_distances,
    mistake=("sign", "term-sign"),
    bad=("b",),
    line="db = d.sum(axis=0)",
)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    d = 2 * dout[:, :, None] * (a[:, None, :] - b[None, :, :])
    da = d.sum(axis=1)
    db = d.sum(axis=0)
    return da, db


@wrong(
    "squared distances in NumPy: the product without its 2",
    ((5, 3), (4, 3)),
    pairwise_distances,
    mistake=("term-factor", "factor", "forward-option"),
    bad=("a",),
    line="da = 2 * dout.sum(axis=1, keepdims=True) * a - dout @ b",
)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    da = 2 * dout.sum(axis=1, keepdims=True) * a - dout @ b
    db = 2 * dout.sum(axis=0)[:, None] * b - 2 * dout.T @ a
    return da, db


@wrong(
    "mixture of experts in NumPy: the gate's way to the input left out",
    ((5, 3), (3, 4), (4, 3, 2)),
    mixture_of_experts,
    mistake=("left-out", "forgotten-path", "forgotten-use"),
    bad=("x",),
    line='dx = np.einsum("nmk,mdk->nd", da, E)',
)
def _(dout: Array, x: Array, G: Array, E: Array) -> Gradients:
    gates = softmax(x @ G)
    outs = np.tanh(np.einsum("nd,mdk->nmk", x, E))
    dgates = np.einsum("nk,nmk->nm", dout, outs)
    dz = gates * (dgates - np.sum(gates * dgates, axis=1, keepdims=True))
    da = gates[:, :, None] * dout[:, None, :] * (1 - outs**2)
    dx = np.einsum("nmk,mdk->nd", da, E)
    return dx, x.T @ dz, np.einsum("nd,nmk->mdk", x, da)


@wrong(
    "projection in NumPy: the way through the columns left out",
    ((5, 4), (4, 2)),
    projection_loss,
    mistake=("left-out", "forgotten-use", "forgotten-path"),
    bad=("x",),
    line="dx = r - r.mean(axis=0)",
)
def _(dout: Array, x: Array, V: Array) -> Gradients:
    c = x - x.mean(axis=0)
    r = dout * (c - c @ V @ V.T)
    dx = r - r.mean(axis=0)
    dV = -(c.T @ r + r.T @ c) @ V
    return dx, dV


@wrong(
    "projection in NumPy: the second use of its columns",
    ((5, 4), (4, 2)),
    projection_loss,
    mistake=("forgotten-use", "left-out", "forgotten-path"),
    bad=("V",),
    line="dV = -r.T @ c @ V",
)
def _(dout: Array, x: Array, V: Array) -> Gradients:
    c = x - x.mean(axis=0)
    r = dout * (c - c @ V @ V.T)
    dc = r - r @ V @ V.T
    dV = -r.T @ c @ V
    return dc - dc.mean(axis=0), dV


@wrong(
    "polynomial features in NumPy: the cube's slope",
    ((6,), (4,)),
    polynomial,
    mistake=("term-factor", "factor", "other-number"),
    bad=("x",),
    line="dx = dout * (w[1] + 2 * w[2] * x + 2 * w[3] * x**2)",
)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    dx = dout * (w[1] + 2 * w[2] * x + 2 * w[3] * x**2)
    return dx, np.vander(x, 4, increasing=True).T @ dout


@wrong(
    "Gaussian log-likelihood in NumPy: σ in place of its logarithm",
    ((7,), (), ()),
    gaussian_log_likelihood,
    mistake=("left-out", "local-derivative", "times", "slope-inverted"),
    bad=("log_sigma",),
    line="dlog_sigma = dout * np.sum((z**2 - 1) / sigma)",
)
def _(dout: Array, x: Array, mu: Array, log_sigma: Array) -> Gradients:
    sigma = np.exp(log_sigma)
    z = (x - mu) / sigma
    dlog_sigma = dout * np.sum((z**2 - 1) / sigma)
    return -dout * z / sigma, dout * np.sum(z) / sigma, dlog_sigma


@wrong(
    "Gaussian log-likelihood in NumPy: the mean's gradient not summed",
    ((7,), (), ()),
    gaussian_log_likelihood,
    mistake=("not-summed", "swapped"),
    bad=("mu",),
    line="dmu = dout * z / sigma",
)
def _(dout: Array, x: Array, mu: Array, log_sigma: Array) -> Gradients:
    sigma = np.exp(log_sigma)
    z = (x - mu) / sigma
    dmu = dout * z / sigma
    return -dmu, dmu, dout * np.sum(z**2 - 1)


@wrong(
    "logistic regression in NumPy: labels minus probabilities",
    ((3,), (), (5, 3), np.array([0, 1, 1, 0, 1])),
    logistic_regression,
    mistake=("sign", "term-sign"),
    bad=("w", "b", "X"),
    line="dz = dout * (y - expit(X @ w + b)) / len(y)",
)
def _(dout: Array, w: Array, b: Array, X: Array, y: Array) -> Gradients:
    dz = dout * (y - expit(X @ w + b)) / len(y)
    return X.T @ dz, np.sum(dz), np.outer(dz, w)


@wrong(
    "ridge regression in NumPy: the penalty forgotten",
    ((3,), (5, 3), (5,)),
    ridge_loss,
    mistake=("left-out", "forgotten-use", "forgotten-path", "forward-option", "extra-term"),
    bad=("w",),
    line="dw = X.T @ dr",
)
def _(dout: Array, w: Array, X: Array, y: Array) -> Gradients:
    dr = dout * 2 * (X @ w - y) / len(y)
    dw = X.T @ dr
    return dw, np.outer(dr, w), -dr


@wrong(
    "word vectors in NumPy: the gradient of a context assigned",
    ((5, 3), (5, 3)),
    negative_sampling,
    mistake=("assigned", "forgotten-use"),
    bad=("U",),
    line="dU[o] = g * v",
)
def _(dout: Array, V: Array, U: Array) -> Gradients:
    dV, dU = np.zeros_like(V), np.zeros_like(U)
    for c, o, negatives in zip(CENTERS, CONTEXTS, NEGATIVES, strict=True):
        v = V[c]
        g = dout * (expit(v @ U[o]) - 1)
        dV[c] += g * U[o]
        dU[o] = g * v
        for k in negatives:
            g = dout * expit(v @ U[k])
            dV[c] += g * U[k]
            dU[k] += g * v
    return dV, dU


@wrong(
    "softmax in NumPy with a cache: the upstream ignored",
    ((5, 3),),
    softmax_with_cache,
    mistake=("upstream-ignored", "value-for-slope", "left-out", "not-linear"),
    bad=("x",),
    line="return cache * (1 - cache)",
)
def _(dout: Array, cache: Array) -> Gradients:
    return cache * (1 - cache)


@wrong(
    "attention in NumPy with a cache: keys and queries exchanged",
    ((5, 4), (5, 4), (5, 3)),
    attention_forward,
    mistake=("other-tensor", "swapped", "transposed"),
    bad=("Q", "K"),
    line='"dQ": ds @ Q, "dK": ds.T @ K',
)
def _(dout: Array, cache: dict[str, Array]) -> Gradients:
    Q, K, V, p = cache["Q"], cache["K"], cache["V"], cache["p"]
    dp = dout @ V.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(Q.shape[1])
    return {"dQ": ds @ Q, "dK": ds.T @ K, "dV": p.T @ dout}


@wrong(
    "RMS norm in NumPy with a cache: γ forgotten on the way to x",
    ((5, 7), (7,)),
    rms_norm_forward,
    mistake=("left-out", "local-derivative", "forgotten-use"),
    bad=("x",),
    line="dx = (dout - xhat * (dout * xhat).mean(axis=-1, keepdims=True)) / rms",
)
def _(dout: Array, cache: tuple[Array, ...]) -> Gradients:
    xhat, rms, _ = cache
    dgamma = (dout * xhat).sum(axis=0)
    dx = (dout - xhat * (dout * xhat).mean(axis=-1, keepdims=True)) / rms
    return dx, dgamma
