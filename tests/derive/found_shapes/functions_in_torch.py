"""Functions in PyTorch, with the shapes that they are meant for."""

import torch
import torch.nn.functional as F

from tests.derive.found_shapes.runs import case


def silu(x):
    return x * torch.sigmoid(x)


case(silu, lambda g, x: g * torch.sigmoid(x) * (1 + x * (1 - torch.sigmoid(x))), "N D")


def linear(input, weight, bias):
    return F.linear(input, weight, bias)


case(linear, lambda g, input, weight, bias: (g @ weight, g.T @ input, g.sum(0)), "N D, M D, M")


def matmul(x, w):
    return x @ w


case(matmul, lambda g, x, w: (g @ w.T, x.T @ g), "N D, D M")


def mlp(x, w1, b1, w2, b2):
    return F.relu(x @ w1.T + b1) @ w2.T + b2


def mlp_backward(g, x, w1, b1, w2, b2):
    z = x @ w1.T + b1
    h = z.relu()
    dz = g @ w2 * (z > 0)
    return dz @ w1, dz.T @ x, dz.sum(0), g.T @ h, g.sum(0)


case(mlp, mlp_backward, "N D, H D, H, C H, C")


def cross_entropy(logits, target):
    return F.cross_entropy(logits, target)


case(
    cross_entropy,
    lambda g, logits, target: g * (logits.softmax(1) - F.one_hot(target, logits.shape[1])) / len(target),
    "N C, N int",
)


def nll(log_probs, labels):
    return -log_probs.gather(1, labels[:, None]).mean()


case(
    nll,
    lambda g, log_probs, labels: -g * F.one_hot(labels, log_probs.shape[1]).double() / len(labels),
    "N C, N int",
)


def mse_loss(input, target):
    return ((input - target) ** 2).mean()


case(
    mse_loss,
    lambda g, input, target: (
        2 * g * (input - target) / input.numel(),
        -2 * g * (input - target) / input.numel(),
    ),
    "N D, N D",
)


def layer_norm(x, weight, bias):
    mu = x.mean(-1, keepdim=True)
    var = x.var(-1, keepdim=True, unbiased=False)
    return (x - mu) / (var + 1e-5).sqrt() * weight + bias


def layer_norm_backward(g, x, weight, bias):
    mu = x.mean(-1, keepdim=True)
    s = (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    h, d = (x - mu) / s, g * weight
    dx = (d - d.mean(-1, keepdim=True) - h * (d * h).mean(-1, keepdim=True)) / s
    return dx, (g * h).sum(0), g.sum(0)


case(layer_norm, layer_norm_backward, "N D, D, D")


def rms_norm(x, g):
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * g


case(rms_norm, lambda dy, x, g: (dy * g, (dy * x).sum(0)), "N D, D")


def conv2d(x, w, b):
    return F.conv2d(x, w, b, padding=1)


def conv2d_backward(g, x, w, b):
    dx = torch.nn.grad.conv2d_input(x.shape, w, g, padding=1)
    dw = torch.nn.grad.conv2d_weight(x, w.shape, g, padding=1)
    return dx, dw, g.sum((0, 2, 3))


case(conv2d, conv2d_backward, "N C H W, F C K L, F")


def unfolded_conv(images, filters):
    n, c, h, w = images.shape
    f, _, kh, kw = filters.shape
    columns = F.unfold(images, (kh, kw))
    return (filters.reshape(f, -1) @ columns).reshape(n, f, h - kh + 1, w - kw + 1)


case(unfolded_conv, None, "N C H W, F C K L")


def max_pool(x):
    return F.max_pool2d(x, 2)


case(max_pool, lambda g, x: torch.zeros_like(x), "N C H W")


def channel_bias(x, b):
    return torch.relu(x + b[:, None, None])


case(
    channel_bias,
    lambda g, x, b: (g * (x + b[:, None, None] > 0), (g * (x + b[:, None, None] > 0)).sum((0, 2, 3))),
    "N C H W, C",
)
