"""Wrong backwards of batch norm in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import BATCH_NORM, Array, Cache, batchnorm_forward

NUMPY_WRONG_BATCH_NORM = NamedForm()
wrong = NUMPY_WRONG_BATCH_NORM.wrong
LARGE_EPS = ((5, 3), (3,), (3,), {"mode": "train", "eps": 0.1})


@wrong(
    "batch norm in stages: the way over the mean left out",
    BATCH_NORM,
    batchnorm_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x",),
    line="dx = dxmu1 + dxmu2",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, xmu, std, var, gamma, eps = cache
    N, D = dout.shape
    dx_hat = dout * gamma
    dinv = np.sum(dx_hat * xmu, axis=0)
    dxmu1 = dx_hat / std
    dvar = -0.5 * dinv / std**3
    dxmu2 = 2 * xmu * dvar / N
    dx = dxmu1 + dxmu2
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@wrong(
    "batch norm in stages: the way over the variance left out",
    BATCH_NORM,
    batchnorm_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x",),
    line="dxmu = dx_hat / std",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, xmu, std, var, gamma, eps = cache
    N, D = dout.shape
    dgamma = np.sum(dout * x_hat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dx_hat = dout * gamma
    dxmu = dx_hat / std
    dmean = -np.sum(dxmu, axis=0)
    dx = dxmu + dmean / N
    return dx, dgamma, dbeta


@wrong(
    "batch norm in stages: the root's one half left out",
    BATCH_NORM,
    batchnorm_forward,
    mistake=("left-out", "term-factor", "other-number", "forward-option", "local-derivative"),
    bad=("x",),
    line="dvar = dstd / np.sqrt(var + eps)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, xmu, std, var, gamma, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dinv = np.sum(dx_hat * xmu, axis=0)
    dxmu1 = dx_hat / std
    dstd = -dinv / std**2
    dvar = dstd / np.sqrt(var + eps)
    dsq = np.ones((N, D)) * dvar / N
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmean = -np.sum(dx1, axis=0)
    dx2 = np.ones((N, D)) * dmean / N
    return dx1 + dx2, dgamma, dbeta


@wrong(
    "batch norm in stages: the mean's sign",
    BATCH_NORM,
    batchnorm_forward,
    mistake=("sign", "term-sign"),
    bad=("x",),
    line="dmean = np.sum(dx1, axis=0)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, xmu, std, var, gamma, eps = cache
    N, D = dout.shape
    dx_hat = dout * gamma
    dstd = -np.sum(dx_hat * xmu, axis=0) / std**2
    dvar = 0.5 * dstd / std
    dx1 = dx_hat / std + 2 * xmu * dvar / N
    dmean = np.sum(dx1, axis=0)
    dx = dx1 + dmean / N
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@wrong(
    "batch norm in one line: gamma left out",
    BATCH_NORM,
    batchnorm_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x",),
    line="dx_hat = dout",
    words=("gamma",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    N = dout.shape[0]
    dx_hat = dout
    dx = (N * dx_hat - dx_hat.sum(axis=0) - x_hat * (dx_hat * x_hat).sum(axis=0)) / (N * std)
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@wrong(
    "batch norm in one line: 1/N left out",
    BATCH_NORM,
    batchnorm_forward,
    mistake=("left-out", "factor", "other-number"),
    bad=("x",),
    line="dx = (N * dx_hat - dx_hat.sum(axis=0) - x_hat * (dx_hat * x_hat).sum(axis=0)) / std",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    N = dout.shape[0]
    dx_hat = dout * gamma
    dx = (N * dx_hat - dx_hat.sum(axis=0) - x_hat * (dx_hat * x_hat).sum(axis=0)) / std
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@wrong(
    "batch norm in one line: sums for means",
    BATCH_NORM,
    batchnorm_forward,
    mistake=("left-out", "term-factor", "other-number", "forward-option"),
    bad=("x",),
    line="dx = (dx_hat - np.sum(dx_hat, axis=0) - x_hat * np.sum(dx_hat * x_hat, axis=0)) / std",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    dx_hat = gamma * dout
    dx = (dx_hat - np.sum(dx_hat, axis=0) - x_hat * np.sum(dx_hat * x_hat, axis=0)) / std
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


@wrong(
    "batch norm: gamma from x",
    BATCH_NORM,
    batchnorm_forward,
    mistake="other-tensor",
    bad=("gamma",),
    line="dgamma = np.sum(dout * x, axis=0)",
    words=("x", "x_hat"),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, _, std, _, gamma, _ = cache
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x, axis=0)
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0)) / std
    return dx, dgamma, dbeta


@wrong(
    "batch norm: the scale and shift not summed",
    BATCH_NORM,
    batchnorm_forward,
    mistake="not-summed",
    bad=("gamma", "beta"),
    line="dgamma = dout * x_hat",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, _, std, _, gamma, _ = cache
    dgamma = dout * x_hat
    dbeta = dout
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0)) / std
    return dx, dgamma, dbeta


@wrong(
    "batch norm: no constant under the root",
    LARGE_EPS,
    batchnorm_forward,
    mistake=("forward-option", "other-tensor"),
    bad=("x",),
    line="std = np.sqrt(var)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    _, x_hat, xmu, _, var, gamma, _ = cache
    N = dout.shape[0]
    std = np.sqrt(var)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * xmu, axis=0) * -0.5 / std**3
    dmean = -np.sum(dx_hat / std, axis=0)
    dx = dx_hat / std + dvar * 2 * xmu / N + dmean / N
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
