"""Norms and dropout in NumPy, with a cache and options, and the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


case(relu_forward, relu_backward, "N D")


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mu, var = x.mean(axis=0), x.var(axis=0)
        xhat = (x - mu) / np.sqrt(var + eps)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        out, cache = gamma * xhat + beta, (xhat, gamma, var, eps)
    elif mode == "test":
        out, cache = gamma * (x - running_mean) + beta, None
    else:
        raise ValueError(f"Invalid mode {mode}")
    bn_param["running_mean"] = running_mean
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, var, eps = cache
    g = dout * gamma
    dx = (g - g.mean(0) - xhat * (g * xhat).mean(0)) / np.sqrt(var + eps)
    return dx, (dout * xhat).sum(0), dout.sum(0)


case(batchnorm_forward, batchnorm_backward, "N D, D, D, {mode: = 'train'}")


def batch_norm(x, gamma, beta, eps):
    xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
    return gamma * xhat + beta


def batch_norm_backward(dout, x, gamma, beta, eps):
    s = np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) / s
    g = dout * gamma
    return (g - g.mean(0) - xhat * (g * xhat).mean(0)) / s, (dout * xhat).sum(0), dout.sum(0)


case(batch_norm, batch_norm_backward, "N D, D, D, = 1e-05")


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    c = x - x.mean(1, keepdims=True)
    s = np.sqrt((c**2).mean(1, keepdims=True) + eps)
    return gamma * c / s + beta, (c / s, s, gamma)


def layernorm_backward(dout, cache):
    h, s, gamma = cache
    g = dout * gamma
    dx = (g - g.mean(1, keepdims=True) - h * (g * h).mean(1, keepdims=True)) / s
    return dx, (dout * h).sum(0), dout.sum(0)


case(layernorm_forward, layernorm_backward, "N D, D, D, {}")


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    N, C, H, W = x.shape
    groups = x.reshape(N, G, C // G, H, W)
    c = groups - groups.mean(axis=(2, 3, 4), keepdims=True)
    s = np.sqrt((c**2).mean(axis=(2, 3, 4), keepdims=True) + gn_param.get("eps", 1e-5))
    h = (c / s).reshape(N, C, H, W)
    return gamma * h + beta, (h, s, gamma, G)


def spatial_groupnorm_backward(dout, cache):
    h, s, gamma, G = cache
    dgamma = (dout * h).sum(axis=(0, 2, 3), keepdims=True)
    return dout * gamma, dgamma, dout.sum(axis=(0, 2, 3), keepdims=True)


case(spatial_groupnorm_forward, spatial_groupnorm_backward, "N 2C H W, 1 2C 1 1, 1 2C 1 1, = 2, {}")


def spatial_batchnorm(x, gamma, beta):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    h = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    return (gamma * h + beta).reshape(N, H, W, C).transpose(0, 3, 1, 2)


def spatial_batchnorm_backward(dout, x, gamma, beta):
    return dout, (dout * x).sum((0, 2, 3)), dout.sum((0, 2, 3))


case(spatial_batchnorm, spatial_batchnorm_backward, "N C H W, C, C")


def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    out = x
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


case(
    dropout_forward,
    dropout_backward,
    "N D, {p: = 0.5; mode: = 'train'} | N D, {p: = 0.5; mode: = 'train'; seed: = 0} | N D, {mode: = 'train'; p: = 0.5; seed: = 0}",
)


def masked_dropout(x, mask, p):
    return x * mask / (1 - p)


case(masked_dropout, lambda dout, x, mask, p: dout * mask / (1 - p), "N D, N D truth, = 0.5")
