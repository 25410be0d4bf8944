"""The gradient, or a step on the way to it, is rounded to a smaller type."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    CLASSIFIER,
    EPS,
    NORM,
    TARGETS,
    TWO_LAYERS,
    attention,
    classifier,
    layer_norm,
    two_layers,
)

ROUNDED = Kind("float16")
wrong = ROUNDED.wrong


@wrong(
    "exp: rounded to float16",
    lambda x: x.exp(),
    ((5, 3),),
    bad=(0,),
    line="return (g * x.exp()).half().double()",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return (g * x.exp()).half().double()


@wrong(
    "two layers: the weight's gradient in float16",
    two_layers,
    TWO_LAYERS,
    bad=(1,),
    line="dW = (dz.T @ x).half().double()",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.tanh(x @ W.T + b)
    dz = (g @ V) * (1 - a**2)
    dW = (dz.T @ x).half().double()
    return dz @ W, dW, dz.sum(0), g.T @ a, g.sum(0)


@wrong(
    "two layers: a step in bfloat16",
    two_layers,
    TWO_LAYERS,
    bad=(0, 1, 2),
    mistake="bfloat16",
    line="dz = ((g @ V) * (1 - a**2)).bfloat16().double()",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.tanh(x @ W.T + b)
    dz = ((g @ V) * (1 - a**2)).bfloat16().double()
    return dz @ W, dz.T @ x, dz.sum(0), g.T @ a, g.sum(0)


@wrong(
    "gelu of a layer: the slope in bfloat16",
    lambda x, W: T.silu(x @ W),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    mistake="bfloat16",
    line="slope = (s + z * s * (1 - s)).to(torch.bfloat16)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    s = torch.sigmoid(z)
    slope = (s + z * s * (1 - s)).to(torch.bfloat16)
    dz = g * slope
    return dz @ W.T, x.T @ dz


@wrong(
    "classifier: the softmax in float32",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2, 3, 4),
    mistake="float32",
    line="p = (a @ V.T + c).float().softmax(1)",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.relu(z)
    p = (a @ V.T + c).float().softmax(1)
    dz2 = g * (p - TARGETS) / 5
    dz1 = (dz2 @ V) * (z > 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@wrong(
    "layer norm: the statistics in float32",
    layer_norm,
    NORM,
    bad=(0, 1),
    mistake="float32",
    line="c = (x.float() - x.float().mean(1, keepdim=True)).double()",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = (x.float() - x.float().mean(1, keepdim=True)).double()
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "attention: the weights in float16",
    attention,
    ((5, 4), (5, 4), (5, 4)),
    bad=(0, 1, 2),
    line="p = (q @ k.T / 2).softmax(1).half().double()",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1).half().double()
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@wrong(
    "attention: everything in bfloat16",
    lambda q, k: (q @ k.T).softmax(1),
    ((5, 4), (7, 4)),
    bad=(0, 1),
    mistake="bfloat16",
)
def _(g: Tensor, q: Tensor, k: Tensor) -> Gradients:
    p = (q @ k.T).softmax(1)
    ds = (p * (g - (g * p).sum(1, keepdim=True))).bfloat16()
    return (ds @ k.bfloat16()).double(), (ds.T @ q.bfloat16()).double()


@wrong(
    "convolution: the gradient of its kernel in float16",
    lambda x, w: T.conv1d(x, w),
    ((2, 3, 7), (4, 3, 3)),
    bad=(1,),
    line="return dx, dw.half().double()",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx = T.conv_transpose1d(g, w)
    dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))
    return dx, dw.half().double()


@wrong(
    "normal density: the constant in float32",
    lambda x: (-(x**2) / 2).exp() / (2 * torch.pi) ** 0.5,
    ((5, 3),),
    bad=(0,),
    mistake=("float32", "factor"),
    line="constant = 1 / torch.tensor(2 * torch.pi).sqrt()",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    constant = 1 / torch.tensor(2 * torch.pi).sqrt()
    return -g * x * (-(x**2) / 2).exp() * constant
