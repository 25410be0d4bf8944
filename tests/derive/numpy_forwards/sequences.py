"""Recurrences."""

import numpy as np

from tests.derive.numpy_forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@case((3, 4), (3, 5), (4, 5), (5, 5), (5,))
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


@case((2, 3, 4), (2, 5), (4, 5), (5, 5), (5,))
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    prev_h = h0
    for t in range(T):
        prev_h = np.tanh(x[:, t, :] @ Wx + prev_h @ Wh + b)
        h[:, t, :] = prev_h
    return h, (x, h0, Wx, Wh, h)


@case((3, 4), (3, 2), (3, 2), (4, 8), (2, 8), (8,))
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, (x, prev_h, prev_c, i, f, o, g, next_c)


@case((3, 4), (3, 2), (3, 2), (4, 8), (2, 8), (8,))
def lstm_step_of_split(x, prev_h, prev_c, Wx, Wh, b):
    a_i, a_f, a_o, a_g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
    next_c = f * prev_c + i * g
    return np.concatenate([o * np.tanh(next_c), next_c], axis=1)


@case((2, 3), (2, 2), (5, 2), (5, 2), (5, 2), (2,), (2,), (2,))
def gru_step(x, h, Wz, Wr, Wh, bz, br, bh):
    z = sigmoid(np.concatenate([x, h], axis=1) @ Wz + bz)
    r = sigmoid(np.concatenate([x, h], axis=1) @ Wr + br)
    candidate = np.tanh(np.hstack([x, r * h]) @ Wh + bh)
    return (1 - z) * h + z * candidate


@case((6, 3), (3, 3))
def running_product(x, A):
    states = []
    s = x[0]
    for t in range(1, len(x)):
        s = np.tanh(A @ s) + x[t]
        states.append(s)
    return np.stack(states)


@case((3, 4), (3, 2), (3, 2), (4, 8), (2, 8), (8,))
def lstm_cell_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache


@case((3, 4), (3, 5), (4, 5))
def polar_forward(x, y, W):
    u = x @ W
    size = np.sqrt(u**2 + y**2)
    angle = np.arctan(y / u)
    return (size, angle), (u, y)
