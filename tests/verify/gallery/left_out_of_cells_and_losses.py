"""A step, a term or a factor of a recurrent cell's or a loss's backward is left out."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    CLASSIFIER,
    TARGETS,
    classifier,
    cosine,
    gaussian_nll,
    gru_cell,
    lstm_cell,
    vae_loss,
)

LEFT_OUT_OF_LOSSES = Kind("left-out", also=("local-derivative", "forgotten-use", "forgotten-path"))
wrong = LEFT_OUT_OF_LOSSES.wrong


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
