"""Convolution and pooling, by loops."""

import numpy as np

from tests.derive.numpy_forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


@case((1, 2, 4, 4), (2, 2, 3, 3), (2,), stride=1, pad=1)
def conv_forward_naive(x, w, b, stride, pad):
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    H_out, W_out = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = padded[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b)


@case((1, 2, 4, 4), size=2, stride=2)
def max_pool_forward_naive(x, size, stride):
    N, C, H, W = x.shape
    H_out, W_out = 1 + (H - size) // stride, 1 + (W - size) // stride
    out = np.zeros((N, C, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            window = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return out, x


@case((2, 3, 4, 4))
def max_pool_forward_fast(x):
    N, C, H, W = x.shape
    blocks = x.reshape(N, C, H // 2, 2, W // 2, 2)
    out = blocks.max(axis=3).max(axis=4)
    return out, (x, blocks)


@case((2, 3, 4, 6))
def average_pool(x):
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).mean(axis=(3, 5))


@case((3, 4, 4))
def global_average_pool(x):
    return np.mean(x, axis=(1, 2))


@case((7,), (3,))
def conv1d_by_windows(x, w):
    return np.array([np.dot(x[i : i + 3], w) for i in range(5)])
