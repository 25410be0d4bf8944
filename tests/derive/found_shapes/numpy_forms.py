"""Forms that arguments have: layers, dictionaries, flags, strings, keywords, documentation."""

from typing import Annotated, Any

import numpy as np

from tests.derive.found_shapes.runs import case


class Dense:
    def __init__(self, rows, columns):
        self.W = np.ones((rows, columns))
        self.b = np.ones(columns)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T


LAYER = Dense(4, 6)
case(LAYER.forward, lambda dout, x: dout @ LAYER.W.T, "N D")


def keywords(x, *, w, scale):
    return scale * (x @ w)


case(keywords, None, "N D, D M, M")


def net_by_names(params, X):
    a = X
    for layer in range(1, 4):
        a = np.tanh(a @ params[f"W{layer}"] + params[f"b{layer}"])
    return a


case(net_by_names, None, "{W1: D A; b1: A; W2: A B; b2: B; W3: B C; b3: C}, N D")


def cell(p, x, h):
    z = 1 / (1 + np.exp(-(x @ p["Wz"] + h @ p["Uz"] + p["bz"])))
    n = np.tanh(x @ p["Wn"] + (z * h) @ p["Un"] + p["bn"])
    return (1 - z) * h + z * n


case(cell, None, "{Wz: D H; Uz: H H; bz: H; Wn: D H; Un: H H; bn: H}, N D, N H")


def activated(x, w, b, activation):
    z = x @ w + b
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "tanh":
        return np.tanh(z)
    raise ValueError(activation)


case(activated, None, "N D, D M, M, = 'relu'")


def reduced(pred, target, reduction):
    squares = (pred - target) ** 2
    return squares.mean() if reduction == "mean" else squares.sum()


case(reduced, None, "N D, N D, = 'mean'")


def huber(y_hat, y, delta):
    r = y_hat - y
    return np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).sum()


case(huber, None, "N D, N D, = 1.0")


def trained(x: np.ndarray, train: bool, rate: float):
    return x * rate if train else x


case(trained, lambda dout, x, train, rate: dout * rate, "N D, = True, = 0.5")


def normalised(x, axis):
    return x / np.sqrt((x**2).sum(axis=axis, keepdims=True))


case(normalised, lambda dout, x, axis: dout, "N D, = 1")


def documented(a, c):
    """A product.

    Parameters
    ----------
    a : ndarray of shape (batch, features)
    c : array of shape (features, classes)
    """
    return a @ c


case(documented, lambda dout, a, c: (dout @ c.T, a.T @ dout), "N D, D C")


def documented_labels(f, g):
    """A loss.

    Args:
        f: scores of shape (N, C).
        g: labels, integers of shape (N,).
    """
    return -f[np.arange(len(f)), g].mean()


case(documented_labels, None, "N C, N int")


Rows = Annotated[Any, "n d"]


def annotated(u: Annotated[Any, "n d"], v: Annotated[Any, "d"]):
    return u * v


case(annotated, lambda dout, u, v: (dout * v, (dout * u).sum(0)), "N D, D")


def with_list_of_weights(x, w_hidden, b_hidden, w_out, b_out):
    return np.tanh(x @ w_hidden + b_hidden) @ w_out + b_out


case(with_list_of_weights, None, "N D, D H, H, H C, C")


def convolved(x, w, b, stride, pad):
    (n, _, h, wide), (f, _, kh, kw) = x.shape, w.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = (h + 2 * pad - kh) // stride + 1, (wide + 2 * pad - kw) // stride + 1
    out = np.zeros((n, f, rows, columns))
    for i in range(rows):
        for j in range(columns):
            r, c = i * stride, j * stride
            out[:, :, i, j] = np.einsum("nchw,fchw->nf", x[:, :, r : r + kh, c : c + kw], w)
    return out + b.reshape(1, -1, 1, 1)


case(convolved, None, "N C H W, F C K L, F, = 1, = 1")


def seq_loss(x, h0, Wx, Wh, Wy, b, by, y):
    h, loss = h0, 0.0
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        s = h @ Wy + by
        s = s - np.log(np.exp(s).sum(1, keepdims=True))
        loss -= s[np.arange(len(s)), y[:, t]].mean()
    return loss


case(seq_loss, None, "N T D, N H, D H, H H, H O, H, O, N T int")


def skip_gram(center, context, W_in, W_out):
    return -np.log(1 / (1 + np.exp(-np.sum(W_in[center] * W_out[context], axis=1)))).sum()


case(skip_gram, None, "N T int, N T int, V D, U D")
