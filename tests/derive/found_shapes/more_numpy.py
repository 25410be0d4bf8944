"""More functions in NumPy, and the shapes that they are meant for."""

import numpy as np
from scipy.special import expit

from tests.derive.found_shapes.runs import case


def gelu(inp):
    return 0.5 * inp * (1 + np.tanh(np.sqrt(2 / np.pi) * (inp + 0.044715 * inp**3)))


case(gelu, None, "N D")


def elu_forward(x, alpha):
    out = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    return out, (x, out, alpha)


def elu_backward(dout, cache):
    x, out, alpha = cache
    return dout * np.where(x > 0, 1, out + alpha)


case(elu_forward, elu_backward, "N D, = 0.5")


def maxout(x, W, b):
    z = np.einsum("nd,kdm->nkm", x, W) + b
    return z.max(axis=1)


case(maxout, None, "N D, K D M, K M | N D, K D M, M")


def affine_sigmoid_forward(X, W, b):
    Z = X.dot(W) + b
    A = expit(Z)
    return A, {"X": X, "W": W, "A": A}


def affine_sigmoid_backward(dA, cache):
    dZ = dA * cache["A"] * (1 - cache["A"])
    return {"dX": dZ.dot(cache["W"].T), "dW": cache["X"].T.dot(dZ), "db": dZ.sum(axis=0)}


case(affine_sigmoid_forward, affine_sigmoid_backward, "N D, D M, M")


def linear_activation_forward(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    if activation == "sigmoid":
        A = 1 / (1 + np.exp(-Z))
    elif activation == "relu":
        A = np.maximum(0, Z)
    return A, (A_prev, W, b, Z, activation)


def linear_activation_backward(dA, cache):
    A_prev, W, b, Z, activation = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * (s * (1 - s) if activation == "sigmoid" else Z > 0)
    return W.T @ dZ, dZ @ A_prev.T, dZ.sum(axis=1, keepdims=True)


case(linear_activation_forward, linear_activation_backward, "D N, M D, M 1, = 'sigmoid'")


def compute_cost(AL, Y):
    """The cross-entropy cost.

    Arguments:
    AL -- probability vector corresponding to your label predictions, shape (1, number of examples)
    Y -- true "label" vector, shape (1, number of examples)
    """
    m = Y.shape[1]
    return -(np.dot(Y, np.log(AL).T) + np.dot(1 - Y, np.log(1 - AL).T)).squeeze() / m


case(
    compute_cost, lambda d, AL, Y: d * -(Y / AL - (1 - Y) / (1 - AL)) / Y.shape[1], "1 N, 1 N int | 1 N, 1 N"
)


def weighted_mse(pred, target, weights):
    return np.mean(weights * (pred - target) ** 2)


case(
    weighted_mse,
    lambda g, pred, target, weights: g * 2 * weights * (pred - target) / pred.size,
    "N D, N D int, D | N D, N D, D | N D, N D, N D | N D, N D int, N D",
)


def center_loss(features, labels, centers):
    d = features - centers[labels]
    return 0.5 * np.sum(d**2)


def center_loss_backward(g, features, labels, centers):
    d = features - centers[labels]
    dc = np.zeros_like(centers)
    np.add.at(dc, labels, -d)
    return g * d, g * dc


case(center_loss, center_loss_backward, "N D, N int, C D")


def conv_transpose_1d(x, w, stride):
    n, c_in, length = x.shape
    _, c_out, k = w.shape
    out = np.zeros((n, c_out, (length - 1) * stride + k))
    for i in range(length):
        out[:, :, i * stride : i * stride + k] += np.einsum("nc,cok->nok", x[:, :, i], w)
    return out


case(conv_transpose_1d, None, "N C L, C O K, = 1")


def im2col_conv(x, w, b, stride, pad):
    n, c, h, wd = x.shape
    f, _, hh, ww = w.shape
    xp = np.pad(x, ((0,), (0,), (pad,), (pad,)))
    oh, ow = (h + 2 * pad - hh) // stride + 1, (wd + 2 * pad - ww) // stride + 1
    cols = np.stack(
        [
            xp[:, :, i * stride : i * stride + hh, j * stride : j * stride + ww].reshape(n, -1)
            for i in range(oh)
            for j in range(ow)
        ],
        2,
    )
    return (w.reshape(f, -1) @ cols + b[:, None]).reshape(n, f, oh, ow)


case(im2col_conv, None, "N C H W, F C K L, F, = 1, = 1")


def bidirectional(x, Wf, Uf, Wb, Ub):
    n, t, _ = x.shape
    hf, hb = np.zeros((n, Uf.shape[0])), np.zeros((n, Ub.shape[0]))
    for i in range(t):
        hf = np.tanh(x[:, i] @ Wf + hf @ Uf)
        hb = np.tanh(x[:, t - 1 - i] @ Wb + hb @ Ub)
    return np.concatenate([hf, hb], axis=1)


case(bidirectional, None, "N T D, D H, H H, D G, G G | N T D, D H, H H, D H, H H")


def additive_attention(query, keys, values, Wq, Wk, v):
    e = np.tanh(query @ Wq + keys @ Wk) @ v
    a = np.exp(e - e.max())
    a /= a.sum()
    return a @ values


case(additive_attention, None, "K, S D, S V, K M, D M, M | S K, S D, N V, K M, D M, M N")


def perceptron_chain(x, w1, w2):
    h = np.tanh(w1 @ x)
    return w2 @ h


def perceptron_chain_backward(dy, x, w1, w2):
    h = np.tanh(w1 @ x)
    dz = (w2.T @ dy) * (1 - h**2)
    return w1.T @ dz, np.outer(dz, x), np.outer(dy, h)


case(perceptron_chain, perceptron_chain_backward, "D, H D, M H")


def dropout_forward_inverted(x, keep_prob, seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random(x.shape) < keep_prob) / keep_prob
    return x * mask, mask


case(dropout_forward_inverted, lambda dout, cache: dout * cache, "N D, = 0.5, = 0")


def bn_wrong_forward(inputs, gamma, beta, eps):
    mu = inputs.mean(0)
    v = inputs.var(0)
    xn = (inputs - mu) / np.sqrt(v + eps)
    return gamma * xn + beta, (xn, gamma, v, eps)


def bn_wrong_backward(dout, cache):
    xn, gamma, v, eps = cache
    return dout * gamma / np.sqrt(v + eps), dout * xn, dout


case(bn_wrong_forward, bn_wrong_backward, "N D, D, D, = 1e-05")
