"""Layers and losses in NumPy, with the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


case(sigmoid, lambda dout, x: dout * sigmoid(x) * (1 - sigmoid(x)), "N D")


def leaky(z, alpha):
    return np.where(z > 0, z, alpha * z)


case(leaky, lambda dout, z, alpha: dout * np.where(z > 0, 1, alpha), "N D, = 0.5")


def product(a, b):
    return a * b


case(product, lambda dout, a, b: (dout * b, dout * a), "N D, N D")


def ratio(u, v):
    return u / v


case(ratio, lambda dout, u, v: (dout / v, -dout * u / v**2), "N D, N D")


def affine(x, w, b):
    return x @ w + b


case(affine, lambda dout, x, w, b: (dout @ w.T, x.T @ dout, dout.sum(0)), "N D, D M, M")


def affine_rows(x, W, b):
    return np.dot(x, W.T) + b


case(affine_rows, lambda dout, x, W, b: (dout @ W, dout.T @ x, dout.sum(0)), "N D, M D, M")


def affine_columns(X, W, b):
    return np.dot(W, X) + b


def affine_columns_backward(dZ, X, W, b):
    return W.T @ dZ, dZ @ X.T, dZ.sum(axis=1, keepdims=True)


case(affine_columns, affine_columns_backward, "D N, M D, M 1")


def linear_forward(A_prev, W, b):
    """Z = W A + b.

    Arguments:
    A_prev -- activations from previous layer (or input data): (size of previous layer, number of examples)
    W -- weights matrix: numpy array of shape (size of current layer, size of previous layer)
    b -- bias vector, numpy array of shape (size of the current layer, 1)
    """
    return W @ A_prev + b, (A_prev, W, b)


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, np.sum(dZ, axis=1, keepdims=True) / m


case(linear_forward, linear_backward, "D N, M D, M 1")


def fc_forward(x, w, b):
    """A fully connected layer.

    Inputs:
    - x: A numpy array containing input data, of shape (N, d_1, ..., d_k)
    - w: A numpy array of weights, of shape (D, M)
    - b: A numpy array of biases, of shape (M,)
    """
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def fc_backward(dout, cache):
    x, w, b = cache
    flat = x.reshape(x.shape[0], -1)
    return dout.dot(w.T).reshape(x.shape), flat.T.dot(dout), dout.sum(axis=0)


case(fc_forward, fc_backward, "N A B, E M, M")


def affine_by_loops(x, w, b):
    N, D = x.shape
    M = w.shape[1]
    out = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            out[n, m] = b[m]
            for d in range(D):
                out[n, m] += x[n, d] * w[d, m]
    return out


case(affine_by_loops, lambda dout, x, w, b: (dout @ w.T, x.T @ dout, dout.sum(0)), "N D, D M, M")


def two_layers(x, W1, b1, W2, b2):
    h = np.maximum(0, x @ W1 + b1)
    return h @ W2 + b2


def two_layers_backward(dout, x, W1, b1, W2, b2):
    z = x @ W1 + b1
    h = np.maximum(0, z)
    dz = (dout @ W2.T) * (z > 0)
    return dz @ W1.T, x.T @ dz, dz.sum(0), h.T @ dout, dout.sum(0)


case(two_layers, two_layers_backward, "N D, D H, H, H C, C")


def three_layers(X, W1, W2, W3):
    return np.tanh(np.tanh(X @ W1) @ W2) @ W3


case(three_layers, None, "N D, D H, H E, E C")


def mlp_columns(X, W1, b1, W2, b2):
    a1 = np.tanh(W1 @ X + b1)
    return W2 @ a1 + b2


def mlp_columns_backward(dout, X, W1, b1, W2, b2):
    a1 = np.tanh(W1 @ X + b1)
    dz = W2.T @ dout * (1 - a1**2)
    return W1.T @ dz, dz @ X.T, dz.sum(1, keepdims=True), dout @ a1.T, dout.sum(1, keepdims=True)


case(mlp_columns, mlp_columns_backward, "D N, H D, H 1, C H, C 1")


def net_of_parameters(params, x):
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h @ params["W2"] + params["b2"]


case(net_of_parameters, None, "{W1: D H; b1: H; W2: H C; b2: C}, N D")


def loss_of_parameters(params, x, y):
    h = np.maximum(0, x.dot(params["W1"]) + params["b1"])
    scores = h.dot(params["W2"]) + params["b2"]
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    n = len(y)
    loss = -np.log(p[np.arange(n), y]).mean()
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    ds /= n
    dh = ds @ params["W2"].T * (h > 0)
    grads = {"W1": x.T @ dh, "b1": dh.sum(0), "W2": h.T @ ds, "b2": ds.sum(0), "x": dh @ params["W1"].T}
    return loss, grads


case(loss_of_parameters, None, "{W1: D H; b1: H; W2: H C; b2: C}, N D, N int")
