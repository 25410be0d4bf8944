"""Wrong derivations of NumPy activations and norms from their inputs, without a cache."""

from typing import Any

import numpy as np
from scipy.special import erf, expit

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import (
    Array,
    log_softmax,
    logsumexp,
    normalize_rows,
    rms_norm,
    softmax,
)

NUMPY_FUNCTIONS_WRONG = NamedForm()
wrong = NUMPY_FUNCTIONS_WRONG.wrong
Gradients = Any


@wrong(
    "softmax in NumPy: only the diagonal of its Jacobian",
    ((5, 3),),
    softmax,
    mistake=("diagonal-only", "forgotten-use", "left-out"),
    bad=("x",),
    line="return dout * s * (1 - s)",
)
def _(dout: Array, x: Array) -> Gradients:
    s = softmax(x)
    return dout * s * (1 - s)


@wrong(
    "softmax in NumPy: the correction summed over the examples",
    ((5, 3),),
    softmax,
    mistake=("other-dimension", "wrong-dimension"),
    bad=("x",),
    line="return s * (dout - np.sum(dout * s, axis=0, keepdims=True))",
)
def _(dout: Array, x: Array) -> Gradients:
    s = softmax(x)
    return s * (dout - np.sum(dout * s, axis=0, keepdims=True))


@wrong(
    "log-softmax in NumPy: the upstream not summed before p",
    ((5, 3),),
    log_softmax,
    mistake=("diagonal-only", "not-summed", "left-out"),
    bad=("x",),
    line="return dout - softmax(x) * dout",
)
def _(dout: Array, x: Array) -> Gradients:
    return dout - softmax(x) * dout


@wrong(
    "log-sum-exp in NumPy: exponentials that are not normalised",
    ((5, 3),),
    logsumexp,
    mistake=("left-out", "local-derivative", "times", "forgotten-path"),
    bad=("x",),
    line="return dout[:, np.newaxis] * np.exp(x)",
)
def _(dout: Array, x: Array) -> Gradients:
    return dout[:, np.newaxis] * np.exp(x)


@wrong(
    "gelu in NumPy: the density without the root of 2π",
    ((5, 3),),
    lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    mistake=("term-factor", "factor", "other-number"),
    bad=("x",),
    line="pdf = np.exp(-0.5 * x**2)",
)
def _(dout: Array, x: Array) -> Gradients:
    cdf = 0.5 * (1 + erf(x / np.sqrt(2)))
    pdf = np.exp(-0.5 * x**2)
    return dout * (cdf + x * pdf)


@wrong(
    "gelu in NumPy: its tanh approximation",
    ((5, 3),),
    lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    mistake=("left-out", "local-derivative", "forgotten-path", "forgotten-use"),
    bad=("x",),
    line="du = np.sqrt(2 / np.pi)",
)
def _(dout: Array, x: Array) -> Gradients:
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    du = np.sqrt(2 / np.pi)
    return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * du)


@wrong(
    "softplus in NumPy: the sigmoid's own slope",
    ((5, 3),),
    lambda x: np.log1p(np.exp(x)),
    mistake=("times", "slope-twice", "left-out", "other-formula", "wrong-place", "local-derivative"),
    bad=("x",),
    line="return dout * s * (1 - s)",
)
def _(dout: Array, x: Array) -> Gradients:
    s = 1 / (1 + np.exp(-x))
    return dout * s * (1 - s)


@wrong(
    "silu in NumPy: the product rule's first term alone",
    ((5, 3),),
    lambda x: x * expit(x),
    mistake=("forgotten-use", "left-out", "forgotten-path"),
    bad=("x",),
    line="return dout * s",
)
def _(dout: Array, x: Array) -> Gradients:
    s = expit(x)
    return dout * s


@wrong(
    "silu in NumPy: minus the second term",
    ((5, 3),),
    lambda x: x / (1 + np.exp(-x)),
    mistake=("term-sign", "sign"),
    bad=("x",),
    line="return dout * (s - x * s * (1 - s))",
)
def _(dout: Array, x: Array) -> Gradients:
    s = 1 / (1 + np.exp(-x))
    return dout * (s - x * s * (1 - s))


@wrong(
    "leaky unit in NumPy: its slope written over the upstream gradient",
    ((5, 3),),
    lambda x: np.maximum(0.1 * x, x),
    mistake=("upstream-ignored", "region", "one-case", "left-out", "not-linear"),
    bad=("x",),
    line="dx[x < 0] = 0.1",
)
def _(dout: Array, x: Array) -> Gradients:
    dx = dout.copy()
    dx[x < 0] = 0.1
    return dx


@wrong(
    "RMS norm in NumPy: the scale as a constant",
    ((5, 7), (7,)),
    rms_norm,
    mistake=("forgotten-use", "left-out", "forgotten-path"),
    bad=("x",),
    line="dx = dout * w * r",
)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    r = 1 / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-3)
    dx = dout * w * r
    return dx, np.sum(dout * x * r, axis=0)


@wrong(
    "RMS norm in NumPy: a sum for the mean",
    ((5, 7), (7,)),
    rms_norm,
    mistake=("term-factor", "factor", "forward-option"),
    bad=("x",),
    line="dx = r * dxhat - r**3 * x * np.sum(dxhat * x, axis=1, keepdims=True)",
)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    r = 1 / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-3)
    dxhat = dout * w
    dx = r * dxhat - r**3 * x * np.sum(dxhat * x, axis=1, keepdims=True)
    return dx, np.sum(dout * x * r, axis=0)


@wrong(
    "RMS norm in NumPy: the scale's gradient from the plain input",
    ((5, 7), (7,)),
    rms_norm,
    mistake=("other-tensor", "left-out"),
    bad=("w",),
    line="dw = np.sum(dout * x, axis=0)",
)
def _(dout: Array, x: Array, w: Array) -> Gradients:
    r = 1 / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-3)
    xhat = x * r
    dxhat = dout * w
    dx = r * (dxhat - xhat * np.mean(dxhat * xhat, axis=1, keepdims=True))
    dw = np.sum(dout * x, axis=0)
    return dx, dw


@wrong(
    "rows of length one: not divided by the length",
    ((5, 3),),
    normalize_rows,
    mistake=("left-out", "local-derivative", "times"),
    bad=("x",),
    line="return dout - y * np.sum(dout * y, axis=1, keepdims=True)",
)
def _(dout: Array, x: Array) -> Gradients:
    y = x / np.linalg.norm(x, axis=1, keepdims=True)
    return dout - y * np.sum(dout * y, axis=1, keepdims=True)
