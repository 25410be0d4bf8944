"""Wrong backwards of layer and group norm in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import (
    GROUP_NORM,
    LAYER_NORM,
    Array,
    Cache,
    groupnorm_forward,
    layernorm_forward,
)

NUMPY_WRONG_LAYER_NORM = NamedForm()
wrong = NUMPY_WRONG_LAYER_NORM.wrong


@wrong(
    "layer norm: the means of batch norm",
    LAYER_NORM,
    layernorm_forward,
    mistake=("other-dimension", "wrong-dimension"),
    bad=("x",),
    line="dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)) / std",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, gamma, std = cache
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)) / std
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@wrong(
    "layer norm: scale and shift summed over the features",
    LAYER_NORM,
    layernorm_forward,
    mistake=("wrong-dimension", "other-dimension"),
    bad=("gamma", "beta"),
    line="dgamma = np.sum(dout * x_hat, axis=1)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, gamma, std = cache
    dgamma = np.sum(dout * x_hat, axis=1)
    dbeta = np.sum(dout, axis=1)
    dh = dout * gamma
    dx = dh - dh.mean(axis=1, keepdims=True) - x_hat * (dh * x_hat).mean(axis=1, keepdims=True)
    return dx / std, dgamma, dbeta


@wrong(
    "layer norm: x for what was normalised",
    LAYER_NORM,
    layernorm_forward,
    mistake="other-tensor",
    bad=("x",),
    line="inner = np.mean(dh * x, axis=1, keepdims=True)",
    words=("x", "x_hat"),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, gamma, std = cache
    dgamma, dbeta = np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
    dh = dout * gamma
    mean = np.mean(dh, axis=1, keepdims=True)
    inner = np.mean(dh * x, axis=1, keepdims=True)
    dx = (dh - mean - x_hat * inner) / std
    return dx, dgamma, dbeta


@wrong(
    "layer norm: divided by the variance",
    LAYER_NORM,
    layernorm_forward,
    mistake=("other-tensor", "left-out", "extra-term", "times", "forward-option", "local-derivative"),
    bad=("x",),
    line="dx = (dh - mean - x_hat * inner) / std**2",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, gamma, std = cache
    dh = dout * gamma
    mean = np.mean(dh, axis=1, keepdims=True)
    inner = np.mean(dh * x_hat, axis=1, keepdims=True)
    dx = (dh - mean - x_hat * inner) / std**2
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@wrong(
    "group norm: the means over places only",
    GROUP_NORM,
    groupnorm_forward,
    mistake=("other-dimension", "wrong-dimension"),
    bad=("x",),
    line="mean = dh.mean(axis=(3, 4), keepdims=True)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_hat, std, gamma, G = cache
    N, C, H, W = dout.shape
    dh = (dout * gamma).reshape(N, G, C // G, H, W)
    h = x_hat.reshape(N, G, C // G, H, W)
    mean = dh.mean(axis=(3, 4), keepdims=True)
    inner = (dh * h).mean(axis=(2, 3, 4), keepdims=True)
    dx = ((dh - mean - h * inner) / std).reshape(N, C, H, W)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    return dx, dgamma, dout.sum(axis=(0, 2, 3), keepdims=True)


@wrong(
    "group norm: scale and shift not summed over the images",
    GROUP_NORM,
    groupnorm_forward,
    mistake=("not-summed", "wrong-dimension", "other-dimension"),
    bad=("gamma", "beta"),
    line="dgamma = np.sum(dout * x_hat, axis=(2, 3), keepdims=True)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_hat, std, gamma, G = cache
    N = dout.shape[0]
    dgamma = np.sum(dout * x_hat, axis=(2, 3), keepdims=True)
    dbeta = np.sum(dout, axis=(2, 3), keepdims=True)
    dh, h = (dout * gamma).reshape(N, G, -1), x_hat.reshape(N, G, -1)
    dx = dh - dh.mean(axis=2, keepdims=True) - h * (dh * h).mean(axis=2, keepdims=True)
    return (dx / std.reshape(N, G, 1)).reshape(dout.shape), dgamma, dbeta


@wrong(
    "group norm: gamma left out",
    GROUP_NORM,
    groupnorm_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x",),
    line="dh = dout.reshape(N, G, -1)",
    words=("gamma",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_hat, std, gamma, G = cache
    N, C, H, W = dout.shape
    dgamma = np.sum(dout * x_hat, axis=(0, 2, 3), keepdims=True)
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    dh = dout.reshape(N, G, -1)
    h = x_hat.reshape(N, G, -1)
    dx = dh - dh.mean(axis=2, keepdims=True) - h * (dh * h).mean(axis=2, keepdims=True)
    return (dx / std.reshape(N, G, 1)).reshape(N, C, H, W), dgamma, dbeta
