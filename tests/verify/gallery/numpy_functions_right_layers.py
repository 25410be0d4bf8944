"""Right derivations of attention, cells, windows and models in NumPy, without a cache and with one."""

from typing import Any

import numpy as np
from scipy.special import expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import (
    CENTERS,
    CONTEXTS,
    NEGATIVES,
    Array,
    attention,
    average_pool,
    conv1d,
    conv_im2col,
    depthwise,
    gaussian_log_likelihood,
    gru_step,
    im2col,
    logistic_regression,
    merge_heads,
    mixture_of_experts,
    multi_head,
    negative_sampling,
    pairwise_distances,
    polynomial,
    projection_loss,
    ridge_loss,
    softmax,
    softmax_last,
    split_heads,
)

NUMPY_FUNCTIONS_RIGHT_LAYERS = NamedForm()
right = NUMPY_FUNCTIONS_RIGHT_LAYERS.right
Gradients = Any


@right("attention", ((5, 4), (6, 4), (6, 3)), attention)
def _(dout: Array, Q: Array, K: Array, V: Array) -> Gradients:
    scale = np.sqrt(Q.shape[1])
    p = softmax(Q.dot(K.T) / scale)
    dV = p.T.dot(dout)
    dp = dout.dot(V.T)
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True)) / scale
    return ds.dot(K), ds.T.dot(Q), dV


@right("attention with several heads", ((5, 6), (6, 4), (6, 4), (6, 4)), multi_head)
def _(dout: Array, x: Array, Wq: Array, Wk: Array, Wv: Array) -> Gradients:
    q, k, v = (split_heads(x @ W, 2) for W in (Wq, Wk, Wv))
    scale = np.sqrt(q.shape[-1])
    p = softmax_last(q @ k.transpose(0, 2, 1) / scale)
    do = split_heads(dout, 2)
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / scale
    dq = merge_heads(ds @ k)
    dk = merge_heads(ds.transpose(0, 2, 1) @ q)
    dv = merge_heads(p.transpose(0, 2, 1) @ do)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


@right("gated unit", ((5, 3), (5, 2), (3, 4), (2, 4), (3, 2), (2, 2)), gru_step)
def _(dout: Array, x: Array, h: Array, W: Array, U: Array, Wn: Array, Un: Array) -> Gradients:
    H = h.shape[1]
    a = x @ W + h @ U
    z, r = expit(a[:, :H]), expit(a[:, H:])
    n = np.tanh(x @ Wn + (r * h) @ Un)
    dn = dout * z * (1 - n**2)
    dz = dout * (n - h) * z * (1 - z)
    drh = dn @ Un.T
    dr = drh * h * r * (1 - r)
    da = np.hstack([dz, dr])
    dx = da @ W.T + dn @ Wn.T
    dh = dout * (1 - z) + drh * r + da @ U.T
    return dx, dh, x.T @ da, h.T @ da, x.T @ dn, (r * h).T @ dn


@right("average pooling by np.repeat", ((2, 3, 4, 6),), average_pool)
def _(dout: Array, x: Array) -> Gradients:
    return dout.repeat(2, axis=2).repeat(2, axis=3) / 4


@right("convolution over a sequence by a loop", ((2, 3, 7), (4, 3, 3), (4,)), conv1d)
def _(dout: Array, x: Array, w: Array, b: Array) -> Gradients:
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for t in range(dout.shape[2]):
        window = x[:, :, t : t + 3]
        dw += np.einsum("nf,nck->fck", dout[:, :, t], window)
        dx[:, :, t : t + 3] += np.einsum("nf,fck->nck", dout[:, :, t], w)
    return dx, dw, dout.sum(axis=(0, 2))


@right("depthwise convolution", ((2, 3, 5, 4), (3, 3, 3)), depthwise)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    H, W = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(3):
        for j in range(3):
            dw[:, i, j] = np.sum(dout * padded[:, :, i : i + H, j : j + W], axis=(0, 2, 3))
            dpadded[:, :, i : i + H, j : j + W] += dout * w[:, i, j].reshape(1, -1, 1, 1)
    return dpadded[:, :, 1:-1, 1:-1], dw


@right("convolution as a product of windows", ((2, 3, 5, 4), (4, 3, 2, 2), (4,)), conv_im2col)
def _(dout: Array, x: Array, w: Array, b: Array) -> Gradients:
    F, C, k, _ = w.shape
    N, _, h, wid = dout.shape
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    dw = (rows.T @ im2col(x, k)).reshape(w.shape)
    dcols = (rows @ w.reshape(F, -1)).reshape(N, h, wid, C, k, k)
    dx = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            dx[:, :, i : i + h, j : j + wid] += dcols[:, :, :, :, i, j].transpose(0, 3, 1, 2)
    return dx, dw, rows.sum(axis=0)


@right("squared distances of all pairs", ((5, 3), (4, 3)), pairwise_distances)
def _(dout: Array, a: Array, b: Array) -> Gradients:
    diff = a[:, None, :] - b[None, :, :]
    d = 2 * dout[:, :, None] * diff
    return d.sum(axis=1), -d.sum(axis=0)


@right("mixture of experts", ((5, 3), (3, 4), (4, 3, 2)), mixture_of_experts)
def _(dout: Array, x: Array, G: Array, E: Array) -> Gradients:
    gates = softmax(x @ G)
    outs = np.tanh(np.einsum("nd,mdk->nmk", x, E))
    dgates = np.einsum("nk,nmk->nm", dout, outs)
    dz = gates * (dgates - np.sum(gates * dgates, axis=1, keepdims=True))
    da = gates[:, :, None] * dout[:, None, :] * (1 - outs**2)
    dx = dz @ G.T + np.einsum("nmk,mdk->nd", da, E)
    return dx, x.T @ dz, np.einsum("nd,nmk->mdk", x, da)


@right("projection of centred rows", ((5, 4), (4, 2)), projection_loss)
def _(dout: Array, x: Array, V: Array) -> Gradients:
    c = x - x.mean(axis=0)
    r = dout * (c - c @ V @ V.T)
    dc = r - r @ V @ V.T
    dV = -(c.T @ r + r.T @ c) @ V
    return dc - dc.mean(axis=0), dV


@right("projection of centred rows, whose residuals are centred too", ((5, 4), (4, 2)), projection_loss)
def _(dout: Array, x: Array, V: Array) -> Gradients:
    c = x - np.mean(x, axis=0)
    P = np.eye(4) - V @ V.T
    return dout * c @ P @ P, -dout * (c.T @ c @ P + P @ c.T @ c) @ V


@right("polynomial features", ((6,), (4,)), polynomial)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    dw = np.array([np.sum(dout * x**k) for k in range(4)])
    return dout * (w[1] + 2 * w[2] * x + 3 * w[3] * x**2), dw


@right("Gaussian log-likelihood", ((7,), (), ()), gaussian_log_likelihood)
def _(dout: Array, x: Array, mu: Array, log_sigma: Array) -> Gradients:
    sigma = np.exp(log_sigma)
    z = (x - mu) / sigma
    return -dout * z / sigma, dout * np.sum(z) / sigma, dout * np.sum(z**2 - 1)


@right("logistic regression", ((3,), (), (5, 3), np.array([0.0, 1, 1, 0, 1])), logistic_regression)
def _(dout: Array, w: Array, b: Array, X: Array, y: Array) -> Gradients:
    z = X.dot(w) + b
    dz = dout * (expit(z) - y) / len(y)
    return X.T.dot(dz), dz.sum(), np.outer(dz, w), -dout * z / len(y)


@right("ridge regression", ((3,), (5, 3), (5,)), ridge_loss)
def _(dout: Array, w: Array, X: Array, y: Array) -> Gradients:
    dr = dout * 2 * (X @ w - y) / len(y)
    return X.T @ dr + dout * 2 * 0.3 * w, np.outer(dr, w), -dr


@right("word vectors by negative sampling", ((5, 3), (5, 3)), negative_sampling)
def _(dout: Array, V: Array, U: Array) -> Gradients:
    dV, dU = np.zeros_like(V), np.zeros_like(U)
    for c, o, negatives in zip(CENTERS, CONTEXTS, NEGATIVES, strict=True):
        v = V[c]
        g = dout * (expit(v @ U[o]) - 1)
        dV[c] += g * U[o]
        dU[o] += g * v
        for k in negatives:
            g = dout * expit(v @ U[k])
            dV[c] += g * U[k]
            dU[k] += g * v
    return dV, dU


def softmax_with_cache(x: Array) -> tuple[Array, Array]:
    p = softmax(x)
    return p, p


@right("softmax, the cache is its output", ((5, 3),), softmax_with_cache)
def _(dout: Array, cache: Array) -> Gradients:
    return cache * (dout - (dout * cache).sum(axis=1, keepdims=True))


def attention_forward(Q: Array, K: Array, V: Array) -> tuple[Array, dict[str, Array]]:
    p = softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    return p @ V, {"Q": Q, "K": K, "V": V, "p": p}


@right("attention, the cache is a dictionary", ((5, 4), (6, 4), (6, 3)), attention_forward)
def _(dout: Array, cache: dict[str, Array]) -> Gradients:
    Q, K, V, p = cache["Q"], cache["K"], cache["V"], cache["p"]
    dp = dout @ V.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(Q.shape[1])
    return {"dQ": ds @ K, "dK": ds.T @ Q, "dV": p.T @ dout}


def rms_norm_forward(x: Array, gamma: Array) -> tuple[Array, tuple[Array, ...]]:
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)
    xhat = x / rms
    return gamma * xhat, (xhat, rms, gamma)


@right("RMS norm with a cache", ((5, 7), (7,)), rms_norm_forward)
def _(dout: Array, cache: tuple[Array, ...]) -> Gradients:
    xhat, rms, gamma = cache
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)) / rms
    return dx, dgamma
