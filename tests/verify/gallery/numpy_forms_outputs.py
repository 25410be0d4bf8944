"""Functions in NumPy with several outputs, whose backward takes as many upstream gradients."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import Array, softmax

NUMPY_FORMS_OUTPUTS = NamedForm()
right, wrong = NUMPY_FORMS_OUTPUTS.right, NUMPY_FORMS_OUTPUTS.wrong
Gradients = Any
Cache = tuple[Any, ...]

LSTM = ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8), (8,))
GATED = ((5, 3), (3, 4), (3, 4))
NORM = ((5, 7),)
QKV = ((5, 4), (4, 3), (4, 3))


def lstm_step(x: Array, h: Array, c: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Array, Array, Cache]:
    """The next state and memory, side by side with the cache."""
    a = x @ Wx + h @ Wh + b
    i, f, o, g = np.split(a, 4, axis=1)
    i, f, o, g = expit(i), expit(f), expit(o), np.tanh(g)
    next_c = f * c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, h, c, Wx, Wh, i, f, o, g, next_c)


def lstm_in_pairs(x: Array, h: Array, c: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Any, Cache]:
    """The same with both outputs as a pair: (h, c), cache."""
    *outputs, cache = lstm_step(x, h, c, Wx, Wh, b)
    return tuple(outputs), cache


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each row."""
    return x.mean(axis=1), x.var(axis=1)


def two_heads(x: Array, V: Array, A: Array) -> tuple[Array, Array]:
    """A value, and the probabilities of actions."""
    h = np.tanh(x)
    return h @ V, softmax(h @ A)


def split_gates(x: Array, W: Array, U: Array) -> tuple[Array, Array]:
    z = x @ W
    return expit(z) * (x @ U), z


@right("memory cell: dh, dc and the cache", LSTM, lstm_step)
def _(dh: Array, dc: Array, cache: Cache) -> Gradients:
    x, h, c, Wx, Wh, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    dnext_c = dc + dh * o * (1 - t**2)
    da = np.hstack(
        [
            dnext_c * g * i * (1 - i),
            dnext_c * c * f * (1 - f),
            dh * t * o * (1 - o),
            dnext_c * i * (1 - g**2),
        ]
    )
    return da @ Wx.T, da @ Wh.T, dnext_c * f, x.T @ da, h.T @ da, da.sum(axis=0)


@right("memory cell: both upstream gradients as a pair", LSTM, lstm_in_pairs)
def _(dout: tuple[Array, Array], cache: Cache) -> Gradients:
    dnext_h, dnext_c = dout
    x, h, c, Wx, Wh, i, f, o, g, next_c = cache
    dnext_c = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    da = np.zeros((x.shape[0], 8))
    da[:, 0:2] = dnext_c * g * i * (1 - i)
    da[:, 2:4] = dnext_c * c * f * (1 - f)
    da[:, 4:6] = dnext_h * np.tanh(next_c) * o * (1 - o)
    da[:, 6:8] = dnext_c * i * (1 - g**2)
    return {
        "x": da @ Wx.T,
        "h": da @ Wh.T,
        "c": dnext_c * f,
        "Wx": x.T @ da,
        "Wh": h.T @ da,
        "b": da.sum(axis=0),
    }


@right("mean and variance of a row", NORM, moments)
def _(dmean: Array, dvar: Array, x: Array) -> Gradients:
    n = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    return (dmean[:, None] + 2 * dvar[:, None] * centred) / n


@right("value and probabilities", QKV, two_heads)
def _(dvalue: Array, dp: Array, x: Array, V: Array, A: Array) -> Gradients:
    h = np.tanh(x)
    p = softmax(h @ A)
    dz = p * (dp - np.sum(p * dp, axis=1, keepdims=True))
    dh = dvalue @ V.T + dz @ A.T
    return dh * (1 - h**2), h.T @ dvalue, h.T @ dz


@right("gate and its logits, a pair of upstreams", GATED, split_gates)
def _(douts: tuple[Array, Array], x: Array, W: Array, U: Array) -> Gradients:
    dout, dlogits = douts
    s = expit(x @ W)
    dz = dlogits + dout * (x @ U) * s * (1 - s)
    du = dout * s
    return dz @ W.T + du @ U.T, x.T @ dz, x.T @ du


@wrong(
    "memory cell: dc forgotten",
    LSTM,
    lstm_step,
    mistake=("left-out", "forgotten-use", "forgotten-path", "upstream-ignored", "detached"),
    bad=("x", "h", "c", "Wx", "Wh", "b"),
    line="dnext_c = dh * o * (1 - t**2)",
)
def _(dh: Array, dc: Array, cache: Cache) -> Gradients:
    x, h, c, Wx, Wh, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    dnext_c = dh * o * (1 - t**2)
    di, df = dnext_c * g * i * (1 - i), dnext_c * c * f * (1 - f)
    do, dg = dh * t * o * (1 - o), dnext_c * i * (1 - g**2)
    da = np.hstack([di, df, do, dg])
    return da @ Wx.T, da @ Wh.T, dnext_c * f, x.T @ da, h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the forget gate from the next memory",
    LSTM,
    lstm_step,
    mistake=("other-tensor",),
    bad=("x", "h", "Wx", "Wh", "b"),
    line="df = dnext_c * next_c * f * (1 - f)",
    words=("next_c",),
)
def _(dh: Array, dc: Array, cache: Cache) -> Gradients:
    x, h, _, Wx, Wh, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    dnext_c = dc + dh * o * (1 - t**2)
    di = dnext_c * g * i * (1 - i)
    df = dnext_c * next_c * f * (1 - f)
    do = dh * t * o * (1 - o)
    dg = dnext_c * i * (1 - g**2)
    da = np.hstack([di, df, do, dg])
    return da @ Wx.T, da @ Wh.T, dnext_c * f, x.T @ da, h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the candidate's slope as a sigmoid's",
    LSTM,
    lstm_in_pairs,
    mistake=("other-formula", "left-out", "local-derivative", "wrong-place", "forward-option", "power"),
    bad=("x", "h", "Wx", "Wh", "b"),
    line="da[:, 6:8] = dnext_c * i * g * (1 - g)",
)
def _(dout: tuple[Array, Array], cache: Cache) -> Gradients:
    dnext_h, dnext_c = dout
    x, h, c, Wx, Wh, i, f, o, g, next_c = cache
    dnext_c = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    da = np.zeros((x.shape[0], 8))
    da[:, 0:2] = dnext_c * g * i * (1 - i)
    da[:, 2:4] = dnext_c * c * f * (1 - f)
    da[:, 4:6] = dnext_h * np.tanh(next_c) * o * (1 - o)
    da[:, 6:8] = dnext_c * i * g * (1 - g)
    dprev_c = dnext_c * f
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, h.T @ da, da.sum(axis=0)


@wrong(
    "mean and variance of a row: the variance without its 2",
    NORM,
    moments,
    mistake=("term-factor", "factor"),
    bad=("x",),
    line="return (dmean[:, None] + dvar[:, None] * centred) / n",
)
def _(dmean: Array, dvar: Array, x: Array) -> Gradients:
    n = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    return (dmean[:, None] + dvar[:, None] * centred) / n


@wrong(
    "mean and variance of a row: the variance of numbers that are not centred",
    NORM,
    moments,
    mistake=("left-out", "other-tensor", "forgotten-use", "forgotten-path"),
    bad=("x",),
    line="return (dmean[:, None] + 2 * dvar[:, None] * x) / x.shape[1]",
)
def _(dmean: Array, dvar: Array, x: Array) -> Gradients:
    return (dmean[:, None] + 2 * dvar[:, None] * x) / x.shape[1]


@wrong(
    "value and probabilities: the first head's way alone",
    QKV,
    two_heads,
    mistake=("left-out", "forgotten-use", "forgotten-path", "detached"),
    bad=("x",),
    line="dh = dvalue @ V.T",
)
def _(dvalue: Array, dp: Array, x: Array, V: Array, A: Array) -> Gradients:
    h = np.tanh(x)
    p = softmax(h @ A)
    dz = p * (dp - np.sum(p * dp, axis=1, keepdims=True))
    dh = dvalue @ V.T
    return dh * (1 - h**2), h.T @ dvalue, h.T @ dz


@wrong(
    "gate and its logits: upstream gradients exchanged",
    GATED,
    split_gates,
    mistake=("swapped", "other-tensor"),
    bad=("x", "W", "U"),
    line="dlogits, dout = douts",
)
def _(douts: tuple[Array, Array], x: Array, W: Array, U: Array) -> Gradients:
    dlogits, dout = douts
    s = expit(x @ W)
    dz = dlogits + dout * (x @ U) * s * (1 - s)
    du = dout * s
    return dz @ W.T + du @ U.T, x.T @ dz, x.T @ du
