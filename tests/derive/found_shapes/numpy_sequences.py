"""Recurrences, words and their losses in NumPy, with the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, prev_h.T @ dz, dz.sum(0)


case(rnn_step_forward, rnn_step_backward, "N D, N H, D H, H H, H")


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev = h0
    for t in range(T):
        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)
        h[:, t, :] = prev
    return h, (x, h0, Wx, Wh, h)


def rnn_backward(dh, cache):
    x, h0, Wx, Wh, h = cache
    return np.zeros_like(x), np.zeros_like(h0), np.zeros_like(Wx), np.zeros_like(Wh), dh.sum((0, 1))


case(rnn_forward, rnn_backward, "N T D, N H, D H, H H, H")


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i, f, o = (1 / (1 + np.exp(-a[:, k * H : (k + 1) * H])) for k in range(3))
    g = np.tanh(a[:, 3 * H : 4 * H])
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, b)


def lstm_step_backward(dnext_h, dnext_c, cache):
    return tuple(np.zeros_like(part) for part in cache)


case(lstm_step_forward, lstm_step_backward, "N D, N H, N H, D 4H, H 4H, 4H")


def word_embedding_forward(x, W):
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


case(word_embedding_forward, word_embedding_backward, "N T int, V D")


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    flat, labels, m = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    p = np.exp(flat - flat.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.sum(m * np.log(p[np.arange(N * T), labels])) / N
    d = p.copy()
    d[np.arange(N * T), labels] -= 1
    return loss, (d / N * m[:, None]).reshape(N, T, V)


case(temporal_softmax_loss, None, "N T V, N T int, N T truth")


def char_rnn_step(x, hprev, Wxh, Whh, Why, bh, by):
    h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hprev) + bh)
    return np.dot(Why, h) + by


def char_rnn_step_backward(dy, x, hprev, Wxh, Whh, Why, bh, by):
    h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hprev) + bh)
    dz = Why.T @ dy * (1 - h * h)
    return (
        Wxh.T @ dz,
        Whh.T @ dz,
        dz @ x.T,
        dz @ hprev.T,
        dy @ h.T,
        dz.sum(1, keepdims=True),
        dy.sum(1, keepdims=True),
    )


case(
    char_rnn_step,
    char_rnn_step_backward,
    "D N, H N, H D, H H, O H, H 1, O 1 | D 1, H 1, H D, H H, O H, H 1, O 1",
)
