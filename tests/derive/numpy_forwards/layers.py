"""Layers and networks."""

import numpy as np

from tests.derive.numpy_forwards.case import Case, collector, labels

CASES: list[Case] = []
case = collector(CASES)


@case((5, 3), (3, 4), (4,))
def affine_forward(x, w, b):
    out = x.dot(w) + b
    cache = (x, w, b)
    return out, cache


@case((2, 3, 2), (6, 4), (4,))
def affine_of_images_forward(x, w, b):
    N = x.shape[0]
    out = x.reshape(N, -1) @ w + b
    return out, (x, w, b)


@case((5, 3), (3, 4), (4,))
def affine_relu_forward(x, w, b):
    a = np.dot(x, w) + b
    out = np.maximum(a, 0)
    return out, (x, w, b, a)


@case((5, 4), (4,), (4,))
def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + eps)
    out = gamma * xhat + beta
    return out, (xhat, gamma, var, eps)


@case((5, 4), (4,), (4,))
def batchnorm_step_by_step_forward(x, gamma, beta):
    N, _ = x.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    return out, (xhat, gamma, xmu, ivar, sqrtvar, var)


@case((5, 4), (4,), (4,))
def layernorm_forward(x, gamma, beta):
    mu = np.mean(x, axis=1, keepdims=True)
    std = np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)


@case((2, 4, 3, 3), (1, 4, 1, 1), (1, 4, 1, 1), G=2)
def groupnorm_forward(x, gamma, beta, G):
    N, C, H, W = x.shape
    g = x.reshape(N, G, C // G, H, W)
    mean = g.mean(axis=(2, 3, 4), keepdims=True)
    var = g.var(axis=(2, 3, 4), keepdims=True)
    xhat = ((g - mean) / np.sqrt(var + 1e-5)).reshape(N, C, H, W)
    return gamma * xhat + beta, (xhat, gamma)


@case((2, 3, 4, 2), (3,), (3,))
def spatial_batchnorm_forward(x, gamma, beta):
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    xhat = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + 1e-5)
    out = (gamma * xhat + beta).reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return out, (xhat, gamma)


@case((5, 4), (4,))
def rmsnorm_forward(x, g):
    rms = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    return x / rms * g, (x, rms, g)


@case((5, 3), (3, 6), (6,), (6, 4), (4,), labels(0, 3, 1, 1, 2))
def two_layer_net(X, W1, b1, W2, b2, y):
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    loss += 0.5 * 1e-2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss


@case((5, 3), (3, 4), (4, 3))
def residual_block(x, W1, W2):
    return x + np.tanh(x @ W1) @ W2


@case((3, 4), (3, 5), (4, 5))
def bilinear(a, b, W):
    return np.einsum("ni,nj,ij->n", a, b, W)


@case((7, 4), np.array([[0, 2, 2], [1, 6, 0]]))
def word_embedding_forward(W, x):
    out = W[x]
    return out, (x, W.shape)


@case((5, 4), (6, 4), (6, 3))
def attention_forward(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[1])
    scores -= scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    weights /= weights.sum(axis=1, keepdims=True)
    out = weights @ v
    return out, (q, k, v, weights)


@case((2, 5, 4), (4, 4), (4, 4), (4, 4), (4, 4))
def multi_head_attention(x, Wq, Wk, Wv, Wo):
    N, T, D = x.shape
    H = 2
    q = (x @ Wq).reshape(N, T, H, D // H).transpose(0, 2, 1, 3)
    k = (x @ Wk).reshape(N, T, H, D // H).transpose(0, 2, 1, 3)
    v = (x @ Wv).reshape(N, T, H, D // H).transpose(0, 2, 1, 3)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(D // H)
    scores = np.where(np.tril(np.ones((T, T))) == 0, -1e9, scores)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    A = e / e.sum(axis=-1, keepdims=True)
    out = (A @ v).transpose(0, 2, 1, 3).reshape(N, T, D)
    return out @ Wo
