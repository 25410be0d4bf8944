"""Wrong backwards of a recurrent step and of a recurrence in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import Array, Cache
from tests.verify.gallery.numpy_sequences import (
    RNN,
    RNN_STEP,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
)

NUMPY_WRONG_RNN = NamedForm()
wrong = NUMPY_WRONG_RNN.wrong


@wrong(
    "recurrent step: the slope at the state before",
    RNN_STEP,
    rnn_step_forward,
    mistake="other-tensor",
    bad=("x", "prev_h", "Wx", "Wh", "b"),
    line="dz = dnext_h * (1 - prev_h**2)",
    words=("prev_h", "next_h"),
)
def _(dnext_h: Array, cache: Cache) -> Gradients:
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - prev_h**2)
    dx = dz @ Wx.T
    dprev_h = dz @ Wh.T
    dWx = x.T @ dz
    dWh = prev_h.T @ dz
    db = dz.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


@wrong(
    "recurrent step: the square of tanh left out",
    RNN_STEP,
    rnn_step_forward,
    mistake=("local-derivative", "left-out", "power-too-few", "other-number", "value-for-slope"),
    bad=("x", "prev_h", "Wx", "Wh", "b"),
    line="dz = (1 - next_h) * dnext_h",
)
def _(dnext_h: Array, cache: Cache) -> Gradients:
    x, prev_h, Wx, Wh, next_h = cache
    dz = (1 - next_h) * dnext_h
    return dz.dot(Wx.T), dz.dot(Wh.T), x.T.dot(dz), prev_h.T.dot(dz), np.sum(dz, axis=0)


@wrong(
    "recurrent step: the recurrent weight not transposed",
    RNN_STEP,
    rnn_step_forward,
    mistake="transposed",
    bad=("prev_h",),
    line="dprev_h = np.dot(da, Wh)",
    words=("Wh",),
)
def _(dnext_h: Array, cache: Cache) -> Gradients:
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - np.square(next_h))
    dx = np.dot(da, Wx.T)
    dprev_h = np.dot(da, Wh)
    return dx, dprev_h, np.dot(x.T, da), np.dot(prev_h.T, da), np.sum(da, 0)


@wrong(
    "recurrent step: the recurrent weight from above tanh",
    RNN_STEP,
    rnn_step_forward,
    mistake=("other-tensor", *LEFT_OUT_NAMES),
    bad=("Wh",),
    line="dWh = prev_h.T @ dnext_h",
    words=("dnext_h",),
)
def _(dnext_h: Array, cache: Cache) -> Gradients:
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    dWx = x.T @ dz
    dWh = prev_h.T @ dnext_h
    return dz @ Wx.T, dz @ Wh.T, dWx, dWh, dz.sum(axis=0)


@wrong(
    "recurrence: no gradient from the next step",
    RNN,
    rnn_forward,
    mistake="truncated-in-time",
    bad=("x", "h0", "Wx", "Wh", "b"),
)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    dx, dWx, dWh, db = np.zeros((N, T, 3)), 0, 0, 0
    for t in reversed(range(T)):
        dx[:, t], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t], cache[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return dx, dprev_h, dWx, dWh, db


@wrong(
    "recurrence: no gradient from the next step, written out",
    RNN,
    rnn_forward,
    mistake="truncated-in-time",
    bad=("x", "h0", "Wx", "Wh", "b"),
    line="dz = dh[:, t] * (1 - next_h**2)",
)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    Wx, Wh = cache[0][2:4]
    dx, dprev = np.zeros((N, T, Wx.shape[0])), np.zeros((N, H))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(H)
    for t in range(T - 1, -1, -1):
        x, prev_h, _, _, next_h = cache[t]
        dz = dh[:, t] * (1 - next_h**2)
        dx[:, t] = dz @ Wx.T
        dWx += x.T @ dz
        dWh += prev_h.T @ dz
        db += dz.sum(axis=0)
        dprev = dz @ Wh.T
    return dx, dprev, dWx, dWh, db


@wrong(
    "recurrence: the weights' gradients of the first step alone",
    RNN,
    rnn_forward,
    mistake=("assigned", "one-example", "forgotten-use", "truncated-in-time"),
    bad=("Wx", "Wh", "b"),
    line="dx[:, t], dprev, dWx, dWh, db = rnn_step_backward(dh[:, t] + dprev, cache[t])",
)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dprev = np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dprev, dWx, dWh, db = rnn_step_backward(dh[:, t] + dprev, cache[t])
    return dx, dprev, dWx, dWh, db


@wrong("recurrence: none for the first state", RNN, rnn_forward, mistake="detached", bad=("h0",))
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    dx = np.zeros((N, T, 3))
    dh0, dprev = np.zeros((N, H)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((3, H)), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(T)):
        dx[:, t], dprev, *steps = rnn_step_backward(dh[:, t] + dprev, cache[t])
        dWx += steps[0]
        dWh += steps[1]
        db += steps[2]
    return dx, dh0, dWx, dWh, db
