"""Wrong backwards in NumPy without a name: a gradient of another shape, or of nothing like the right one."""

import numpy as np

from tests.verify.gallery.derivation import Gradients, NamedForm
from tests.verify.gallery.numpy_images import DENSE_CONV, conv_forward_by_places
from tests.verify.gallery.numpy_layers import (
    AFFINE_OF_IMAGES,
    BATCH_NORM,
    Array,
    Cache,
    affine_forward,
    batchnorm_forward,
)
from tests.verify.gallery.numpy_sequences import TEMPORAL, temporal_affine_forward

NUMPY_OTHER_SHAPE = NamedForm()
NUMPY_NO_NAME = NamedForm()
other_shape, no_name = NUMPY_OTHER_SHAPE.wrong, NUMPY_NO_NAME.wrong


@other_shape(
    "affine of images: not reshaped back",
    AFFINE_OF_IMAGES,
    affine_forward,
    mistake="",
    bad=("x",),
    line="dx = np.dot(dout, w.T)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx = np.dot(dout, w.T)
    dw = np.dot(x.reshape(x.shape[0], -1).T, dout)
    return dx, dw, np.sum(dout, axis=0)


@other_shape(
    "convolution: the padding not cut off",
    DENSE_CONV,
    conv_forward_by_places,
    mistake="",
    bad=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x_pad, w, stride, pad = cache
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2:]
    dx, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for i in range(H_out):
        for j in range(W_out):
            s = np.s_[:, :, i : i + HH, j : j + WW]
            dx[s] += np.tensordot(dout[:, :, i, j], w, axes=1)
            dw += np.tensordot(dout[:, :, i, j].T, x_pad[s], axes=1)
    return dx, dw, dout.sum((0, 2, 3))


@other_shape(
    "batch norm: scale and shift with a dimension too many",
    BATCH_NORM,
    batchnorm_forward,
    mistake="",
    bad=("gamma", "beta"),
    line="dgamma = np.sum(dout * x_hat, axis=0, keepdims=True)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, _, std, _, gamma, _ = cache
    dgamma = np.sum(dout * x_hat, axis=0, keepdims=True)
    dbeta = np.sum(dout, axis=0, keepdims=True)
    dx = gamma / std * (dout - dbeta / len(x) - x_hat * dgamma / len(x))
    return dx, dgamma, dbeta


@other_shape(
    "layer of sequences: not reshaped back",
    TEMPORAL,
    temporal_affine_forward,
    mistake="",
    bad=("x",),
    line="dx = flat.dot(w.T)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, out = cache
    flat = dout.reshape(-1, b.shape[0])
    dx = flat.dot(w.T)
    dw = x.reshape(-1, x.shape[2]).T.dot(flat)
    return dx, dw, flat.sum(axis=0)


@no_name("batch norm: a formula of one's own", BATCH_NORM, batchnorm_forward, mistake="", bad=("x",))
def _(dout: Array, cache: Cache) -> Gradients:
    x, x_hat, xmu, std, var, gamma, eps = cache
    dx_hat = dout * gamma
    dx = (dx_hat - x_hat * dx_hat[::-1]) * np.cos(var) / (1 + std)
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@no_name("affine: numbers of one's own", ((5, 3), (3, 7), (7,)), affine_forward, mistake="", bad=("w",))
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dw = np.dot(np.sin(3 * x.T), dout) + np.dot(np.abs(x.T), dout) / 7.3
    return np.dot(dout, w.T), dw, np.sum(dout, axis=0)
