"""Losses."""

import numpy as np
from scipy.special import log_softmax, xlogy

from tests.derive.numpy_forwards.case import Case, collector, labels

CASES: list[Case] = []
case = collector(CASES)


@case((5, 4), labels(0, 3, 1, 1, 2))
def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    N = x.shape[0]
    return -np.sum(log_probs[np.arange(N), y]) / N


@case((5, 4), labels(0, 3, 1, 1, 2))
def softmax_loss_of_scipy(x, y):
    return -log_softmax(x, axis=1)[range(5), y].mean()


@case((5, 4), labels(0, 3, 1, 1, 2))
def svm_loss(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    return loss, margins.shape


@case((5, 3), (5, 3))
def mse(pred, target):
    return ((pred - target) ** 2).mean()


@case((5, 3), np.eye(3)[[0, 2, 1, 1, 0]])
def cross_entropy_one_hot(z, t):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -(t * np.log(p)).sum() / len(z)


@case((6,), np.array([0.0, 1, 1, 0, 1, 0]))
def binary_cross_entropy(z, t):
    p = 1 / (1 + np.exp(-z))
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


@case((6,), (6,))
def huber(a, b):
    d = a - b
    small = np.abs(d) <= 1
    return np.where(small, 0.5 * d**2, np.abs(d) - 0.5).mean()


@case(np.array([0.2, 0.5, 0.3]), np.array([0.3, 0.3, 0.4]))
def divergence(p, q):
    return np.sum(xlogy(p, p) - xlogy(p, q))


@case((2, 3, 4), labels(0, 3, 1, 2, 0, 1).reshape(2, 3), np.array([[1, 1, 0], [1, 1, 1]]))
def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    flat, picked, seen = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    probs = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    return -np.sum(seen * np.log(probs[np.arange(N * T), picked])) / N
