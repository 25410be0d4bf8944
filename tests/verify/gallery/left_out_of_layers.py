"""A step, a term or a factor of a layer's backward is left out."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    EPS,
    NORM,
    THREE_LAYERS,
    attention,
    autoencoder,
    layer_norm,
    residual,
    three_layers,
)

LEFT_OUT = Kind("left-out", also=("local-derivative", "forgotten-use", "forgotten-path"))
wrong = LEFT_OUT.wrong


@wrong(
    "gate: its product with the weight",
    lambda x, W: x * torch.tanh(x @ W),
    ((5, 4), (4, 4)),
    bad=(0,),
    line="dx = g * t + dz",
    words=("W",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    t = torch.tanh(x @ W)
    dz = g * x * (1 - t**2)
    dx = g * t + dz
    return dx, x.T @ dz


@wrong(
    "layer norm: the mean of the gradient",
    layer_norm,
    NORM,
    bad=(0,),
    line="dx = r * (dxhat - xhat * (dxhat * xhat).mean(1, keepdim=True))",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = r * (dxhat - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "layer norm: the weight on the way to x",
    layer_norm,
    NORM,
    bad=(0,),
    line="dx = r * (g - g.mean(1, keepdim=True) - xhat * (g * xhat).mean(1, keepdim=True))",
    words=("w",),
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dx = r * (g - g.mean(1, keepdim=True) - xhat * (g * xhat).mean(1, keepdim=True))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "layer norm: the division by the deviation",
    layer_norm,
    NORM,
    bad=(0,),
    line="dx = dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True)",
    words=("r",),
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True)
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "three layers: the product with the second weight",
    three_layers,
    THREE_LAYERS,
    bad=(0, 1),
    line="du = dv * u * (1 - u)",
    words=("B",),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    u = torch.sigmoid(x @ A)
    v = torch.sigmoid(u @ B)
    dv = g @ C.T * v * (1 - v)
    du = dv * u * (1 - u)
    return du @ A.T, x.T @ du, u.T @ dv, v.T @ g


@wrong(
    "three layers: half of the slope",
    three_layers,
    THREE_LAYERS,
    bad=(0, 1),
    mistake=("left-out", "value-for-slope"),
    line="dz1 = da1 * a1",
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    a1 = torch.sigmoid(x @ A)
    a2 = torch.sigmoid(a1 @ B)
    dz2 = (g @ C.T) * a2 * (1 - a2)
    da1 = dz2 @ B.T
    dz1 = da1 * a1
    return dz1 @ A.T, x.T @ dz1, a1.T @ dz2, a2.T @ g


@wrong(
    "attention: the scale of the scores",
    attention,
    ATTENTION,
    bad=(0, 1),
    mistake=("left-out", "factor"),
    line="return ds @ k, ds.T @ q, p.T @ g",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k, ds.T @ q, p.T @ g


@wrong(
    "attention: the product with the values",
    lambda q, k, v: (q @ k.T).softmax(1) @ v,
    ((5, 5), (5, 5), (5, 5)),
    bad=(0, 1),
    line="ds = p * (g - (g * p).sum(1, keepdim=True))",
    words=("v",),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T).softmax(1)
    ds = p * (g - (g * p).sum(1, keepdim=True))
    return ds @ k, ds.T @ q, p.T @ g


@wrong(
    "residual layer: the shortcut",
    residual,
    ((5, 4), (4, 4), (4, 4)),
    bad=(0,),
    line="dx = dz @ W.T",
)
def _(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
    h = torch.relu(x @ W)
    dz = (g @ V.T) * (h > 0)
    dx = dz @ W.T
    return dx, x.T @ dz, h.T @ g


@wrong(
    "autoencoder: the weight's use in the output",
    autoencoder,
    ((5, 4), (4, 3)),
    bad=(1,),
    line="dW = x.T @ dz",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    dz = (g @ W) * (z > 0)
    dW = x.T @ dz
    return dz @ W.T, dW


@wrong(
    "weight norm: the projection",
    lambda x, v, s: x @ (s[:, None] * v / v.norm(dim=1, keepdim=True)).T,
    ((5, 3), (4, 3), (4,)),
    bad=(1,),
    line="dv = s[:, None] * dW / n",
)
def _(g: Tensor, x: Tensor, v: Tensor, s: Tensor) -> Gradients:
    n = v.norm(dim=1, keepdim=True)
    u = v / n
    W = s[:, None] * u
    dW = g.T @ x
    ds = (dW * u).sum(1)
    dv = s[:, None] * dW / n
    return g @ W, dv, ds


@wrong(
    "convolution: the slope of relu on the way to the kernel",
    lambda x, w: torch.relu(T.conv1d(x, w)),
    ((2, 3, 7), (4, 3, 3)),
    bad=(1,),
    mistake=("left-out", "other-tensor"),
    line='dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))',
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    z = T.conv1d(x, w)
    dz = g * (z > 0)
    dx = T.conv_transpose1d(dz, w)
    dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))
    return dx, dw
