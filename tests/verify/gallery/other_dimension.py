"""A sum, mean or softmax of the backward is taken over another dimension."""

import torch
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    CLASSIFIER,
    EPS,
    NORM,
    TARGETS,
    attention,
    batch_norm,
    classifier,
    layer_norm,
    rms_norm,
)

OTHER_DIMENSION = Kind("other-dimension", also=("wrong-dimension",))
wrong = OTHER_DIMENSION.wrong


@wrong(
    "layer norm: means over the batch",
    layer_norm,
    NORM,
    bad=(0,),
    line="m1 = dxhat.mean(0, keepdim=True)",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    m1 = dxhat.mean(0, keepdim=True)
    m2 = (dxhat * xhat).mean(1, keepdim=True)
    return r * (dxhat - m1 - xhat * m2), (g * xhat).sum(0), g.sum(0)


@wrong(
    "layer norm: the mean product over the batch",
    layer_norm,
    NORM,
    bad=(0,),
    line="dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(0))",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(0))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "batch norm: means over the features",
    batch_norm,
    NORM,
    bad=(0,),
    line="dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(0))",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(0)
    r = (c.square().mean(0) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(0))
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "rms norm: the mean over the batch",
    rms_norm,
    ((5, 7), (7,)),
    bad=(0,),
    line="dx = r * (dh - h * (dh * h).mean(0, keepdim=True))",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    r = (x.square().mean(1, keepdim=True) + EPS).rsqrt()
    h = x * r
    dh = g * w
    dx = r * (dh - h * (dh * h).mean(0, keepdim=True))
    return dx, (g * h).sum(0)


@wrong(
    "attention: the correction of the softmax over the queries",
    attention,
    ATTENTION,
    bad=(0, 1),
    line="ds = p * (dp - (dp * p).sum(0, keepdim=True))",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(0, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@wrong(
    "heads of attention: the correction over the queries",
    lambda q, k: (q @ k.mT).softmax(-1),
    ((2, 5, 3), (2, 5, 3)),
    bad=(0, 1),
    line="total = (g * p).sum(1, keepdim=True)",
)
def _(g: Tensor, q: Tensor, k: Tensor) -> Gradients:
    p = (q @ k.mT).softmax(-1)
    total = (g * p).sum(1, keepdim=True)
    ds = p * (g - total)
    return ds @ k, ds.mT @ q


@wrong(
    "log-softmax of a layer: the sum over the batch",
    lambda x, W: (x @ W).log_softmax(1),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="dz = g - z.softmax(1) * g.sum(0, keepdim=True)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    dz = g - z.softmax(1) * g.sum(0, keepdim=True)
    return dz @ W.T, x.T @ dz


@wrong(
    "classifier: softmax over the batch",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2, 3, 4),
    line="dz2 = g * (z2.softmax(0) - TARGETS) / 5",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z1 = x @ W.T + b
    a = torch.relu(z1)
    z2 = a @ V.T + c
    dz2 = g * (z2.softmax(0) - TARGETS) / 5
    dz1 = (dz2 @ V) * (z1 > 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@wrong(
    "log-sum-exp of a layer: softmax over the batch",
    lambda x, W: (x @ W).logsumexp(1),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="dz = g[:, None] * z.softmax(0)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    dz = g[:, None] * z.softmax(0)
    return dz @ W.T, x.T @ dz


@wrong(
    "centred rows: the mean over the batch",
    lambda x, w: (x - x.mean(1, keepdim=True)) * w,
    ((5, 3), (3,)),
    bad=(0,),
    line="dx = dc - dc.mean(0)",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    dc = g * w
    dx = dc - dc.mean(0)
    return dx, (g * c).sum(0)


@wrong(
    "unit rows: the projection over the batch",
    lambda x, W: (x @ W) / (x @ W).norm(dim=1, keepdim=True),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="dz = (g - u * (g * u).sum(0)) / n",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    n = z.norm(dim=1, keepdim=True)
    u = z / n
    dz = (g - u * (g * u).sum(0)) / n
    return dz @ W.T, x.T @ dz


@wrong(
    "instance norm: the mean over the channels",
    lambda x: (x - x.mean(2, keepdim=True)) / (x.var(2, unbiased=False, keepdim=True) + EPS).sqrt(),
    ((2, 3, 5),),
    bad=(0,),
    line="correction = xhat * (g * xhat).mean(1, keepdim=True)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    r = (x.var(2, unbiased=False, keepdim=True) + EPS).rsqrt()
    xhat = (x - x.mean(2, keepdim=True)) * r
    correction = xhat * (g * xhat).mean(1, keepdim=True)
    return r * (g - g.mean(2, keepdim=True) - correction)


@wrong(
    "group norm: the means over places only",
    lambda x: torch.nn.functional.group_norm(x, 2, eps=EPS),
    ((2, 4, 5),),
    bad=(0,),
    line="m = d.mean(3, keepdim=True)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    h = x.reshape(2, 2, 2, 5)
    r = (h.var((2, 3), unbiased=False, keepdim=True) + EPS).rsqrt()
    xhat = (h - h.mean((2, 3), keepdim=True)) * r
    d = g.reshape(2, 2, 2, 5)
    m = d.mean(3, keepdim=True)
    dh = r * (d - m - xhat * (d * xhat).mean((2, 3), keepdim=True))
    return dh.reshape(x.shape)


@wrong(
    "running total of a layer: over the batch",
    lambda x, W: torch.tanh(x @ W).cumsum(1),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="da = g.flip(0).cumsum(0).flip(0)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    a = torch.tanh(x @ W)
    da = g.flip(0).cumsum(0).flip(0)
    dz = da * (1 - a**2)
    return dz @ W.T, x.T @ dz


@wrong(
    "spread of rows: the mean of each column",
    lambda x: x.std(1),
    ((5, 4),),
    bad=(0,),
    line="c = x - x.mean(0)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    s = x.std(1, keepdim=True)
    c = x - x.mean(0)
    return g[:, None] * c / (3 * s)


@wrong(
    "softmax: summed over the batch",
    lambda x: x.softmax(1),
    ((5, 3),),
    bad=(0,),
    line="return p * (g - (g * p).sum(0))",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    p = x.softmax(1)
    return p * (g - (g * p).sum(0))
