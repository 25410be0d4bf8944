"""Derivations with a mistake, for which shapes must be found all the same."""

import numpy as np

from tests.derive.found_shapes.runs import case


def affine(x, w, b):
    return x @ w + b


case(affine, lambda dout, x, w, b: (dout @ w.T, x.T @ dout, dout), "N D, D M, M")


def affine_transposed(x, w, b):
    return x.dot(w) + b


case(affine_transposed, lambda dout, x, w, b: (dout @ w, x.T @ dout, dout.sum(0)), "N D, D M, M")


def weight_transposed(x, w):
    return np.matmul(x, w.T)


case(weight_transposed, lambda dout, x, w: (dout @ w, x.T @ dout), "N D, M D")


def misspelled(x, w, b):
    return x @ w + b


def misspelled_backward(dout, x, w, b):
    return dout @ w.T, x.T @ dout, dout.summed(0)


case(misspelled, misspelled_backward, "N D, D M, M")


def norm(x, gamma, beta):
    xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    return gamma * xhat + beta


case(norm, lambda dout, x, gamma, beta: (dout * gamma, dout * x, dout), "N D, D, D")


def softmax_loss(x, y):
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    return -np.log(p[range(len(y)), y]).mean()


case(softmax_loss, lambda dout, x, y: dout * x.sum(1), "N C, N int")


def one_gradient_forgotten(x, w):
    return np.tanh(x @ w)


case(one_gradient_forgotten, lambda dout, x, w: dout @ w.T, "N D, D M")


def mlp(x, W1, b1, W2, b2):
    h = np.maximum(0, x @ W1 + b1)
    return h @ W2 + b2, (x, W1, h, W2)


def mlp_backward(dout, cache):
    x, W1, h, W2 = cache
    dh = dout @ W2
    return dh @ W1.T, x.T @ dh, dh.sum(0), h.T @ dout, dout.sum(0)


case(mlp, mlp_backward, "N D, D H, H, H C, C")


def lstm_cell(x, h, c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    c = f * c + i * g
    return o * np.tanh(c), c, (x, h, c)


case(lstm_cell, lambda dh, dc, cache: (dh, dc), "N D, N H, N H, D 4H, H 4H, 4H")


def embedding(x, W):
    return W[x]


case(embedding, lambda dout, x, W: dout.sum(0), "N T int, V D")


def conv(x, w, b):
    n, c, h, wide = x.shape
    f, _, kh, kw = w.shape
    out = np.zeros((n, f, h - kh + 1, wide - kw + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.einsum("nchw,fchw->nf", x[:, :, i : i + kh, j : j + kw], w) + b
    return out


case(conv, lambda dout, x, w, b: (x, w, dout.sum((2, 3))), "N C H W, F C K L, F")


def attention(q, k, v):
    s = q @ k.T
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    return p @ v


case(attention, lambda dout, q, k, v: (dout @ v.T @ k, q.T @ dout, dout), "T K, S K, S V")
