"""Wrong backwards of dropout and attention in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import (
    ATTENTION,
    DROPOUT,
    KEPT,
    SQUARE_ATTENTION,
    Array,
    Cache,
    attention_forward,
    dropout_forward,
    masked_dropout_forward,
)

NUMPY_WRONG_DROPOUT_AND_ATTENTION = NamedForm()
wrong = NUMPY_WRONG_DROPOUT_AND_ATTENTION.wrong


@wrong("dropout: no mask", DROPOUT, dropout_forward, mistake=(*LEFT_OUT_NAMES, "more-entries"), bad=("x",))
def _(dout: Array, cache: Cache) -> Gradients:
    dropout_param, mask = cache
    return dout / dropout_param["p"]


@wrong(
    "dropout: no scale",
    DROPOUT,
    dropout_forward,
    mistake=("factor", "left-out"),
    bad=("x",),
    line="return dout * (mask > 0)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, mask = cache
    return dout * (mask > 0)


@wrong(
    "dropout with a mask: what was dropped gets the gradient",
    ((5, 3), KEPT, 0.7),
    masked_dropout_forward,
    mistake="mask-inverted",
    bad=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, mask, p = cache
    return dout * ~mask / p


@wrong(
    "dropout with a mask: multiplied by p",
    ((5, 3), KEPT, 0.7),
    masked_dropout_forward,
    mistake="factor",
    bad=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, mask, p = cache
    return dout * mask * p


@wrong(
    "dropout: drawn again",
    DROPOUT,
    dropout_forward,
    mistake="forward-option",
    bad=("x",),
    words=("seed",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    dropout_param, _ = cache
    np.random.seed(dropout_param["seed"] + 1)
    p = dropout_param["p"]
    mask = (np.random.rand(*dout.shape) < p) / p
    return dout * mask


@wrong(
    "scaled dot products: no scale on the way back",
    ATTENTION,
    attention_forward,
    mistake=("factor", "left-out"),
    bad=("q", "k"),
    line="return dscores @ k, dscores.T @ q, dv",
)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dv = weights.T @ dout
    dweights = dout @ v.T
    dscores = weights * (dweights - np.sum(dweights * weights, axis=1, keepdims=True))
    return dscores @ k, dscores.T @ q, dv


@wrong(
    "scaled dot products: the softmax's sum over the queries",
    ATTENTION,
    attention_forward,
    mistake=("other-dimension", "wrong-dimension"),
    bad=("q", "k"),
    line="dscores = weights * (dweights - np.sum(dweights * weights, axis=0))",
)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dweights = dout @ v.T
    dscores = weights * (dweights - np.sum(dweights * weights, axis=0))
    dscores = scale * dscores
    return dscores @ k, dscores.T @ q, weights.T @ dout


@wrong(
    "scaled dot products: the softmax's slope as a sigmoid's",
    ATTENTION,
    attention_forward,
    mistake=("diagonal-only", "local-derivative", "other-tensor", "left-out"),
    bad=("q", "k"),
    line="dscores = dweights * weights * (1 - weights) * scale",
)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dweights = np.dot(dout, v.T)
    dscores = dweights * weights * (1 - weights) * scale
    return np.dot(dscores, k), np.dot(dscores.T, q), np.dot(weights.T, dout)


@wrong(
    "scaled dot products: the weights not transposed",
    SQUARE_ATTENTION,
    attention_forward,
    mistake="transposed",
    bad=("v",),
    line="dv = weights.dot(dout)",
    words=("weights",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dv = weights.dot(dout)
    dweights = dout.dot(v.T)
    inner = (dweights * weights).sum(axis=1, keepdims=True)
    dscores = weights * (dweights - inner) * scale
    return dscores.dot(k), dscores.T.dot(q), dv


@wrong(
    "scaled dot products: queries for keys",
    SQUARE_ATTENTION,
    attention_forward,
    mistake="other-tensor",
    bad=("q",),
    line="dq = dscores @ q",
    words=("q", "k"),
)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dweights = dout @ v.T
    inner = (dweights * weights).sum(axis=1, keepdims=True)
    dscores = weights * (dweights - inner) * scale
    dq = dscores @ q
    dk = dscores.T @ q
    return dq, dk, weights.T @ dout
