"""A step, a term or a factor of the backward is left out."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    CLASSIFIER,
    EPS,
    NORM,
    TARGETS,
    THREE_LAYERS,
    attention,
    autoencoder,
    classifier,
    cosine,
    gaussian_nll,
    gru_cell,
    layer_norm,
    lstm_cell,
    residual,
    three_layers,
    vae_loss,
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
    "classifier: the slope of relu",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2),
    line="dz1 = dz2 @ V",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.relu(x @ W.T + b)
    dz2 = g * ((a @ V.T + c).softmax(1) - TARGETS) / 5
    dz1 = dz2 @ V
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


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
    "memory cell: slope of the forget gate",
    lstm_cell,
    ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8)),
    bad=(0, 1, 3, 4),
    line="df = dm * c",
    words=("f",),
)
def _(g: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    si, sf, so, tn = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    tm = torch.tanh(sf * c + si * tn)
    do = g * tm * so * (1 - so)
    dm = g * so * (1 - tm**2)
    df = dm * c
    di = dm * tn * si * (1 - si)
    dn = dm * si * (1 - tn**2)
    d = torch.cat([di, df, do, dn], 1)
    return d @ W.T, d @ U.T, dm * sf, x.T @ d, h.T @ d


@wrong(
    "memory cell: the input gate on the candidate's way",
    lstm_cell,
    ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8)),
    bad=(0, 1, 3, 4),
    line="dn = dm * (1 - tn**2)",
    words=("i",),
)
def _(g: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    si, sf, so, tn = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    tm = torch.tanh(sf * c + si * tn)
    do = g * tm * so * (1 - so)
    dm = g * so * (1 - tm**2)
    df = dm * c * sf * (1 - sf)
    di = dm * tn * si * (1 - si)
    dn = dm * (1 - tn**2)
    d = torch.cat([di, df, do, dn], 1)
    return d @ W.T, d @ U.T, dm * sf, x.T @ d, h.T @ d


@wrong(
    "gated unit: the state carried over",
    gru_cell,
    ((5, 4), (5, 4), (4, 4), (4, 4), (4, 4)),
    bad=(1,),
    line="dh = daz + dar + dan * r",
)
def _(g: Tensor, x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    z = torch.sigmoid(x @ A + h)
    r = torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    dan = g * (1 - z) * (1 - n**2)
    daz = g * (h - n) * z * (1 - z)
    dar = dan * h * r * (1 - r)
    dh = daz + dar + dan * r
    return daz @ A.T + dar @ B.T + dan @ C.T, dh, x.T @ daz, x.T @ dar, x.T @ dan


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
    "residual: the shortcut",
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
    "variational autoencoder: −½ of the log-variance",
    vae_loss,
    ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)),
    bad=(1,),
    line="dlogvar = dz * noise * 0.5 * std + 0.5 * std**2 * g",
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (0.5 * logvar).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dlogvar = dz * noise * 0.5 * std + 0.5 * std**2 * g
    return dz + g * mu, dlogvar, dz * std, z.T @ dout, -dout


@wrong(
    "variational autoencoder: the divergence on the way to the mean",
    vae_loss,
    ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)),
    bad=(0,),
    line="dmu = dz",
    words=("mu",),
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (0.5 * logvar).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dmu = dz
    dlogvar = dz * noise * 0.5 * std + 0.5 * (std**2 - 1) * g
    return dmu, dlogvar, dz * std, z.T @ dout, -dout


@wrong(
    "Gaussian likelihood: the error weighted by the variance",
    gaussian_nll,
    ((5, 3), (5, 3), (5, 3)),
    bad=(1,),
    line="dlogvar = torch.full_like(logvar, 0.5) * g",
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    dmu = g * (mu - t) / logvar.exp()
    dlogvar = torch.full_like(logvar, 0.5) * g
    return dmu, dlogvar, -dmu


@wrong(
    "Gaussian likelihood: the slope of softplus",
    lambda mu, s, t: (T.softplus(s).log() + 0.5 * ((t - mu) / T.softplus(s)) ** 2).sum(),
    ((5, 3), (5, 3), (5, 3)),
    bad=(1,),
    line="ds = dsigma",
)
def _(g: Tensor, mu: Tensor, s: Tensor, t: Tensor) -> Gradients:
    sigma = T.softplus(s)
    diff = t - mu
    dmu = -g * diff / sigma**2
    dsigma = g * (1 / sigma - diff**2 / sigma**3)
    ds = dsigma
    return dmu, ds, -dmu


@wrong(
    "cosine: the norm of b as a constant",
    cosine,
    ((5, 4), (5, 4)),
    bad=(1,),
    line="db = g * a / (na * nb)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    g = g[:, None]
    na, nb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    cos = (a * b).sum(1, keepdim=True) / (na * nb)
    da = g * (b / (na * nb) - cos * a / na**2)
    db = g * a / (na * nb)
    return da, db


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
    "penalised regression: the penalty",
    lambda x, w, t: 0.5 * ((x @ w - t) ** 2).mean() + 0.05 * (w**2).sum(),
    ((7, 3), (3,), (7,)),
    bad=(1,),
    line="dw = x.T @ e",
    words=("w",),
)
def _(g: Tensor, x: Tensor, w: Tensor, t: Tensor) -> Gradients:
    e = g * (x @ w - t) / 7
    dw = x.T @ e
    return torch.outer(e, w), dw, -e


@wrong(
    "convolution: the slope of relu on the way to the kernel",
    lambda x, w: torch.relu(T.conv1d(x, w)),
    ((2, 3, 7), (4, 3, 3)),
    bad=(1,),
    line='dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))',
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    z = T.conv1d(x, w)
    dz = g * (z > 0)
    dx = T.conv_transpose1d(dz, w)
    dw = torch.einsum("nol,nilk->oik", g, x.unfold(2, 3, 1))
    return dx, dw
