"""Layers as a course's homework has them: NumPy, loops, writing in place, helpers."""

import numpy as np
from numpy import zeros


def affine(x, w, b):
    return x.reshape(x.shape[0], -1).dot(w) + b


def affine_backward(dout, x, w, b):
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def two_layers(x, w1, b1, w2, b2):
    h = np.maximum(0, x @ w1 + b1)
    return h @ w2 + b2


def two_layers_backward(dout, x, w1, b1, w2, b2):
    z = x @ w1 + b1
    h = np.maximum(0, z)
    dh = dout @ w2.T
    dz = dh.copy()
    dz[z <= 0] = 0
    return dz @ w1.T, x.T @ dz, dz.sum(axis=0), h.T @ dout, dout.sum(axis=0)


def batch_norm(x, gamma, beta):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    x_hat = (x - mu) / np.sqrt(var + 1e-5)
    running_mean = np.zeros(x.shape[1], dtype=x.dtype)
    running_mean = 0.9 * running_mean + 0.1 * mu
    return gamma * x_hat + beta


def batch_norm_backward(dout, x, gamma, beta):
    n, d = x.shape
    mu = 1.0 / n * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / n * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + 1e-5) * dsqrtvar
    dsq = 1.0 / n * np.ones((n, d)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / n * np.ones((n, d)) * dmu
    return dx1 + dx2, dgamma, dbeta


def layer_norm(x, gamma, beta):
    x = x.T
    mean = x.mean(axis=0)
    std = x.std(axis=0) + 1e-5
    z = (x - mean) / std
    return gamma * z.T + beta


def group_norm(x, gamma, beta, groups=2):
    n, c, h, w = x.shape
    grouped = np.reshape(x, (n * groups, c // groups * h * w)).T
    mean = grouped.mean(axis=0)
    var = grouped.var(axis=0)
    z = ((grouped - mean) / np.sqrt(var + 1e-5)).T.reshape(n, c, h, w)
    return gamma[np.newaxis, :, np.newaxis, np.newaxis] * z + beta[None, :, None, None]


def dropout(x):
    np.random.seed(3)
    mask = (np.random.rand(*x.shape) < 0.6) / 0.6
    return x * mask


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


LABELS = np.array([1, 0, 3, 2, 1])


def softmax_loss(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(z)
    n = x.shape[0]
    return -np.sum(log_probs[np.arange(n), LABELS]) / n


def softmax_loss_backward(dout, x):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    n = x.shape[0]
    dx = probs.copy()
    dx[np.arange(n), LABELS] -= 1
    dx /= n
    return dout * dx


def svm_loss(x):
    n = x.shape[0]
    correct = x[np.arange(n), LABELS]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(n), LABELS] = 0
    loss = 0.0
    loss += np.sum(margins) / n
    loss += 0.5 * 0.1 * np.sum(x * x)
    return loss


def svm_loss_backward(dout, x):
    n = x.shape[0]
    correct = x[np.arange(n), LABELS]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(n), LABELS] = 0
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(n), LABELS] -= num_pos
    dx /= n
    dx += 0.1 * x
    return dout * dx


def rnn(x, h0, wx, wh, b):
    n, steps, _ = x.shape
    h = np.zeros((n, steps, h0.shape[1]))
    previous = h0
    for t in range(steps):
        h[:, t, :] = np.tanh(x[:, t, :] @ wx + previous @ wh + b)
        previous = h[:, t, :]
    return h


def rnn_backward(dh, x, h0, wx, wh, b):
    steps = x.shape[1]
    h = rnn(x, h0, wx, wh, b)
    dx, dh0 = np.zeros_like(x), np.zeros_like(h0)
    dwx, dwh, db = np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(b)
    for t in reversed(range(steps)):
        before = h[:, t - 1] if t else h0
        dz = (dh[:, t, :] + dh0) * (1 - h[:, t] ** 2)
        dx[:, t, :] = dz @ wx.T
        dh0 = dz @ wh.T
        dwx += x[:, t].T @ dz
        dwh += before.T @ dz
        db += dz.sum(axis=0)
    return dx, dh0, dwx, dwh, db


def sigmoid(x):
    pos = x >= 0
    z = np.zeros_like(x)
    z[pos] = np.exp(-x[pos])
    z[~pos] = np.exp(x[~pos])
    top = np.ones_like(x)
    top[~pos] = z[~pos]
    return top / (1 + z)


def lstm(x, h0, wx, wh, b):
    n, steps, _ = x.shape
    size = h0.shape[1]
    h = np.empty((n, steps, size))
    h_t, c_t = h0, np.zeros(h0.shape)
    for t in range(steps):
        a = x[:, t] @ wx + h_t @ wh + b
        i, f = sigmoid(a[:, :size]), sigmoid(a[:, size : 2 * size])
        o, g = sigmoid(a[:, 2 * size : 3 * size]), np.tanh(a[:, 3 * size :])
        c_t = f * c_t + i * g
        h_t = o * np.tanh(c_t)
        h[:, t, :] = h_t
    return h


def lstm_of_splits(x, h0, wx, wh, b):
    c = np.zeros_like(h0)
    h = h0
    out = []
    for x_t in x.transpose(1, 0, 2):
        i, f, o, g = np.hsplit(x_t.dot(wx) + h.dot(wh) + b, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out, axis=1)


WORDS = np.array([[0, 2, 2], [1, 0, 2]])


def embedding(w):
    return w[WORDS]


def embedding_backward(dout, w):
    dw = np.zeros_like(w)
    np.add.at(dw, WORDS, dout)
    return dw


def temporal_softmax(x):
    n, t, v = x.shape
    y = np.arange(n * t).reshape(n, t) % v
    mask = np.arange(n * t).reshape(n, t) % 3 != 1
    flat, y, mask = x.reshape(n * t, v), y.reshape(n * t), mask.reshape(n * t)
    probs = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    return -np.sum(mask * np.log(probs[np.arange(n * t), y])) / n


def attention(q, k, v):
    n, t, d = q.shape
    q, k, v = (z.reshape(n, t, 2, d // 2).transpose(0, 2, 1, 3) for z in (q, k, v))
    scores = np.einsum("nhtd,nhsd->nhts", q, k) / np.sqrt(d // 2)
    scores = np.where(np.tril(np.ones((t, t))) == 0, -1e9, scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    return (weights @ v).swapaxes(1, 2).reshape(n, t, d)


RNN = [(2, 3, 4), (2, 5), (4, 5), (5, 5), (5,)]
LSTM = [(2, 3, 4), (2, 5), (4, 20), (5, 20), (20,)]
FORWARDS = [
    (affine, [(3, 2, 5), (10, 4), (4,)]),
    (two_layers, [(5, 3), (3, 4), (4,), (4, 2), (2,)]),
    (batch_norm, [(5, 3), (3,), (3,)]),
    (layer_norm, [(5, 3), (3,), (3,)]),
    (group_norm, [(2, 4, 3, 3), (4,), (4,)]),
    (dropout, [(5, 3)]),
    (convolution, [(2, 2, 4, 4), (3, 2, 3, 3), (3,)]),
    (max_pool, [(2, 2, 4, 4)]),
    (softmax_loss, [(5, 4)]),
    (svm_loss, [(5, 4)]),
    (rnn, RNN),
    (sigmoid, [(5, 3)]),
    (lstm, LSTM),
    (lstm_of_splits, LSTM),
    (embedding, [(3, 4)]),
    (temporal_softmax, [(2, 3, 4)]),
    (attention, [(2, 3, 4), (2, 3, 4), (2, 3, 4)]),
]
BACKWARDS = [
    (affine, affine_backward),
    (two_layers, two_layers_backward),
    (batch_norm, batch_norm_backward),
    (convolution, convolution_backward),
    (max_pool, max_pool_backward),
    (max_pool, max_pool_backward_by_mask),
    (softmax_loss, softmax_loss_backward),
    (svm_loss, svm_loss_backward),
    (rnn, rnn_backward),
    (embedding, embedding_backward),
]
