"""Another tensor of the same shape stands in a step of a layer's backward."""

import torch
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    EPS,
    NORM,
    THREE_LAYERS,
    TWO_LAYERS,
    attention,
    autoencoder,
    batch_norm,
    layer_norm,
    residual,
    three_layers,
    two_layers,
)

OTHER_TENSOR = Kind("other-tensor")
wrong = OTHER_TENSOR.wrong


@wrong(
    "attention: q where k is due",
    attention,
    ATTENTION,
    bad=(0,),
    line="dq = ds @ q / 2",
    words=("q", "k"),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dv = p.T @ g
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    dq = ds @ q / 2
    dk = ds.T @ q / 2
    return dq, dk, dv


@wrong(
    "attention: scores where weights are due",
    attention,
    ATTENTION,
    bad=(2,),
    mistake=("other-tensor", "before"),
    line="dv = s.T @ g",
    words=("s", "p"),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    s = q @ k.T / 2
    p = s.softmax(1)
    dv = s.T @ g
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, dv


@wrong(
    "layer norm: weight from x",
    layer_norm,
    NORM,
    bad=(1,),
    line="dw = (g * x).sum(0)",
    words=("x", "xhat"),
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dw = (g * x).sum(0)
    db = g.sum(0)
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, dw, db


@wrong(
    "layer norm: weight from the centred input",
    layer_norm,
    NORM,
    bad=(1,),
    line="dw = (g * c).sum(0)",
    words=("c", "xhat"),
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dw = (g * c).sum(0)
    dxhat = g * w
    m = dxhat.mean(1, keepdim=True)
    dx = r * (dxhat - m - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, dw, g.sum(0)


@wrong(
    "batch norm: the correction from x",
    batch_norm,
    NORM,
    bad=(0,),
    line="dx = r * (dxhat - dxhat.mean(0) - x * (dxhat * xhat).mean(0))",
    words=("x", "xhat"),
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(0)
    r = (c.square().mean(0) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(0) - x * (dxhat * xhat).mean(0))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "three layers: slope of the layer below",
    three_layers,
    THREE_LAYERS,
    bad=(0, 1, 2),
    line="dv = g @ C.T * u * (1 - u)",
    words=("u", "v"),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    u = torch.sigmoid(x @ A)
    v = torch.sigmoid(u @ B)
    dv = g @ C.T * u * (1 - u)
    du = dv @ B.T * u * (1 - u)
    return du @ A.T, x.T @ du, u.T @ dv, v.T @ g


@wrong(
    "three layers: the first weight on the way back through the second",
    three_layers,
    THREE_LAYERS,
    bad=(0, 1),
    line="da1 = dz2 @ A.T",
    words=("A", "B"),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    a1 = torch.sigmoid(x @ A)
    a2 = torch.sigmoid(a1 @ B)
    dC = a2.T @ g
    dz2 = (g @ C.T) * a2 * (1 - a2)
    dB = a1.T @ dz2
    da1 = dz2 @ A.T
    dz1 = da1 * a1 * (1 - a1)
    return dz1 @ A.T, x.T @ dz1, dB, dC


@wrong(
    "three layers: a gradient from the layer above",
    three_layers,
    THREE_LAYERS,
    bad=(1,),
    line="dA = x.T @ dz2",
    words=("dz2", "dz1"),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    a1 = torch.sigmoid(x @ A)
    a2 = torch.sigmoid(a1 @ B)
    dz2 = (g @ C.T) * a2 * (1 - a2)
    dz1 = (dz2 @ B.T) * a1 * (1 - a1)
    dA = x.T @ dz2
    return dz1 @ A.T, dA, a1.T @ dz2, a2.T @ g


@wrong(
    "two layers: z where a is due",
    two_layers,
    TWO_LAYERS,
    bad=(3,),
    mistake=("other-tensor", "before"),
    line="dV = g.T @ z",
    words=("z", "a"),
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.tanh(z)
    dV = g.T @ z
    dz = (g @ V) * (1 - a**2)
    return dz @ W, dz.T @ x, dz.sum(0), dV, g.sum(0)


@wrong(
    "two layers: slope from z",
    two_layers,
    TWO_LAYERS,
    bad=(0, 1, 2),
    mistake=("other-tensor", "wrong-place"),
    line="dz = da * (1 - z**2)",
    words=("z", "a"),
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.tanh(z)
    da = g @ V
    dz = da * (1 - z**2)
    return dz @ W, dz.T @ x, dz.sum(0), g.T @ a, g.sum(0)


@wrong(
    "residual: x where the hidden layer is due",
    residual,
    ((5, 4), (4, 4), (4, 4)),
    bad=(2,),
    line="dV = x.T @ g",
    words=("x", "h"),
)
def _(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
    h = torch.relu(x @ W)
    dV = x.T @ g
    dh = g @ V.T
    dz = dh * (h > 0)
    return g + dz @ W.T, x.T @ dz, dV


@wrong(
    "autoencoder: x where the code is due",
    autoencoder,
    ((5, 4), (4, 4)),
    bad=(1,),
    line="dW = x.T @ dz + g.T @ x",
    words=("x", "h"),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    h = torch.relu(x @ W)
    dz = (g @ W) * (h > 0)
    dW = x.T @ dz + g.T @ x
    return dz @ W.T, dW


@wrong(
    "swiglu: the gate before its sigmoid",
    lambda x, A, B: (x @ A) * torch.sigmoid(x @ B),
    ((5, 3), (3, 4), (3, 4)),
    bad=(0, 1),
    mistake=("other-tensor", "before"),
    line="du = g * v",
    words=("v", "s"),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor) -> Gradients:
    u = x @ A
    v = x @ B
    s = torch.sigmoid(v)
    du = g * v
    dv = g * u * s * (1 - s)
    return du @ A.T + dv @ B.T, x.T @ du, x.T @ dv
