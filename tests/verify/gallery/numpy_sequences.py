"""Recurrent layers, embeddings and layers of sequences (N, T, D), as NumPy functions with a cache."""

import numpy as np

from tests.verify.gallery.numpy_layers import Array, Cache

RNN_STEP = ((5, 3), (5, 2), (3, 2), (2, 2), (2,))
RNN = ((5, 4, 3), (5, 2), (3, 2), (2, 2), (2,))
LSTM_STEP = ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8), (8,))
LSTM = ((5, 3, 4), (5, 2), (4, 8), (2, 8), (8,))
WORDS = np.array([[0, 3, 3, 1], [2, 1, 6, 3]])
EMBEDDING = (WORDS, (7, 3))
TEMPORAL = ((5, 2, 3), (3, 7), (7,))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def rnn_step_forward(x: Array, prev_h: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Array, Cache]:
    next_h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h: Array, cache: Cache) -> tuple[Array, ...]:
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)


def rnn_forward(x: Array, h0: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Array, Cache]:
    """All states (N, T, H) and the caches of the steps."""
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]), dtype=x.dtype)
    caches = []
    prev_h = h0
    for t in range(T):
        prev_h, step = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        h[:, t] = prev_h
        caches.append(step)
    return h, caches


def lstm_step_forward(
    x: Array, prev_h: Array, prev_c: Array, Wx: Array, Wh: Array, b: Array
) -> tuple[Array, Array, Cache]:
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i, f = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H])
    o, g = sigmoid(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache


def lstm_step_backward(dnext_h: Array, dnext_c: Array, cache: Cache) -> tuple[Array, ...]:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g * i * (1 - i)
    df = dc * prev_c * f * (1 - f)
    do = dnext_h * tanh_c * o * (1 - o)
    dg = dc * i * (1 - g**2)
    da = np.hstack((di, df, do, dg))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def lstm_forward(x: Array, h0: Array, Wx: Array, Wh: Array, b: Array) -> tuple[Array, Cache]:
    """All states (N, T, H); the memory begins at zero."""
    h, c = h0, np.zeros_like(h0)
    states, caches = [], []
    for t in range(x.shape[1]):
        h, c, step = lstm_step_forward(x[:, t, :], h, c, Wx, Wh, b)
        states.append(h)
        caches.append(step)
    return np.stack(states, axis=1), caches


def word_embedding_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    out = W[x]
    cache = (x, W.shape)
    return out, cache


def temporal_affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    N, T, D = x.shape
    M = b.shape[0]
    out = x.reshape(N * T, D).dot(w).reshape(N, T, M) + b
    cache = (x, w, b, out)
    return out, cache
