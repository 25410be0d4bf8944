"""Right backwards of recurrent layers, embeddings and layers of sequences in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import Gradients, NamedForm
from tests.verify.gallery.numpy_layers import Array, Cache
from tests.verify.gallery.numpy_sequences import (
    EMBEDDING,
    LSTM,
    LSTM_STEP,
    RNN,
    RNN_STEP,
    TEMPORAL,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    temporal_affine_forward,
    word_embedding_forward,
)

NUMPY_RIGHT_SEQUENCES = NamedForm()
right = NUMPY_RIGHT_SEQUENCES.right


@right("recurrent step", RNN_STEP, rnn_step_forward)
def _(dnext_h: Array, cache: Cache) -> Gradients:
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h - dnext_h * next_h * next_h
    dx, dprev_h = np.dot(da, Wx.T), np.dot(da, Wh.T)
    dWx, dWh = np.dot(x.T, da), np.dot(prev_h.T, da)
    return dx, dprev_h, dWx, dWh, np.sum(da, axis=0)


@right("recurrence, step by step", RNN, rnn_forward)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx, dprev = np.zeros((N, T, D)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(T)):
        dx_t, dprev, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t, :] + dprev, cache[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev, dWx, dWh, db


@right("recurrence, the gradient added to the upstream one", RNN, rnn_forward)
def _(dh: Array, cache: Cache) -> Gradients:
    T = dh.shape[1]
    Wx, Wh = cache[0][2:4]
    dz = np.empty_like(dh)
    dh0 = 0
    for t in range(T - 1, -1, -1):
        dz[:, t] = dh[:, t] * (1 - cache[t][-1] ** 2)
        if t > 0:
            dh[:, t - 1] += dz[:, t] @ Wh.T
        else:
            dh0 = dz[:, t] @ Wh.T
    dWx = sum(cache[t][0].T @ dz[:, t] for t in range(T))
    dWh = sum(cache[t][1].T @ dz[:, t] for t in range(T))
    return dz @ Wx.T, dh0, dWx, dWh, dz.sum(axis=(0, 1))


@right("memory cell", LSTM_STEP, lstm_step_forward)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = np.tanh(next_c) * dnext_h
    dnext_c = dnext_c + o * (1 - np.tanh(next_c) ** 2) * dnext_h
    df, dprev_c = prev_c * dnext_c, f * dnext_c
    di, dg = g * dnext_c, i * dnext_c
    da = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)], axis=1)
    return da.dot(Wx.T), da.dot(Wh.T), dprev_c, x.T.dot(da), prev_h.T.dot(da), da.sum(axis=0)


@right("memory cell: its gates written into one array", LSTM_STEP, lstm_step_forward)
def _(dnext_h: Array, dnext_c: Array, cache: Cache) -> Gradients:
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    N, H = prev_h.shape
    t = np.tanh(next_c)
    dnext_c += dnext_h * o * (1 - t * t)
    da = np.zeros((N, 4 * H))
    da[:, :H] = dnext_c * g * i * (1 - i)
    da[:, H : 2 * H] = dnext_c * prev_c * f * (1 - f)
    da[:, 2 * H : 3 * H] = dnext_h * t * o * (1 - o)
    da[:, 3 * H :] = dnext_c * i * (1 - g * g)
    return da @ Wx.T, da @ Wh.T, dnext_c * f, x.T @ da, prev_h.T @ da, np.sum(da, axis=0)


@right("memory", LSTM, lstm_forward)
def _(dh: Array, cache: Cache) -> Gradients:
    N, T, H = dh.shape
    dx, dWx, dWh, db = [], 0, 0, 0
    dprev_h, dprev_c = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        step = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t])
        dx.append(step[0])
        dprev_h, dprev_c = step[1:3]
        dWx, dWh, db = dWx + step[3], dWh + step[4], db + step[5]
    return np.stack(dx[::-1], axis=1), dprev_h, dWx, dWh, db


@right("words: added where they are", EMBEDDING, word_embedding_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


@right("words: in a loop", EMBEDDING, word_embedding_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, shape = cache
    dW = np.zeros(shape)
    for n in range(x.shape[0]):
        for t in range(x.shape[1]):
            dW[x[n, t]] += dout[n, t]
    return (dW,)


@right("words: the transpose of their one-hot vectors", EMBEDDING, word_embedding_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, (V, D) = cache
    one_hot = np.eye(V)[x.reshape(-1)]
    return one_hot.T @ dout.reshape(-1, D)


@right("layer of sequences", TEMPORAL, temporal_affine_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, out = cache
    N, T, D = x.shape
    M = b.shape[0]
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)
    dw = dout.reshape(N * T, M).T.dot(x.reshape(N * T, D)).T
    db = dout.sum(axis=(0, 1))
    return dx, dw, db


@right("layer of sequences by products of more dimensions", TEMPORAL, temporal_affine_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, _, _ = cache
    dw = np.tensordot(x, dout, axes=([0, 1], [0, 1]))
    return np.matmul(dout, w.T), dw, np.einsum("ntm->m", dout)
