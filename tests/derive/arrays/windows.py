"""Convolution and pooling as homework has them: by loops, and by columns."""

import numpy as np
from numpy import zeros


def convolution(x, w, b, stride=1, pad=1):
    n, _, height, width = x.shape
    f, _, hh, ww = w.shape
    rows = 1 + (height + 2 * pad - hh) // stride
    columns = int(1 + (width + 2 * pad - ww) / stride)
    out = np.zeros((n, f, rows, columns))
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant", constant_values=0)
    for i in range(n):
        for k in range(f):
            for r in range(rows):
                for s in range(columns):
                    window = padded[i, :, r * stride : r * stride + hh, s * stride : s * stride + ww]
                    out[i, k, r, s] = np.sum(window * w[k]) + b[k]
    return out


def convolution_backward(dout, x, w, b):
    n = x.shape[0]
    f, _, hh, ww = w.shape
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    dpadded = np.zeros_like(padded)
    dw, db = np.zeros_like(w), np.zeros_like(b)
    for i in range(n):
        for k in range(f):
            db[k] += dout[i, k].sum()
            for r in range(dout.shape[2]):
                for s in range(dout.shape[3]):
                    dw[k] += padded[i, :, r : r + hh, s : s + ww] * dout[i, k, r, s]
                    dpadded[i, :, r : r + hh, s : s + ww] += w[k] * dout[i, k, r, s]
    return dpadded[:, :, 1:-1, 1:-1], dw, db


def max_pool(x, size=2, stride=2):
    n, c, h, w = x.shape
    out = zeros((n, c, h // stride, w // stride))
    for r in range(out.shape[2]):
        for s in range(out.shape[3]):
            out[:, :, r, s] = np.max(
                x[:, :, r * stride : r * stride + size, s * stride : s * stride + size], axis=(2, 3)
            )
    return out


def max_pool_backward(dout, x):
    dx = np.zeros(x.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for r in range(dout.shape[2]):
                for s in range(dout.shape[3]):
                    window = x[n, c, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2]
                    i, j = np.unravel_index(np.argmax(window), window.shape)
                    dx[n, c, 2 * r + i, 2 * s + j] += dout[n, c, r, s]
    return dx


def max_pool_backward_by_mask(dout, x):
    dx = np.zeros_like(x)
    for r in range(dout.shape[2]):
        for s in range(dout.shape[3]):
            window = x[:, :, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2]
            mask = window == np.max(window, axis=(2, 3), keepdims=True)
            dx[:, :, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2] += mask * (dout[:, :, r, s])[:, :, None, None]
    return dx


def places_of_windows(shape, height, width, pad=1, stride=1):
    _, c, h, w = shape
    rows, columns = (h + 2 * pad - height) // stride + 1, (w + 2 * pad - width) // stride + 1
    i = np.tile(np.repeat(np.arange(height), width), c).reshape(-1, 1)
    i = i + stride * np.repeat(np.arange(rows), columns).reshape(1, -1)
    j = np.tile(np.arange(width), height * c).reshape(-1, 1)
    j = j + stride * np.tile(np.arange(columns), rows).reshape(1, -1)
    return np.repeat(np.arange(c), height * width).reshape(-1, 1), i, j


def convolution_by_columns(x, w, b):
    f, _, hh, ww = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    columns = padded[(slice(None), *places_of_windows(x.shape, hh, ww))]
    columns = columns.transpose(1, 2, 0).reshape(w[0].size, -1)
    out = w.reshape(f, -1).dot(columns) + b.reshape(-1, 1)
    return out.reshape(f, x.shape[2], x.shape[3], x.shape[0]).transpose(3, 0, 1, 2)


def convolution_by_columns_backward(dout, x, w, b):
    n, c, h, width = x.shape
    f, _, hh, ww = w.shape
    k, i, j = places_of_windows(x.shape, hh, ww)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    columns = padded[:, k, i, j].transpose(1, 2, 0).reshape(w[0].size, -1)
    d = dout.transpose(1, 2, 3, 0).reshape(f, -1)
    dcolumns = (w.reshape(f, -1).T @ d).reshape(c * hh * ww, -1, n).transpose(2, 0, 1)
    dpadded = np.zeros((n, c, h + 2, width + 2), dtype=columns.dtype)
    np.add.at(dpadded, (slice(None), k, i, j), dcolumns)
    return dpadded[:, :, 1:-1, 1:-1], d.dot(columns.T).reshape(w.shape), np.sum(dout, axis=(0, 2, 3))
