"""Layers and losses as a course's homework has them: NumPy, writing in place, helpers, a class."""

import numpy as np


def affine(x, w, b):
    return x.reshape(x.shape[0], -1).dot(w) + b


def affine_backward(dout, x, w, b):
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def two_layers(x, w1, b1, w2, b2):
    h = np.maximum(0, x @ w1 + b1)
    return h @ w2 + b2


def two_layers_backward(dout, x, w1, b1, w2, b2):
    z = x @ w1 + b1
    h = np.maximum(0, z)
    dh = dout @ w2.T
    dz = dh.copy()
    dz[z <= 0] = 0
    return dz @ w1.T, x.T @ dz, dz.sum(axis=0), h.T @ dout, dout.sum(axis=0)


def batch_norm(x, gamma, beta):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    x_hat = (x - mu) / np.sqrt(var + 1e-5)
    running_mean = np.zeros(x.shape[1], dtype=x.dtype)
    running_mean = 0.9 * running_mean + 0.1 * mu
    return gamma * x_hat + beta


def batch_norm_backward(dout, x, gamma, beta):
    n, d = x.shape
    mu = 1.0 / n * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / n * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + 1e-5) * dsqrtvar
    dsq = 1.0 / n * np.ones((n, d)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / n * np.ones((n, d)) * dmu
    return dx1 + dx2, dgamma, dbeta


def layer_norm(x, gamma, beta):
    x = x.T
    mean = x.mean(axis=0)
    std = x.std(axis=0) + 1e-5
    z = (x - mean) / std
    return gamma * z.T + beta


def group_norm(x, gamma, beta, groups=2):
    n, c, h, w = x.shape
    grouped = np.reshape(x, (n * groups, c // groups * h * w)).T
    mean = grouped.mean(axis=0)
    var = grouped.var(axis=0)
    z = ((grouped - mean) / np.sqrt(var + 1e-5)).T.reshape(n, c, h, w)
    return gamma[np.newaxis, :, np.newaxis, np.newaxis] * z + beta[None, :, None, None]


def dropout(x):
    np.random.seed(3)
    mask = (np.random.rand(*x.shape) < 0.6) / 0.6
    return x * mask


LABELS = np.array([1, 0, 3, 2, 1])


def softmax_loss(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(z)
    n = x.shape[0]
    return -np.sum(log_probs[np.arange(n), LABELS]) / n


def softmax_loss_backward(dout, x):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    n = x.shape[0]
    dx = probs.copy()
    dx[np.arange(n), LABELS] -= 1
    dx /= n
    return dout * dx


def svm_loss(x):
    n = x.shape[0]
    correct = x[np.arange(n), LABELS]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(n), LABELS] = 0
    loss = 0.0
    loss += np.sum(margins) / n
    loss += 0.5 * 0.1 * np.sum(x * x)
    return loss


def svm_loss_backward(dout, x):
    n = x.shape[0]
    correct = x[np.arange(n), LABELS]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(n), LABELS] = 0
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(n), LABELS] -= num_pos
    dx /= n
    dx += 0.1 * x
    return dout * dx


class Network:
    def __init__(self, w1, b1, w2):
        self.params = {"W1": w1, "b1": b1, "W2": w2}

    def loss(self, x):
        hidden, _ = self.layer(x, self.params["W1"], self.params["b1"])
        scores = hidden.dot(self.params["W2"])
        scores -= np.max(scores, axis=1, keepdims=True)
        probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
        loss = np.mean([-np.log(probs[n, label]) for n, label in enumerate(LABELS)])
        return loss + 0.05 * sum(np.sum(w**2) for name, w in self.params.items() if name[0] == "W")

    @staticmethod
    def layer(x, w, b):
        z = x.dot(w) + b
        a = z.copy()
        a[z < 0] *= 0.01
        return a, (x, w, z)


def network(x, w1, b1, w2):
    return Network(w1, b1, w2).loss(x)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))))


def elu(x):
    out = np.where(x > 0, x, 0.0)
    out[x <= 0] = 0.5 * (np.exp(x[x <= 0]) - 1)
    return out


def spatial_batch_norm(x, gamma, beta):
    n, c, h, w = x.shape
    flat = batch_norm(x.transpose(0, 2, 3, 1).reshape(-1, c), gamma, beta)
    return flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)
