"""Further functions in NumPy, and the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def softplus(v):
    return np.log1p(np.exp(-np.abs(v))) + np.maximum(v, 0)


case(softplus, lambda dy, v: dy / (1 + np.exp(-v)), "N D")


def prelu_forward(x, slope):
    return np.where(x > 0, x, slope * x), (x, slope)


def prelu_backward(dout, cache):
    x, slope = cache
    return dout * np.where(x > 0, 1, slope), (dout * np.minimum(x, 0)).sum(axis=0)


case(prelu_forward, prelu_backward, "N D, D")


def linear_no_bias(feats, weights):
    return feats.dot(weights)


case(linear_no_bias, lambda g, feats, weights: (g.dot(weights.T), feats.T.dot(g)), "N D, D M")


def hinge(w, X, y, C):
    m = 1 - y * (X @ w)
    return 0.5 * w @ w + C * np.maximum(0, m).sum()


def hinge_backward(dout, w, X, y, C):
    active = (1 - y * (X @ w) > 0) * y
    return dout * (w - C * X.T @ active), -dout * C * np.outer(active, w)


case(hinge, hinge_backward, "D, N D, N int, = 0.5 | D, N D, N int, = 7 | D, N D, N int, = 3")


def ridge(theta, X, t, lam):
    r = X @ theta - t
    return r @ r + lam * theta @ theta


def ridge_backward(dout, theta, X, t, lam):
    r = X @ theta - t
    return dout * 2 * (X.T @ r + lam * theta), dout * 2 * np.outer(r, theta)


case(ridge, ridge_backward, "D, N D, N int, = 0.5 | D, N D, N, = 0.5")


def kl_divergence(p, q):
    return np.sum(p * np.log(p / q))


case(kl_divergence, lambda g, p, q: (g * (np.log(p / q) + 1), -g * p / q), "N D, N D | N, N")


def softmax_rows(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_rows_backward(dout, scores):
    s = softmax_rows(scores)
    return s * (dout - (dout * s).sum(axis=-1, keepdims=True))


case(softmax_rows, softmax_rows_backward, "N C")


def instance_norm(feature_map, gamma, beta, eps):
    n, c, h, w = feature_map.shape
    mu = feature_map.mean(axis=(2, 3), keepdims=True)
    var = feature_map.var(axis=(2, 3), keepdims=True)
    return gamma[None, :, None, None] * (feature_map - mu) / np.sqrt(var + eps) + beta[None, :, None, None]


case(instance_norm, None, "N C H W, C, C, = 1e-05")


def avg_pool(x, size):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size).mean(axis=(3, 5))


def avg_pool_backward(dout, x, size):
    return np.repeat(np.repeat(dout, size, axis=2), size, axis=3) / size**2


case(avg_pool, avg_pool_backward, "N C H W, = 2")


def conv_single(img, filt, bias):
    kh, kw = filt.shape
    rows, cols = img.shape[0] - kh + 1, img.shape[1] - kw + 1
    out = np.empty((rows, cols))
    for r in range(rows):
        for c in range(cols):
            out[r, c] = np.sum(img[r : r + kh, c : c + kw] * filt) + bias
    return out


case(conv_single, None, "H W, K L, ()")


def gru_step(x, h_prev, Wr, Ur, br, Wz, Uz, bz, Wh, Uh, bh):
    r = 1 / (1 + np.exp(-(x @ Wr + h_prev @ Ur + br)))
    z = 1 / (1 + np.exp(-(x @ Wz + h_prev @ Uz + bz)))
    return z * h_prev + (1 - z) * np.tanh(x @ Wh + (r * h_prev) @ Uh + bh)


case(gru_step, None, "N D, N H, D H, H H, H, D H, H H, H, D H, H H, H")


def lstm_forward(xs, h0, c0, W, U, b):
    T, N, D = xs.shape
    H = h0.shape[1]
    h, c, caches = h0, c0, []
    for t in range(T):
        z = xs[t] @ W + h @ U + b
        i, f, o = (1 / (1 + np.exp(-z[:, k * H : (k + 1) * H])) for k in range(3))
        c = f * c + i * np.tanh(z[:, 3 * H :])
        h = o * np.tanh(c)
        caches.append((z, h, c))
    return h, c, (xs, h0, c0, W, U, b)


def lstm_backward(dh, dc, cache):
    return tuple(np.zeros_like(each) for each in cache)


case(lstm_forward, lstm_backward, "T N D, N H, N H, D 4H, H 4H, 4H")


def autoencoder(x, We, be, Wd, bd):
    code = np.tanh(x @ We + be)
    return ((code @ Wd + bd - x) ** 2).mean()


case(autoencoder, None, "N D, D H, H, H D, D")


def two_layer_loss(X, y, model):
    hidden = np.maximum(0, X @ model["W1"] + model["b1"])
    logits = hidden @ model["W2"] + model["b2"]
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    n = X.shape[0]
    d = np.exp(logp)
    d[np.arange(n), y] -= 1
    d /= n
    dh = d @ model["W2"].T
    dh[hidden <= 0] = 0
    grads = {"W1": X.T @ dh, "b1": dh.sum(0), "W2": hidden.T @ d, "b2": d.sum(0)}
    return -logp[np.arange(n), y].mean(), grads


case(two_layer_loss, None, "N D, N int, {W1: D H; b1: H; W2: H C; b2: C}")


def pairwise(A, B):
    return ((A[:, None, :] - B[None, :, :]) ** 2).sum(-1)


def pairwise_backward(g, A, B):
    d = 2 * (A[:, None, :] - B[None, :, :]) * g[:, :, None]
    return d.sum(1), -d.sum(0)


case(pairwise, pairwise_backward, "N D, M D")
