"""Convolution and pooling of images (N, C, H, W) by loops, as NumPy functions with a cache."""

import numpy as np

from tests.verify.gallery.numpy_layers import Array, Cache, Options

CONV = ((2, 3, 5, 4), (7, 3, 3, 2), (7,), {"stride": 2, "pad": 1})
DENSE_CONV = ((2, 3, 5, 4), (7, 3, 3, 3), (7,), {"stride": 1, "pad": 1})
POOL = ((2, 3, 4, 6), {"pool_height": 2, "pool_width": 3, "stride": 2})
DISJOINT_POOL = ((2, 3, 4, 6), {"pool_height": 2, "pool_width": 2, "stride": 2})


def conv_forward_naive(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[Array, Cache]:
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    cache = (x, w, b, conv_param)
    return out, cache


def conv_forward_by_places(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[Array, Cache]:
    """All images and filters at once for each place of the output."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    H_out = (x_pad.shape[2] - HH) // stride + 1
    W_out = (x_pad.shape[3] - WW) // stride + 1
    out = np.zeros((x.shape[0], w.shape[0], H_out, W_out), dtype=x.dtype)
    rows = w.reshape(w.shape[0], -1)
    for i in range(H_out):
        for j in range(W_out):
            window = x_pad[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = window.reshape(x.shape[0], -1) @ rows.T + b
    cache = (x_pad, w, stride, pad)
    return out, cache


def max_pool_forward_naive(x: Array, pool_param: Options) -> tuple[Array, Cache]:
    ph, pw, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    H_out = 1 + (H - ph) // stride
    W_out = 1 + (W - pw) // stride
    out = np.zeros((N, C, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    top, left = i * stride, j * stride
                    out[n, c, i, j] = np.max(x[n, c, top : top + ph, left : left + pw])
    cache = (x, pool_param)
    return out, cache
