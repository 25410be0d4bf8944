"""What was broadcast on the way forward is not summed on the way back, or over another dimension."""

import torch
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import EPS, NORM, layer_norm

NOT_SUMMED = Kind("not-summed")
wrong = NOT_SUMMED.wrong
OVER_ANOTHER = ("wrong-dimension", "other-dimension", "swapped")


@wrong(
    "bias of an image: summed over its channels",
    lambda x, b: torch.relu(x + b[:, None, None]),
    ((2, 3, 4, 5), (3,)),
    bad=(1,),
    mistake="wrong-dimension",
    line="db = dz.sum(1)",
)
def _(g: Tensor, x: Tensor, b: Tensor) -> Gradients:
    dz = g * (x + b[:, None, None] > 0)
    db = dz.sum(1)
    return dz, db


@wrong(
    "bias of an image: summed over places, not over images",
    lambda x, b: torch.relu(x + b[:, None, None]),
    ((2, 3, 4, 5), (3,)),
    bad=(1,),
    mistake=("not-summed", "wrong-dimension"),
    line="db = dz.sum((2, 3))",
)
def _(g: Tensor, x: Tensor, b: Tensor) -> Gradients:
    dz = g * (x + b[:, None, None] > 0)
    db = dz.sum((2, 3))
    return dz, db


@wrong(
    "learnt leak: its slope not summed",
    lambda x, a: torch.where(x > 0, x, a * x),
    ((5, 3), (1,)),
    bad=(1,),
    line="da = g * torch.where(x > 0, 0.0, x)",
)
def _(g: Tensor, x: Tensor, a: Tensor) -> Gradients:
    dx = g * torch.where(x > 0, 1.0, a)
    da = g * torch.where(x > 0, 0.0, x)
    return dx, da


@wrong(
    "layer norm: weight not summed over the batch",
    layer_norm,
    NORM,
    bad=(1,),
    line="dw = g * xhat",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dw = g * xhat
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, dw, g.sum(0)


@wrong(
    "layer norm: weight summed over the features",
    layer_norm,
    ((6, 6), (6,), (6,)),
    bad=(1,),
    mistake=("wrong-dimension", "other-dimension"),
    line="dw = (g * xhat).sum(1)",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dw = (g * xhat).sum(1)
    dxhat = g * w
    dx = r * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))
    return dx, dw, g.sum(0)


@wrong(
    "attention: a bias of the scores for all sequences",
    lambda s, v, bias: (s + bias).softmax(-1) @ v,
    ((3, 4, 4), (3, 4, 2), (4, 4)),
    bad=(2,),
    line="dbias = ds",
)
def _(g: Tensor, s: Tensor, v: Tensor, bias: Tensor) -> Gradients:
    p = (s + bias).softmax(-1)
    dp = g @ v.mT
    ds = p * (dp - (dp * p).sum(-1, keepdim=True))
    dbias = ds
    return ds, p.mT @ g, dbias


@wrong(
    "temperature: not summed",
    lambda z, t: (z * t).log_softmax(1),
    ((5, 3), ()),
    bad=(1,),
    line="dt = d * z",
)
def _(g: Tensor, z: Tensor, t: Tensor) -> Gradients:
    p = (z * t).softmax(1)
    d = g - p * g.sum(1, keepdim=True)
    dz = d * t
    dt = d * z
    return dz, dt


@wrong(
    "gate of each example: summed over the batch",
    lambda x, s: x * torch.sigmoid(s),
    ((5, 4), (5, 1)),
    bad=(1,),
    mistake=("wrong-dimension", "other-dimension"),
    line="dgate = (g * x).sum(0, keepdim=True)",
)
def _(g: Tensor, x: Tensor, s: Tensor) -> Gradients:
    gate = torch.sigmoid(s)
    dgate = (g * x).sum(0, keepdim=True)
    ds = dgate * gate * (1 - gate)
    return g * gate, ds


@wrong(
    "gate of each example: not summed",
    lambda x, s: x * torch.sigmoid(s),
    ((5, 4), (5, 1)),
    bad=(1,),
    line="dgate = g * x",
)
def _(g: Tensor, x: Tensor, s: Tensor) -> Gradients:
    gate = torch.sigmoid(s)
    dgate = g * x
    ds = dgate * gate * (1 - gate)
    return g * gate, ds


@wrong(
    "shares of a total: the total's gradient not summed",
    lambda x: x.exp() / x.exp().sum(1, keepdim=True),
    ((5, 3),),
    bad=(0,),
    mistake=("not-summed", "diagonal-only"),
    line="dtotal = -g * e / total**2",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    e = x.exp()
    total = e.sum(1, keepdim=True)
    de = g / total
    dtotal = -g * e / total**2
    return (de + dtotal) * e


@wrong(
    "centred rows: the mean's gradient not summed",
    lambda x: torch.tanh(x - x.mean(1, keepdim=True)),
    ((5, 4),),
    bad=(0,),
    mistake=("not-summed", "diagonal-only"),
    line="dm = -dc",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    t = torch.tanh(x - x.mean(1, keepdim=True))
    dc = g * (1 - t**2)
    dm = -dc
    return dc + dm / 4


@wrong(
    "unit rows: the norm's gradient not summed",
    lambda x, W: (x @ W) / (x @ W).norm(dim=1, keepdim=True),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="dn = -g * z / n**2",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    n = z.norm(dim=1, keepdim=True)
    dn = -g * z / n**2
    dz = g / n + dn * z / n
    return dz @ W.T, x.T @ dz


@wrong(
    "outer sum: the other dimension",
    lambda a, b: torch.tanh(a[:, None] + b),
    ((5,), (5,)),
    bad=(0,),
    mistake=OVER_ANOTHER,
    line="da = dz.sum(0)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    h = torch.tanh(a[:, None] + b)
    dz = g * (1 - h**2)
    da = dz.sum(0)
    db = dz.sum(0)
    return da, db


@wrong(
    "distances of all pairs: the other dimension",
    lambda a, b: ((a[:, None] - b[None]) ** 2).sum(2),
    ((5, 3), (5, 3)),
    bad=(1,),
    mistake=OVER_ANOTHER,
    line="db = -d.sum(1)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    d = 2 * g[:, :, None] * (a[:, None] - b[None])
    da = d.sum(1)
    db = -d.sum(1)
    return da, db


@wrong(
    "embedding of positions: not summed over the batch",
    lambda x, position: torch.relu(x + position),
    ((2, 4, 3), (4, 3)),
    bad=(1,),
    line="return dz, dz",
)
def _(g: Tensor, x: Tensor, position: Tensor) -> Gradients:
    dz = g * (x + position > 0)
    return dz, dz


@wrong(
    "standardising by learnt numbers: the deviation not summed",
    lambda x, mu, sd: (x - mu) / sd,
    ((5, 3), (3,), (3,)),
    bad=(2,),
    line="dsd = -g * (x - mu) / sd**2",
)
def _(g: Tensor, x: Tensor, mu: Tensor, sd: Tensor) -> Gradients:
    dx = g / sd
    dmu = -dx.sum(0)
    dsd = -g * (x - mu) / sd**2
    return dx, dmu, dsd
