"""The right gradient of a layer with another option or another constant."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind, Shapes
from tests.verify.gallery.layers import (
    CAUSAL,
    attention,
    causal_attention,
)

FORWARD_OPTION = Kind("forward-option")
wrong = FORWARD_OPTION.wrong
IMAGE: Shapes = ((2, 3, 11), (4, 3, 3))


def correlated(d: Tensor, x: Tensor, *, dilation: int = 1) -> Tensor:
    """The gradient of a kernel of three places, with stride 1."""
    length = d.shape[-1]
    taken = [x[..., j * dilation : j * dilation + length] for j in range(3)]
    return torch.stack([torch.einsum("nol,nil->oi", d, part) for part in taken], 2)


@wrong(
    "scaled rows: the constant under the root",
    lambda x: x / (x.square().sum(1, keepdim=True) + 0.5).sqrt(),
    ((5, 3),),
    bad=(0,),
    line="r = x.square().sum(1, keepdim=True).rsqrt()",
    words=("0.5",),
)
def _(g: Tensor, x: Tensor) -> Gradients:
    r = x.square().sum(1, keepdim=True).rsqrt()
    h = x * r
    return r * (g - h * (g * h).sum(1, keepdim=True))


@wrong(
    "layer norm: ε outside the root",
    lambda x: T.layer_norm(x, (4,), eps=0.3),
    ((5, 4),),
    bad=(0,),
    line="r = 1 / (c.square().mean(1, keepdim=True).sqrt() + 0.3)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    s = c.square().mean(1, keepdim=True).sqrt()
    r = 1 / (c.square().mean(1, keepdim=True).sqrt() + 0.3)
    d = r * (g - c / s * r * (g * c).mean(1, keepdim=True))
    return d - d.mean(1, keepdim=True)


@wrong(
    "layer norm: torch's default for ε",
    lambda x: T.layer_norm(x, (4,), eps=0.1),
    ((5, 4),),
    bad=(0,),
    line="r = (c.square().mean(1, keepdim=True) + 1e-5).rsqrt()",
    words=("0.1",),
)
def _(g: Tensor, x: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + 1e-5).rsqrt()
    h = c * r
    return r * (g - g.mean(1, keepdim=True) - h * (g * h).mean(1, keepdim=True))


@wrong(
    "convolution: dilation 1",
    lambda x, w: T.conv1d(x, w, dilation=2),
    IMAGE,
    bad=(0,),
    words=("dilation",),
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx = torch.zeros_like(x)
    dx[..., : g.shape[-1] + 2] = T.conv_transpose1d(g, w)
    return dx, correlated(g, x, dilation=2)


@wrong(
    "convolution: stride 1 on the way to the kernel",
    lambda x, w: T.conv1d(x, w, stride=2),
    IMAGE,
    bad=(1,),
    line="dw = correlated(g, x)",
    words=("stride",),
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx = T.conv_transpose1d(g, w, stride=2)
    dw = correlated(g, x)
    return dx, dw


@wrong(
    "leaky unit: torch's default slope",
    lambda x, W: T.leaky_relu(x @ W, 0.2),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    line="dz = torch.where(x @ W > 0, g, 0.01 * g)",
    words=("0.2",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    dz = torch.where(x @ W > 0, g, 0.01 * g)
    return dz @ W.T, x.T @ dz


@wrong(
    "gelu: the approximation by tanh",
    lambda x, W: T.gelu(x @ W),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    line="t = torch.tanh(k * (z + 0.044715 * z**3))",
    words=("tanh",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    k = math.sqrt(2 / math.pi)
    t = torch.tanh(k * (z + 0.044715 * z**3))
    slope = 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * k * (1 + 3 * 0.044715 * z**2)
    dz = g * slope
    return dz @ W.T, x.T @ dz


@wrong(
    "standardised rows: the variance without its correction",
    lambda x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True),
    ((5, 4),),
    bad=(0,),
    mistake=("forward-option", "factor"),
    line="s = x.std(1, unbiased=False, keepdim=True)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    s = x.std(1, unbiased=False, keepdim=True)
    h = (x - x.mean(1, keepdim=True)) / s
    return (g - g.mean(1, keepdim=True) - h * (g * h).mean(1, keepdim=True)) / s


@wrong(
    "attention: no mask",
    causal_attention,
    ((5, 4), (5, 4), (5, 4)),
    bad=(0, 1, 2),
    line="p = (q @ k.T / 2).softmax(1)",
    words=("mask",),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@wrong(
    "attention: the mask without the diagonal",
    causal_attention,
    ((5, 4), (5, 4), (5, 4)),
    bad=(0, 1, 2),
    mistake=("forward-option", "other-tensor"),
    line="s = (q @ k.T / 2).masked_fill(CAUSAL.T, -1e9)",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    s = (q @ k.T / 2).masked_fill(CAUSAL.T, -1e9)
    p = s.softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@wrong(
    "attention: scaled by the width, not by its root",
    attention,
    ((5, 4), (5, 4), (5, 4)),
    bad=(0, 1, 2),
    line="p = (q @ k.T / 4).softmax(1)",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 4).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 4, ds.T @ q / 4, p.T @ g


@wrong(
    "softplus: β = 1",
    lambda x: T.softplus(x, beta=2.0),
    ((5, 3),),
    bad=(0,),
    line="return g * torch.sigmoid(x)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * torch.sigmoid(x)


@wrong(
    "elu: α = 1",
    lambda x, W: T.elu(x @ W, 0.5),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    line="slope = torch.where(z > 0, 1.0, z.exp())",
    words=("0.5",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    slope = torch.where(z > 0, 1.0, z.exp())
    dz = g * slope
    return dz @ W.T, x.T @ dz


@wrong(
    "clipped rows: the bounds of one",
    lambda x, W: (x @ W).clamp(-0.5, 0.5),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    mistake=("forward-option", "region"),
    line="dz = g * ((z > -1) & (z < 1))",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    dz = g * ((z > -1) & (z < 1))
    return dz @ W.T, x.T @ dz


@wrong(
    "grouped convolution: one group of the kernels for both",
    lambda x, w: T.conv1d(x, w, groups=2),
    ((2, 4, 7), (4, 2, 3)),
    bad=(0,),
    mistake=("forward-option", "other-tensor", "other-places"),
    line="low = T.conv_transpose1d(g[:, 2:], w[:2])",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    high = T.conv_transpose1d(g[:, :2], w[:2])
    low = T.conv_transpose1d(g[:, 2:], w[:2])
    dw = torch.cat([correlated(g[:, :2], x[:, :2]), correlated(g[:, 2:], x[:, 2:])])
    return torch.cat([high, low], 1), dw


@wrong(
    "mean pooling: padding not counted",
    lambda x: T.avg_pool1d(x, 3, 3, padding=1),
    ((2, 3, 8),),
    bad=(0,),
    line="counts = torch.tensor([2.0, 3.0, 3.0])",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    counts = torch.tensor([2.0, 3.0, 3.0])
    return (g / counts).repeat_interleave(3, 2)[..., 1:]
