"""The layers of a course in NumPy, with a cache and options, and the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


case(relu_forward, relu_backward, "N D")


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mu, var = x.mean(axis=0), x.var(axis=0)
        xhat = (x - mu) / np.sqrt(var + eps)
        running_mean = momentum * running_mean + (1 - momentum) * mu
        out, cache = gamma * xhat + beta, (xhat, gamma, var, eps)
    elif mode == "test":
        out, cache = gamma * (x - running_mean) + beta, None
    else:
        raise ValueError(f"Invalid mode {mode}")
    bn_param["running_mean"] = running_mean
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, var, eps = cache
    g = dout * gamma
    dx = (g - g.mean(0) - xhat * (g * xhat).mean(0)) / np.sqrt(var + eps)
    return dx, (dout * xhat).sum(0), dout.sum(0)


case(batchnorm_forward, batchnorm_backward, "N D, D, D, {mode: = 'train'}")


def batch_norm(x, gamma, beta, eps):
    xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
    return gamma * xhat + beta


def batch_norm_backward(dout, x, gamma, beta, eps):
    s = np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) / s
    g = dout * gamma
    return (g - g.mean(0) - xhat * (g * xhat).mean(0)) / s, (dout * xhat).sum(0), dout.sum(0)


case(batch_norm, batch_norm_backward, "N D, D, D, = 1e-05")


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    c = x - x.mean(1, keepdims=True)
    s = np.sqrt((c**2).mean(1, keepdims=True) + eps)
    return gamma * c / s + beta, (c / s, s, gamma)


def layernorm_backward(dout, cache):
    h, s, gamma = cache
    g = dout * gamma
    dx = (g - g.mean(1, keepdims=True) - h * (g * h).mean(1, keepdims=True)) / s
    return dx, (dout * h).sum(0), dout.sum(0)


case(layernorm_forward, layernorm_backward, "N D, D, D, {}")


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    N, C, H, W = x.shape
    groups = x.reshape(N, G, C // G, H, W)
    c = groups - groups.mean(axis=(2, 3, 4), keepdims=True)
    s = np.sqrt((c**2).mean(axis=(2, 3, 4), keepdims=True) + gn_param.get("eps", 1e-5))
    h = (c / s).reshape(N, C, H, W)
    return gamma * h + beta, (h, s, gamma, G)


def spatial_groupnorm_backward(dout, cache):
    h, s, gamma, G = cache
    dgamma = (dout * h).sum(axis=(0, 2, 3), keepdims=True)
    return dout * gamma, dgamma, dout.sum(axis=(0, 2, 3), keepdims=True)


case(spatial_groupnorm_forward, spatial_groupnorm_backward, "N 2C H W, 1 2C 1 1, 1 2C 1 1, = 2, {}")


def spatial_batchnorm(x, gamma, beta):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    h = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    return (gamma * h + beta).reshape(N, H, W, C).transpose(0, 3, 1, 2)


def spatial_batchnorm_backward(dout, x, gamma, beta):
    return dout, (dout * x).sum((0, 2, 3)), dout.sum((0, 2, 3))


case(spatial_batchnorm, spatial_batchnorm_backward, "N C H W, C, C")


def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    out = x
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


case(
    dropout_forward,
    dropout_backward,
    "N D, {p: = 0.5; mode: = 'train'} | N D, {p: = 0.5; mode: = 'train'; seed: = 0} | N D, {mode: = 'train'; p: = 0.5; seed: = 0}",
)


def masked_dropout(x, mask, p):
    return x * mask / (1 - p)


case(masked_dropout, lambda dout, x, mask, p: dout * mask / (1 - p), "N D, N D truth, = 0.5")


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    Ho, Wo = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            window = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            dxp[place] += np.tensordot(dout[:, :, i, j], w, (1, 0))
            dw += np.tensordot(dout[:, :, i, j], xp[place], (0, 0))
    return dxp[:, :, pad:-pad, pad:-pad], dw, dout.sum((0, 2, 3))


case(conv_forward, conv_backward, "N C H W, F C K L, F, {pad: = 1; stride: = 1}")


def max_pool_forward(x, pool_param):
    N, C, H, W = x.shape
    h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    Ho, Wo = (H - h) // s + 1, (W - w) // s + 1
    out = np.zeros((N, C, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            out[:, :, i, j] = x[:, :, i * s : i * s + h, j * s : j * s + w].max(axis=(2, 3))
    return out, (x, pool_param)


case(
    max_pool_forward,
    lambda dout, cache: np.zeros_like(cache[0]),
    "N C H W, {pool_height: = 2; pool_width: = 2; stride: = 2}",
)


def max_pool_reshaped(x, k):
    N, C, H, W = x.shape
    assert H % k == 0 and W % k == 0
    return x.reshape(N, C, H // k, k, W // k, k).max(axis=(3, 5))


case(max_pool_reshaped, lambda dout, x, k: dout.repeat(k, 2).repeat(k, 3), "N C H W, = 2")


def conv1d(x, w):
    n, k = len(x), len(w)
    return np.array([x[i : i + k] @ w for i in range(n - k + 1)])


def conv1d_backward(dout, x, w):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(len(dout)):
        dx[i : i + len(w)] += dout[i] * w
        dw += dout[i] * x[i : i + len(w)]
    return dx, dw


case(conv1d, conv1d_backward, "N, K")


def conv2d(image, kernel):
    H, W = image.shape
    h, w = kernel.shape
    out = np.zeros((H - h + 1, W - w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + h, j : j + w] * kernel).sum()
    return out


case(conv2d, lambda dout, image, kernel: (np.zeros_like(image), np.zeros_like(kernel)), "H W, K L")


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, prev_h.T @ dz, dz.sum(0)


case(rnn_step_forward, rnn_step_backward, "N D, N H, D H, H H, H")


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev = h0
    for t in range(T):
        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)
        h[:, t, :] = prev
    return h, (x, h0, Wx, Wh, h)


def rnn_backward(dh, cache):
    x, h0, Wx, Wh, h = cache
    return np.zeros_like(x), np.zeros_like(h0), np.zeros_like(Wx), np.zeros_like(Wh), dh.sum((0, 1))


case(rnn_forward, rnn_backward, "N T D, N H, D H, H H, H")


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i, f, o = (1 / (1 + np.exp(-a[:, k * H : (k + 1) * H])) for k in range(3))
    g = np.tanh(a[:, 3 * H : 4 * H])
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, b)


def lstm_step_backward(dnext_h, dnext_c, cache):
    return tuple(np.zeros_like(part) for part in cache)


case(lstm_step_forward, lstm_step_backward, "N D, N H, N H, D 4H, H 4H, 4H")


def word_embedding_forward(x, W):
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


case(word_embedding_forward, word_embedding_backward, "N T int, V D")


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    flat, labels, m = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    p = np.exp(flat - flat.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.sum(m * np.log(p[np.arange(N * T), labels])) / N
    d = p.copy()
    d[np.arange(N * T), labels] -= 1
    return loss, (d / N * m[:, None]).reshape(N, T, V)


case(temporal_softmax_loss, None, "N T V, N T int, N T truth")


def char_rnn_step(x, hprev, Wxh, Whh, Why, bh, by):
    h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hprev) + bh)
    return np.dot(Why, h) + by


def char_rnn_step_backward(dy, x, hprev, Wxh, Whh, Why, bh, by):
    h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hprev) + bh)
    dz = Why.T @ dy * (1 - h * h)
    return (
        Wxh.T @ dz,
        Whh.T @ dz,
        dz @ x.T,
        dz @ hprev.T,
        dy @ h.T,
        dz.sum(1, keepdims=True),
        dy.sum(1, keepdims=True),
    )


case(
    char_rnn_step,
    char_rnn_step_backward,
    "D N, H N, H D, H H, O H, H 1, O 1 | D 1, H 1, H D, H H, O H, H 1, O 1",
)
