"""Convolution and pooling in NumPy, with the shapes that they are meant for."""

import numpy as np

from tests.derive.found_shapes.runs import case


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
