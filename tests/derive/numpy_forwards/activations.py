"""Functions of each number, and reductions."""

import numpy as np
import scipy.special
from scipy.special import erf, expit

from tests.derive.numpy_forwards.case import Case, collector, mask

CASES: list[Case] = []
case = collector(CASES)


@case((4, 3))
def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


@case((4, 3))
def leaky_relu_forward(x):
    out = np.where(x > 0, x, 0.01 * x)
    return out, x


@case((4, 3))
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@case((4, 3))
def tanh_forward(x):
    a = np.tanh(x)
    return a, a


@case((4, 3))
def elu_forward(x, alpha=1.5):
    mask = x > 0
    out = x * mask + alpha * (np.exp(x) - 1) * ~mask
    return out, (x, mask)


@case((4, 3))
def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


@case((4, 3))
def swish_forward(x):
    s = expit(x)
    return x * s, (x, s)


@case((4, 3))
def gelu_forward(x):
    out = 0.5 * x * (1.0 + erf(x / np.sqrt(2)))
    return out, x


@case((4, 3))
def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@case((4, 3))
def clipped(x):
    return np.clip(x, -0.5, 1.5)


@case((4, 3))
def softmax_forward(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return p, p


@case((4, 3))
def softmax_of_scipy(x):
    return scipy.special.softmax(x, axis=1)


@case((4, 3))
def logsumexp_of_scipy(x):
    return scipy.special.logsumexp(x, axis=1)


@case((4, 3), mask(4, 3), p=0.7)
def dropout_forward(x, mask, p):
    out = x * mask / p
    return out, mask


@case((4, 3), (4, 3))
def cosine(a, b):
    dot = np.sum(a * b, axis=1)
    return dot / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


@case((5, 4))
def unit_rows(x):
    return x / np.sqrt(np.sum(np.square(x), axis=-1, keepdims=True))
