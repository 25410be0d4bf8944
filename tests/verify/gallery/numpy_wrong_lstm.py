"""Wrong backwards of a memory cell and of a sequence of them in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import Array, Cache
from tests.verify.gallery.numpy_sequences import (
    LSTM,
    LSTM_STEP,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
)

NUMPY_WRONG_LSTM = NamedForm()
wrong = NUMPY_WRONG_LSTM.wrong
BY_GATES = ("x", "prev_h", "Wx", "Wh", "b")


@wrong(
    "memory cell: the forget gate's slope",
    LSTM_STEP,
    lstm_step_forward,
    mistake=(*LEFT_OUT_NAMES, "other-tensor", "value-for-slope"),
    bad=BY_GATES,
    line="df = dc * prev_c * f",
    words=("f",),
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g * i * (1 - i)
    df = dc * prev_c * f
    do = dnext_h * tanh_c * o * (1 - o)
    dg = dc * i * (1 - g**2)
    da = np.hstack((di, df, do, dg))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the candidate's slope as a gate's",
    LSTM_STEP,
    lstm_step_forward,
    mistake=(
        "local-derivative",
        "left-out",
        "other-tensor",
        "forward-option",
        "other-number",
        "power-too-few",
    ),
    bad=BY_GATES,
    line="dg = dc * i * g * (1 - g)",
    words=("g",),
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di = dc * g * i * (1 - i)
    df = dc * prev_c * f * (1 - f)
    do = dnext_h * np.tanh(next_c) * o * (1 - o)
    dg = dc * i * g * (1 - g)
    da = np.concatenate((di, df, do, dg), axis=1)
    return da.dot(Wx.T), da.dot(Wh.T), dc * f, x.T.dot(da), prev_h.T.dot(da), np.sum(da, axis=0)


@wrong(
    "memory cell: the memory's gradient through the state left out",
    LSTM_STEP,
    lstm_step_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x", "prev_h", "prev_c", "Wx", "Wh", "b"),
    line="dc = dnext_c",
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = dnext_h * np.tanh(next_c) * o * (1 - o)
    dc = dnext_c
    di, df, dg = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dc * i * (1 - g**2)
    da = np.hstack([di, df, do, dg])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the next memory's own gradient left out",
    LSTM_STEP,
    lstm_step_forward,
    mistake=(*LEFT_OUT_NAMES, "detached", "upstream-ignored"),
    bad=("x", "prev_h", "prev_c", "Wx", "Wh", "b"),
    line="dc = dnext_h * o * (1 - np.tanh(next_c) ** 2)",
    words=("dnext_c",),
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = dnext_h * np.tanh(next_c) * o * (1 - o)
    dc = dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di, df, dg = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dc * i * (1 - g**2)
    da = np.hstack([di, df, do, dg])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the gates joined in another order",
    LSTM_STEP,
    lstm_step_forward,
    mistake=("other-places", "swapped", "other-tensor"),
    bad=BY_GATES,
    line="da = np.hstack((di, do, df, dg))",
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g * i * (1 - i)
    df = dc * prev_c * f * (1 - f)
    do = dnext_h * tanh_c * o * (1 - o)
    dg = dc * i * (1 - g**2)
    da = np.hstack((di, do, df, dg))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the input gate carries the memory back",
    LSTM_STEP,
    lstm_step_forward,
    mistake="other-tensor",
    bad=("prev_c",),
    line="dprev_c = dc * i",
    words=("i", "f"),
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    dprev_c = dc * i
    gates = (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o))
    da = np.concatenate((*gates, dc * i * (1 - g**2)), axis=1)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory cell: the output gate from the memory before tanh",
    LSTM_STEP,
    lstm_step_forward,
    mistake=("other-tensor", *LEFT_OUT_NAMES),
    bad=BY_GATES,
    line="do = dnext_h * next_c * o * (1 - o)",
    words=("next_c",),
)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    do = dnext_h * next_c * o * (1 - o)
    di, df, dg = dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dc * i * (1 - g**2)
    da = np.hstack((di, df, do, dg))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@wrong(
    "memory: its gradient not handed on to the step before",
    LSTM,
    lstm_forward,
    mistake=("truncated-in-time", *LEFT_OUT_NAMES),
    bad=("x", "h0", "Wx", "Wh", "b"),
)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    dx, dWx, dWh, db = np.zeros((N, T, 4)), 0, 0, 0
    dprev_h, dprev_c = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dprev_h, _, *steps = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t])
        dWx, dWh, db = dWx + steps[0], dWh + steps[1], db + steps[2]
    return dx, dprev_h, dWx, dWh, db


@wrong(
    "memory: the state's gradient not handed on to the step before",
    LSTM,
    lstm_forward,
    mistake=("truncated-in-time", *LEFT_OUT_NAMES),
    bad=("x", "h0", "Wx", "Wh", "b"),
)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    dx, dWx, dWh, db = [], 0, 0, 0
    dc = np.zeros((N, H))
    for t in reversed(range(T)):
        step = lstm_step_backward(dh[:, t], dc, cache[t])
        dx.append(step[0])
        dh0, dc = step[1:3]
        dWx, dWh, db = dWx + step[3], dWh + step[4], db + step[5]
    return np.stack(dx[::-1], axis=1), dh0, dWx, dWh, db
