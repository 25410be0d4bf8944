"""Wrong derivations of attention, cells and windows in NumPy, without a cache."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import (
    Array,
    attention,
    average_pool,
    conv1d,
    conv_im2col,
    depthwise,
    gru_step,
    im2col,
    merge_heads,
    multi_head,
    softmax,
    softmax_last,
    split_heads,
)

NUMPY_FUNCTIONS_WRONG_LAYERS = NamedForm()
wrong = NUMPY_FUNCTIONS_WRONG_LAYERS.wrong
Gradients = Any


@wrong(
    "attention in NumPy: the scale forgotten on the way back",
    ((5, 4), (6, 4), (6, 3)),
    attention,
    mistake=("left-out", "factor", "forward-option", "local-derivative", "term-factor"),
    bad=("Q", "K"),
    line="ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))",
)
def _(dout: Array, Q: Array, K: Array, V: Array) -> Gradients:
    p = softmax(Q.dot(K.T) / np.sqrt(Q.shape[1]))
    dV = p.T.dot(dout)
    dp = dout.dot(V.T)
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    return ds.dot(K), ds.T.dot(Q), dV


@wrong(
    "attention in NumPy: V from the weights that are not transposed",
    ((5, 4), (5, 4), (5, 3)),
    attention,
    mistake=("transposed", "jacobian-transposed"),
    bad=("V",),
    line="dV = p.dot(dout)",
)
def _(dout: Array, Q: Array, K: Array, V: Array) -> Gradients:
    p = softmax(Q.dot(K.T) / np.sqrt(Q.shape[1]))
    dV = p.dot(dout)
    dp = dout.dot(V.T)
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True)) / np.sqrt(Q.shape[1])
    return ds.dot(K), ds.T.dot(Q), dV


@wrong(
    "attention with heads in NumPy: its parts put together by a reshape alone",
    ((5, 6), (6, 4), (6, 4), (6, 4)),
    multi_head,
    mistake=("other-places", "transposed", "jacobian-transposed"),
    bad=("x", "Wv"),
    line="dv = (p.transpose(0, 2, 1) @ do).reshape(5, 4)",
)
def _(dout: Array, x: Array, Wq: Array, Wk: Array, Wv: Array) -> Gradients:
    q, k, v = split_heads(x @ Wq, 2), split_heads(x @ Wk, 2), split_heads(x @ Wv, 2)
    p = softmax_last(q @ k.transpose(0, 2, 1) / np.sqrt(2))
    do = split_heads(dout, 2)
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(2)
    dq = merge_heads(ds @ k)
    dk = merge_heads(ds.transpose(0, 2, 1) @ q)
    dv = (p.transpose(0, 2, 1) @ do).reshape(5, 4)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


@wrong(
    "attention with heads in NumPy: the values' way to the input left out",
    ((5, 6), (6, 4), (6, 4), (6, 4)),
    multi_head,
    mistake=("left-out", "forgotten-path", "forgotten-use"),
    bad=("x",),
    line="dx = dq @ Wq.T + dk @ Wk.T",
)
def _(dout: Array, x: Array, Wq: Array, Wk: Array, Wv: Array) -> Gradients:
    q, k, v = split_heads(x @ Wq, 2), split_heads(x @ Wk, 2), split_heads(x @ Wv, 2)
    p = softmax_last(q @ k.transpose(0, 2, 1) / np.sqrt(2))
    do = split_heads(dout, 2)
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(2)
    dq = merge_heads(ds @ k)
    dk = merge_heads(ds.transpose(0, 2, 1) @ q)
    dv = merge_heads(p.transpose(0, 2, 1) @ do)
    dx = dq @ Wq.T + dk @ Wk.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


@wrong(
    "gated unit in NumPy: the reset gate forgotten before the state",
    ((5, 3), (5, 2), (3, 4), (2, 4), (3, 2), (2, 2)),
    gru_step,
    mistake=("left-out", "local-derivative", "forgotten-use"),
    bad=("h",),
    line="dh = dout * (1 - z) + drh + da @ U.T",
)
def _(dout: Array, x: Array, h: Array, W: Array, U: Array, Wn: Array, Un: Array) -> Gradients:
    a = x @ W + h @ U
    z, r = expit(a[:, :2]), expit(a[:, 2:])
    n = np.tanh(x @ Wn + (r * h) @ Un)
    dn = dout * z * (1 - n**2)
    dz = dout * (n - h) * z * (1 - z)
    drh = dn @ Un.T
    dr = drh * h * r * (1 - r)
    da = np.hstack([dz, dr])
    dx = da @ W.T + dn @ Wn.T
    dh = dout * (1 - z) + drh + da @ U.T
    return dx, dh, x.T @ da, h.T @ da, x.T @ dn, (r * h).T @ dn


@wrong(
    "gated unit in NumPy: its gates joined in the wrong order",
    ((5, 3), (5, 2), (3, 4), (2, 4), (3, 2), (2, 2)),
    gru_step,
    mistake=("other-places", "swapped"),
    bad=("x", "h", "W", "U"),
    line="da = np.concatenate([dr, dz], axis=1)",
)
def _(dout: Array, x: Array, h: Array, W: Array, U: Array, Wn: Array, Un: Array) -> Gradients:
    a = x @ W + h @ U
    z, r = expit(a[:, :2]), expit(a[:, 2:])
    n = np.tanh(x @ Wn + (r * h) @ Un)
    dn = dout * z * (1 - n**2)
    dz = dout * (n - h) * z * (1 - z)
    drh = dn @ Un.T
    dr = drh * h * r * (1 - r)
    da = np.concatenate([dr, dz], axis=1)
    dx = da @ W.T + dn @ Wn.T
    dh = dout * (1 - z) + drh * r + da @ U.T
    return dx, dh, x.T @ da, h.T @ da, x.T @ dn, (r * h).T @ dn


@wrong(
    "average pooling in NumPy: each number gets the whole",
    ((2, 3, 4, 6),),
    average_pool,
    mistake=("factor",),
    bad=("x",),
    line="return dout.repeat(2, axis=2).repeat(2, axis=3)",
)
def _(dout: Array, x: Array) -> Gradients:
    return dout.repeat(2, axis=2).repeat(2, axis=3)


@wrong(
    "average pooling in NumPy: spread as tiles",
    ((2, 3, 4, 6),),
    average_pool,
    mistake=("other-places",),
    bad=("x",),
    line="return np.tile(dout, (1, 1, 2, 2)) / 4",
)
def _(dout: Array, x: Array) -> Gradients:
    return np.tile(dout, (1, 1, 2, 2)) / 4


@wrong(
    "convolution over a sequence: windows assigned, not added",
    ((2, 3, 7), (4, 3, 3), (4,)),
    conv1d,
    mistake=("assigned", "forgotten-use"),
    bad=("x",),
    line='dx[:, :, t : t + 3] = np.einsum("nf,fck->nck", dout[:, :, t], w)',
)
def _(dout: Array, x: Array, w: Array, b: Array) -> Gradients:
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for t in range(dout.shape[2]):
        dw += np.einsum("nf,nck->fck", dout[:, :, t], x[:, :, t : t + 3])
        dx[:, :, t : t + 3] = np.einsum("nf,fck->nck", dout[:, :, t], w)
    return dx, dw, dout.sum(axis=(0, 2))


@wrong(
    "convolution over a sequence: the bias summed over examples only",
    ((2, 3, 7), (4, 3, 3), (4,)),
    conv1d,
    mistake=("not-summed", "wrong-dimension", "other-dimension"),
    bad=("b",),
    line="db = dout.sum(axis=0)",
)
def _(dout: Array, x: Array, w: Array, b: Array) -> Gradients:
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for t in range(dout.shape[2]):
        dw += np.einsum("nf,nck->fck", dout[:, :, t], x[:, :, t : t + 3])
        dx[:, :, t : t + 3] += np.einsum("nf,fck->nck", dout[:, :, t], w)
    db = dout.sum(axis=0)
    return dx, dw, db


@wrong(
    "depthwise convolution in NumPy: the padding cut off at one end",
    ((2, 3, 5, 4), (3, 3, 3)),
    depthwise,
    mistake=("other-places", "forward-option"),
    bad=("x",),
    line="return dpadded[:, :, :-2, :-2], dw",
)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(3):
        for j in range(3):
            dw[:, i, j] = np.sum(dout * padded[:, :, i : i + 5, j : j + 4], axis=(0, 2, 3))
            dpadded[:, :, i : i + 5, j : j + 4] += dout * w[:, i, j].reshape(1, -1, 1, 1)
    return dpadded[:, :, :-2, :-2], dw


@wrong(
    "convolution as a product of windows: filters and positions mixed up",
    ((2, 3, 5, 4), (4, 3, 2, 2), (4,)),
    conv_im2col,
    mistake=("other-places", "transposed", "jacobian-transposed"),
    bad=("x", "w", "b"),
    line="rows = dout.reshape(-1, F)",
)
def _(dout: Array, x: Array, w: Array, b: Array) -> Gradients:
    F, C, k, _ = w.shape
    N, _, h, wid = dout.shape
    rows = dout.reshape(-1, F)
    dw = (rows.T @ im2col(x, k)).reshape(w.shape)
    dcols = (rows @ w.reshape(F, -1)).reshape(N, h, wid, C, k, k)
    dx = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            dx[:, :, i : i + h, j : j + wid] += dcols[:, :, :, :, i, j].transpose(0, 3, 1, 2)
    return dx, dw, rows.sum(axis=0)
