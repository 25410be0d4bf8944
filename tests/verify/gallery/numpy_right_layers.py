"""Right backwards of layers in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import Gradients, NamedForm
from tests.verify.gallery.numpy_layers import (
    AFFINE,
    AFFINE_OF_IMAGES,
    ATTENTION,
    BATCH_NORM,
    BATCH_NORM_TESTED,
    DROPOUT,
    GROUP_NORM,
    KEPT,
    LAYER_NORM,
    Array,
    Cache,
    affine_backward,
    affine_forward,
    affine_relu_forward,
    attention_forward,
    batchnorm_forward,
    dropout_forward,
    groupnorm_forward,
    layernorm_forward,
    masked_dropout_forward,
    relu_backward,
    relu_forward,
)

NUMPY_RIGHT_LAYERS = NamedForm()
right = NUMPY_RIGHT_LAYERS.right


@right("affine of images", AFFINE_OF_IMAGES, affine_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx = np.dot(dout, w.T).reshape(x.shape)
    dw = np.dot(x.reshape(x.shape[0], -1).T, dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


@right("affine by index sums, in a list", AFFINE, affine_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, _ = cache
    dx = np.einsum("nm,dm->nd", dout, w)
    dw = np.einsum("nd,nm->dm", x, dout)
    return [dx, dw, np.ones(len(x)) @ dout]


@right("affine: the weight's gradient as a sum of outer products", AFFINE, affine_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(x.shape[0]):
        dw += np.outer(x[n], dout[n])
        db += dout[n]
    return dout @ w.T, dw, db


@right("relu", ((5, 3),), relu_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x = cache
    return np.where(x > 0, dout, 0)


@right("relu: written into a copy of the upstream gradient", ((5, 3),), relu_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    dx = np.array(dout, copy=True)
    dx[cache <= 0] = 0
    return dx


@right("relu: written into the upstream gradient", ((5, 3),), relu_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    dout[cache <= 0] = 0
    return dout


@right("affine and relu", AFFINE, affine_relu_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    fc_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    dx, dw, db = affine_backward(da, fc_cache)
    return dx, dw, db


@right("batch norm in stages", BATCH_NORM, batchnorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, xmu, std, var, gamma, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dinv = np.sum(dx_hat * xmu, axis=0)
    dxmu1 = dx_hat / std
    dstd = -dinv / std**2
    dvar = 0.5 * dstd / np.sqrt(var + eps)
    dsq = np.ones((N, D)) * dvar / N
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmean = -np.sum(dx1, axis=0)
    dx2 = np.ones((N, D)) * dmean / N
    return dx1 + dx2, dgamma, dbeta


@right("batch norm in one line", BATCH_NORM, batchnorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (x_hat * dout).sum(axis=0)
    dx = gamma / (N * std) * (N * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


@right("batch norm by its mean and variance", BATCH_NORM, batchnorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, _, _, var, gamma, eps = cache
    N = len(x)
    mean = x.mean(0)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean), 0) * -0.5 * (var + eps) ** (-3 / 2)
    dmean = np.sum(-dx_hat / np.sqrt(var + eps), 0) + dvar * np.mean(-2 * (x - mean), 0)
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mean) / N + dmean / N
    return dx, np.sum(dout * x_hat, 0), np.sum(dout, 0)


@right("batch norm with what has been learnt", BATCH_NORM_TESTED, batchnorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    return dout * gamma / std, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@right("layer norm", LAYER_NORM, layernorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, gamma, std = cache
    D = dout.shape[1]
    dgamma, dbeta = np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
    dx_hat = dout * gamma
    total = np.sum(dx_hat, axis=1, keepdims=True)
    product = np.sum(dx_hat * x_hat, axis=1, keepdims=True)
    dx = (D * dx_hat - total - x_hat * product) / (D * std)
    return dx, dgamma, dbeta


@right("layer norm: as batch norm of the transpose", LAYER_NORM, layernorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, gamma, std = cache
    dh, h = (dout * gamma).T, x_hat.T
    dxT = (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0)) / std.T
    return dxT.T, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@right("group norm", GROUP_NORM, groupnorm_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    x_hat, std, gamma, G = cache
    N, C, H, W = dout.shape
    dgamma = np.sum(dout * x_hat, axis=(0, 2, 3), keepdims=True)
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    dh = (dout * gamma).reshape(N, G, -1)
    h = x_hat.reshape(N, G, -1)
    dx = dh - dh.mean(axis=2, keepdims=True) - h * (dh * h).mean(axis=2, keepdims=True)
    return (dx / std.reshape(N, G, 1)).reshape(N, C, H, W), dgamma, dbeta


@right("dropout with a seed", DROPOUT, dropout_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    dropout_param, mask = cache
    if dropout_param["mode"] == "train":
        return dout * mask
    return dout


@right("dropout: nothing is dropped in a test", ((5, 7), {"mode": "test", "p": 0.7}), dropout_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


@right("dropout with a mask", ((5, 3), KEPT, 0.7), masked_dropout_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    _, mask, p = cache
    dx = np.zeros_like(dout)
    dx[mask] = dout[mask] / p
    return dx


@right("attention", ATTENTION, attention_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dv = weights.T @ dout
    dweights = dout @ v.T
    dscores = weights * (dweights - np.sum(dweights * weights, axis=1, keepdims=True))
    dscores *= scale
    return dscores @ k, dscores.T @ q, dv


@right("attention: the softmax's Jacobian of each query", ATTENTION, attention_forward)
def _(dout: Array, cache: Cache) -> Gradients:
    q, k, v, weights, scale = cache
    dscores = np.zeros_like(weights)
    for t, p in enumerate(weights):
        J = np.diag(p) - np.outer(p, p)
        dscores[t] = J @ (v @ dout[t])
    return scale * dscores @ k, scale * dscores.T @ q, weights.T @ dout
