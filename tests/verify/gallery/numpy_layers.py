"""Layers as NumPy functions that return their output and a cache."""

from typing import Any

import numpy as np

Array = Any
Cache = Any
Options = dict[str, Any]

AFFINE = ((5, 3), (3, 7), (7,))
AFFINE_OF_IMAGES = ((5, 2, 3), (6, 7), (7,))
SQUARE = ((5, 3), (3, 3), (3,))
BATCH_NORM = ((5, 3), (3,), (3,), {"mode": "train", "eps": 1e-3, "momentum": 0.9})
BATCH_NORM_TESTED = (
    (5, 3),
    (3,),
    (3,),
    {
        "mode": "test",
        "eps": 1e-3,
        "running_mean": np.array([0.3, -0.2, 0.1]),
        "running_var": np.array([1.3, 0.7, 2.1]),
    },
)
LAYER_NORM = ((5, 7), (7,), (7,), {"eps": 1e-3})
GROUP_NORM = ((2, 6, 5, 3), (1, 6, 1, 1), (1, 6, 1, 1), 3, {"eps": 1e-3})
DROPOUT = ((5, 7), {"mode": "train", "p": 0.7, "seed": 3})
KEPT = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1], [0, 1, 0]], dtype=bool)
ATTENTION = ((5, 3), (7, 3), (7, 2))
SQUARE_ATTENTION = ((5, 5), (5, 5), (5, 5))


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Of a batch of any shape: each example is flattened."""
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout: Array, cache: Cache) -> Any:
    x, w, b = cache
    rows = x.reshape(x.shape[0], -1)
    return dout.dot(w.T).reshape(x.shape), rows.T.dot(dout), dout.sum(axis=0)


def relu_forward(x: Array) -> tuple[Array, Cache]:
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout: Array, cache: Cache) -> Any:
    x = cache
    return dout * (x > 0)


def affine_relu_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)


def batchnorm_forward(x: Array, gamma: Array, beta: Array, bn_param: Options) -> tuple[Array, Cache]:
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mean = np.mean(x, axis=0)
        xmu = x - mean
        var = np.mean(xmu**2, axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        xmu = x - running_mean
        var = running_var
    else:
        raise ValueError(f"mode is {mode!r}, expected 'train' or 'test'")
    std = np.sqrt(var + eps)
    x_hat = xmu / std
    out = gamma * x_hat + beta
    cache = (x, x_hat, xmu, std, var, gamma, eps)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def layernorm_forward(x: Array, gamma: Array, beta: Array, ln_param: Options) -> tuple[Array, Cache]:
    eps = ln_param.get("eps", 1e-5)
    mean = x.mean(axis=1, keepdims=True)
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    x_hat = (x - mean) / std
    out = gamma * x_hat + beta
    cache = (x, x_hat, gamma, std)
    return out, cache


def groupnorm_forward(x: Array, gamma: Array, beta: Array, G: int, gn_param: Options) -> tuple[Array, Cache]:
    """Of images (N, C, H, W), whose channels are normalised in G groups."""
    eps = gn_param.get("eps", 1e-5)
    N, C, H, W = x.shape
    groups = x.reshape(N, G, C // G, H, W)
    mean = groups.mean(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt(groups.var(axis=(2, 3, 4), keepdims=True) + eps)
    x_hat = ((groups - mean) / std).reshape(N, C, H, W)
    out = gamma * x_hat + beta
    cache = (x_hat, std, gamma, G)
    return out, cache


def dropout_forward(x: Array, dropout_param: Options) -> tuple[Array, Cache]:
    """What is kept, with probability p, is divided by p."""
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    out = x
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    cache = (dropout_param, mask)
    return out, cache


def masked_dropout_forward(x: Array, mask: Array, p: float) -> tuple[Array, Cache]:
    out = x * mask / p
    cache = (x, mask, p)
    return out, cache


def attention_forward(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
    """Scaled dot products: queries (T, D), keys (S, D), values (S, M)."""
    scale = 1 / np.sqrt(q.shape[-1])
    scores = q @ k.T * scale
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = e / e.sum(axis=1, keepdims=True)
    out = weights @ v
    cache = (q, k, v, weights, scale)
    return out, cache
