"""Right backwards of convolution and pooling in NumPy."""

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

NUMPY_RIGHT_IMAGES = NamedForm()
right = NUMPY_RIGHT_IMAGES.right


@right("convolution by loops", CONV, conv_forward_naive)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), mode="constant")
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            db[f] += np.sum(dout[n, f])
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, top : top + HH, left : left + WW]
                    dx_pad[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]
    dx = dx_pad[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
    return dx, dw, db


@right("convolution place by place", CONV, conv_forward_by_places)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, stride, pad = cache
    N, F, H_out, W_out = dout.shape
    _, C, HH, WW = w.shape
    rows = w.reshape(F, -1)
    dx_pad, dw = np.zeros(x_pad.shape), np.zeros(rows.shape)
    for i in range(H_out):
        for j in range(W_out):
            s = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            dx_pad[s] += (dout[:, :, i, j] @ rows).reshape(N, C, HH, WW)
            dw += dout[:, :, i, j].T @ x_pad[s].reshape(N, -1)
    return dx_pad[:, :, pad:-pad, pad:-pad], dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


@right("convolution: the gradient convolved with the kernel turned over", DENSE_CONV, conv_forward_by_places)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, _, pad = cache
    N, F, H, W = dout.shape
    HH, WW = w.shape[2:]
    dout_pad = np.pad(dout, ((0, 0), (0, 0), (HH - 1 - pad,) * 2, (WW - 1 - pad,) * 2))
    turned = w[:, :, ::-1, ::-1]
    dx = np.zeros((N, w.shape[1], H, W))
    dw = np.zeros(w.shape)
    for i in range(HH):
        for j in range(WW):
            dx += np.einsum("nfhw,fc->nchw", dout_pad[:, :, i : i + H, j : j + W], turned[:, :, i, j])
            dw[:, :, i, j] = np.einsum("nfhw,nchw->fc", dout, x_pad[:, :, i : i + H, j : j + W])
    return dx, dw, dout.sum((0, 2, 3))


@right("max pooling by loops", DISJOINT_POOL, max_pool_forward_naive)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    window = x[n, c, i * stride : i * stride + ph, j * stride : j * stride + pw]
                    r, s = np.unravel_index(np.argmax(window), window.shape)
                    dx[n, c, i * stride + r, j * stride + s] += dout[n, c, i, j]
    return dx


@right("max pooling of windows that overlap, by masks", POOL, max_pool_forward_naive)
def _(dout: Array, cache: Cache) -> Gradients:
    x, pool_param = cache
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * stride, i * stride + ph), slice(j * stride, j * stride + pw)
            window = x[:, :, rows, columns]
            mask = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += mask * dout[:, :, i, j][:, :, None, None]
    return dx


@right("max pooling of windows that meet, by a reshape", DISJOINT_POOL, max_pool_forward_naive)
def _(dout: Array, cache: Cache) -> Gradients:
    x, _ = cache
    N, C, H, W = x.shape
    tiles = x.reshape(N, C, H // 2, 2, W // 2, 2)
    mask = tiles == tiles.max(axis=(3, 5), keepdims=True)
    return (mask * dout[:, :, :, None, :, None]).reshape(x.shape)
