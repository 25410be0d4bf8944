"""Wrong backwards of convolution and pooling in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import Gradients, NamedForm
from tests.verify.gallery.numpy_images import (
    CONV,
    DENSE_CONV,
    DISJOINT_POOL,
    POOL,
    conv_forward_by_places,
    conv_forward_naive,
    max_pool_forward_naive,
)
from tests.verify.gallery.numpy_layers import Array, Cache

NUMPY_WRONG_IMAGES = NamedForm()
wrong = NUMPY_WRONG_IMAGES.wrong


@wrong(
    "convolution: stride 1 on the way back",
    CONV,
    conv_forward_naive,
    mistake="forward-option",
    bad=("x", "w"),
    words=("stride",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, conv_param = cache
    pad = conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), mode="constant")
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i : i + HH, j : j + WW]
                    dw[f] += dout[n, f, i, j] * window
                    dx_pad[n, :, i : i + HH, j : j + WW] += dout[n, f, i, j] * w[f]
                    db[f] += dout[n, f, i, j]
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, db


@wrong(
    "convolution: the padding cut off at one end",
    CONV,
    conv_forward_naive,
    mistake="other-places",
    bad=("x",),
    line="dx = dx_pad[:, :, :H, :W]",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    H, W = x.shape[2:]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), mode="constant")
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, top : top + HH, left : left + WW]
                    dx_pad[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]
    dx = dx_pad[:, :, :H, :W]
    return dx, dw, dout.sum(axis=(0, 2, 3))


@wrong(
    "convolution: windows of the input overwrite each other",
    CONV,
    conv_forward_naive,
    mistake="assigned",
    bad=("x",),
    line="dx_pad[n, :, top : top + HH, left : left + WW] = dout[n, f, i, j] * w[f]",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), mode="constant")
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, top : top + HH, left : left + WW]
                    dx_pad[n, :, top : top + HH, left : left + WW] = dout[n, f, i, j] * w[f]
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, dout.sum(axis=(0, 2, 3))


@wrong(
    "convolution: the last place alone counts for the kernel",
    CONV,
    conv_forward_by_places,
    mistake=("assigned", "one-example"),
    bad=("w",),
    line="dw = dout[:, :, i, j].T @ x_pad[s].reshape(N, -1)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, stride, pad = cache
    N, F, H_out, W_out = dout.shape
    _, C, HH, WW = w.shape
    rows = w.reshape(F, -1)
    dx_pad = np.zeros(x_pad.shape)
    for i in range(H_out):
        for j in range(W_out):
            s = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            dx_pad[s] += (dout[:, :, i, j] @ rows).reshape(N, C, HH, WW)
            dw = dout[:, :, i, j].T @ x_pad[s].reshape(N, -1)
    return dx_pad[:, :, pad:-pad, pad:-pad], dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


@wrong(
    "convolution: the bias of the last image",
    CONV,
    conv_forward_by_places,
    mistake=("one-example", "assigned"),
    bad=("b",),
    line="db[f] = np.sum(dout[n, f])",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, stride, pad = cache
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2:]
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros(F)
    for n in range(N):
        for f in range(F):
            db[f] = np.sum(dout[n, f])
            for i in range(H_out):
                for j in range(W_out):
                    s = np.s_[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    dx_pad[s] += w[f] * dout[n, f, i, j]
                    dw[f] += x_pad[s] * dout[n, f, i, j]
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, db


@wrong(
    "convolution: the kernel turned over",
    DENSE_CONV,
    conv_forward_by_places,
    mistake="other-places",
    bad=("x",),
    line="dx_pad[s] += np.tensordot(dout[:, :, i, j], w[:, :, ::-1, ::-1], axes=1)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, _, pad = cache
    N, F, H, W = dout.shape
    HH, WW = w.shape[2:]
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for i in range(H):
        for j in range(W):
            s = np.s_[:, :, i : i + HH, j : j + WW]
            dx_pad[s] += np.tensordot(dout[:, :, i, j], w[:, :, ::-1, ::-1], axes=1)
            dw += np.tensordot(dout[:, :, i, j].T, x_pad[s], axes=1)
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, dout.sum((0, 2, 3))


@wrong(
    "max pooling: to the whole window",
    DISJOINT_POOL,
    max_pool_forward_naive,
    mistake="more-entries",
    bad=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = dx[:, :, i * stride : i * stride + ph, j * stride : j * stride + pw]
            window += dout[:, :, i, j][:, :, None, None]
    return dx


@wrong(
    "max pooling: shared by the whole window, as in a mean",
    DISJOINT_POOL,
    max_pool_forward_naive,
    mistake=("more-entries", "forward-option"),
    bad=("x",),
    line="dx[:, :, i : i + ph, j : j + pw] += share[:, :, None, None]",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for i in range(0, x.shape[2], stride):
        for j in range(0, x.shape[3], stride):
            share = dout[:, :, i // stride, j // stride] / (ph * pw)
            dx[:, :, i : i + ph, j : j + pw] += share[:, :, None, None]
    return dx


@wrong(
    "max pooling: windows that overlap overwrite each other",
    POOL,
    max_pool_forward_naive,
    mistake="assigned",
    bad=("x",),
    line="dx[n, c, top : top + ph, left : left + pw] = mask * dout[n, c, i, j]",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    window = x[n, c, top : top + ph, left : left + pw]
                    mask = window == np.max(window)
                    dx[n, c, top : top + ph, left : left + pw] = mask * dout[n, c, i, j]
    return dx


@wrong(
    "max pooling: the row and column of the maximum exchanged",
    DISJOINT_POOL,
    max_pool_forward_naive,
    mistake="other-places",
    bad=("x",),
    line="s, r = np.unravel_index(np.argmax(window), (ph, pw))",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    window = x[n, c, top : top + ph, left : left + pw]
                    s, r = np.unravel_index(np.argmax(window), (ph, pw))
                    dx[n, c, top + r, left + s] += dout[n, c, i, j]
    return dx


@wrong(
    "max pooling: the stride taken to be the window",
    POOL,
    max_pool_forward_naive,
    mistake=("other-places", "forward-option"),
    bad=("x",),
    line="top, left = i * ph, j * pw",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw = pool_param["pool_height"], pool_param["pool_width"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        top, left = i * ph, j * pw
        window = x[n, c, top : top + ph, left : left + pw]
        dx[n, c, top : top + ph, left : left + pw] += (window == window.max()) * dout[n, c, i, j]
    return dx
