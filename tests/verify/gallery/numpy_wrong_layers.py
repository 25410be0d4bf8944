"""Wrong backwards of affine layers and relu in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import LEFT_OUT_NAMES, Gradients, NamedForm
from tests.verify.gallery.numpy_layers import (
    AFFINE,
    AFFINE_OF_IMAGES,
    SQUARE,
    Array,
    Cache,
    affine_backward,
    affine_forward,
    affine_relu_forward,
    relu_backward,
    relu_forward,
)

NUMPY_WRONG_LAYERS = NamedForm()
wrong = NUMPY_WRONG_LAYERS.wrong


@wrong(
    "affine: the weight's gradient transposed",
    AFFINE,
    affine_forward,
    mistake="transposed",
    bad=("w",),
    line="dw = dout.T @ x",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx = dout @ w.T
    dw = dout.T @ x
    db = dout.sum(axis=0)
    return dx, dw, db


@wrong(
    "affine: a square weight not transposed",
    SQUARE,
    affine_forward,
    mistake="transposed",
    bad=("x",),
    line="dx = np.dot(dout, w)",
    words=("w",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx = np.dot(dout, w)
    dw = np.dot(x.T, dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


@wrong(
    "affine of images: the bias not summed",
    AFFINE_OF_IMAGES,
    affine_forward,
    mistake="not-summed",
    bad=("b",),
    line="db = dout",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    N = x.shape[0]
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T.dot(dout)
    db = dout
    return dx, dw, db


@wrong(
    "affine: the bias summed over the features",
    AFFINE,
    affine_forward,
    mistake=("wrong-dimension", "other-dimension"),
    bad=("b",),
    line="db = np.sum(dout, axis=1)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = np.sum(dout, axis=1)
    return dx, dw, db


@wrong("affine: the bias averaged", AFFINE, affine_forward, mistake="factor", bad=("b",))
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    return dout @ w.T, x.T @ dout, np.mean(dout, axis=0)


@wrong(
    "affine of images: divided by the batch, as in the loss",
    AFFINE_OF_IMAGES,
    affine_forward,
    mistake="factor",
    bad=("w", "b"),
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    N = x.shape[0]
    dx = np.reshape(dout @ w.T, x.shape)
    dw = np.reshape(x, (N, -1)).T @ dout / N
    db = dout.sum(0) / N
    return dx, dw, db


@wrong(
    "affine: the weight's gradient of the last example",
    AFFINE,
    affine_forward,
    mistake=("one-example", "assigned"),
    bad=("w",),
    line="dw = np.outer(x[n], dout[n])",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b = cache
    dx, db = np.zeros_like(x), np.zeros_like(b)
    for n in range(x.shape[0]):
        dx[n] = w.dot(dout[n])
        dw = np.outer(x[n], dout[n])
        db += dout[n]
    return dx, dw, db


@wrong(
    "relu: the mask of the upstream gradient",
    ((5, 3),),
    relu_forward,
    mistake=("upstream-sign", "wrong-place"),
    bad=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    return np.maximum(0, dout)


@wrong("relu: its output for its slope", ((5, 3),), relu_forward, mistake="value-for-slope", bad=("x",))
def _(dout: Array, cache: Cache) -> Gradients:
    x = cache
    return dout * np.maximum(0, x)


@wrong("relu: the mask inverted", ((5, 3),), relu_forward, mistake="mask-inverted", bad=("x",))
def _(dout: Array, cache: Cache) -> Gradients:
    x = cache
    dx = dout.copy()
    dx[x > 0] = 0
    return dx


@wrong(
    "affine and relu: relu's slope left out",
    SQUARE,
    affine_relu_forward,
    mistake=LEFT_OUT_NAMES,
    bad=("x", "w", "b"),
)
def _(dout: Array, cache: Cache) -> Gradients:
    fc_cache, relu_cache = cache
    return affine_backward(dout, fc_cache)


@wrong(
    "affine and relu: the mask of the layer's input",
    SQUARE,
    affine_relu_forward,
    mistake=("other-tensor", "wrong-place"),
    bad=("x", "w", "b"),
    line="da = dout * (x > 0)",
    words=("x",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    (x, w, b), a = cache
    da = dout * (x > 0)
    return da @ w.T, x.T @ da, da.sum(axis=0)


@wrong(
    "affine and relu: the bias from above relu",
    AFFINE,
    affine_relu_forward,
    mistake=("other-tensor", *LEFT_OUT_NAMES),
    bad=("b",),
    line="db = dout.sum(axis=0)",
    words=("dout",),
)
def _(dout: Array, cache: Cache) -> Gradients:
    fc_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    dx, dw, _ = affine_backward(da, fc_cache)
    db = dout.sum(axis=0)
    return dx, dw, db
