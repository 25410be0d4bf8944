"""Another tensor of the same shape stands in a step of a recurrent cell's or a loss's backward."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    LABELS,
    RECURRENT,
    TARGETS,
    contrastive_loss,
    cosine,
    gaussian_nll,
    gru_cell,
    lstm_cell,
    rnn,
    vae_loss,
)

OTHER_TENSOR_IN_LOSSES = Kind("other-tensor")
wrong = OTHER_TENSOR_IN_LOSSES.wrong


@wrong(
    "recurrence: slope of the state before",
    rnn,
    RECURRENT,
    bad=(0, 1, 2, 3),
    line="dz = dh * (1 - states[t] ** 2)",
)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs, dW, dU = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U)
    dh = g
    for t in reversed(range(len(xs))):
        dz = dh * (1 - states[t] ** 2)
        dxs[t] = dz @ W.T
        dW += xs[t].T @ dz
        dU += states[t].T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@wrong(
    "recurrence: the state after where the one before is due",
    rnn,
    RECURRENT,
    bad=(3,),
    line="dU += states[t + 1].T @ dz",
)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs, dW, dU = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U)
    dh = g
    for t in reversed(range(len(xs))):
        dz = dh * (1 - states[t + 1] ** 2)
        dxs[t] = dz @ W.T
        dW += xs[t].T @ dz
        dU += states[t + 1].T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@wrong(
    "memory cell: the old memory in the output's slope",
    lstm_cell,
    ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8)),
    bad=(0, 1, 2, 3, 4),
    line="dm = g * so * (1 - c.tanh() ** 2)",
    words=("c", "m"),
)
def _(g: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    si, sf, so, tn = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    m = sf * c + si * tn
    do = g * m.tanh() * so * (1 - so)
    dm = g * so * (1 - c.tanh() ** 2)
    df = dm * c * sf * (1 - sf)
    di = dm * tn * si * (1 - si)
    dn = dm * si * (1 - tn**2)
    d = torch.cat([di, df, do, dn], 1)
    return d @ W.T, d @ U.T, dm * sf, x.T @ d, h.T @ d


@wrong(
    "gated unit: slope of the update gate from the reset gate",
    gru_cell,
    ((5, 4), (5, 4), (4, 4), (4, 4), (4, 4)),
    bad=(0, 1, 2),
    line="daz = g * (h - n) * r * (1 - r)",
    words=("r", "z"),
)
def _(g: Tensor, x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    z = torch.sigmoid(x @ A + h)
    r = torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    dan = g * (1 - z) * (1 - n**2)
    daz = g * (h - n) * r * (1 - r)
    dar = dan * h * r * (1 - r)
    dh = g * z + daz + dar + dan * r
    return daz @ A.T + dar @ B.T + dan @ C.T, dh, x.T @ daz, x.T @ dar, x.T @ dan


@wrong(
    "variational autoencoder: the mean where the noise is due",
    vae_loss,
    ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)),
    bad=(1,),
    line="dlogvar = dz * mu * 0.5 * std + 0.5 * (std**2 - 1) * g",
    words=("mu", "noise"),
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (0.5 * logvar).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dmu = dz + g * mu
    dlogvar = dz * mu * 0.5 * std + 0.5 * (std**2 - 1) * g
    return dmu, dlogvar, dz * std, z.T @ dout, -dout


@wrong(
    "Gaussian likelihood: the mean where the difference is due",
    gaussian_nll,
    ((5, 3), (5, 3), (5, 3)),
    bad=(1,),
    line="dlogvar = 0.5 * g * (1 - mu**2 / var)",
    words=("mu",),
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    var = logvar.exp()
    diff = t - mu
    dmu = -g * diff / var
    dlogvar = 0.5 * g * (1 - mu**2 / var)
    return dmu, dlogvar, -dmu


@wrong(
    "cosine: b where a is due",
    cosine,
    ((5, 4), (5, 4)),
    bad=(0,),
    line="da = g * (b / (na * nb) - cos * b / na**2)",
    words=("b", "a"),
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    g = g[:, None]
    na, nb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    cos = (a * b).sum(1, keepdim=True) / (na * nb)
    da = g * (b / (na * nb) - cos * b / na**2)
    db = g * (a / (na * nb) - cos * b / nb**2)
    return da, db


@wrong(
    "contrastive loss: v where u is due",
    contrastive_loss,
    ((5, 4), (5, 4)),
    bad=(1,),
    line="dv = ds.T @ v / 0.5",
    words=("v", "u"),
)
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    s = u @ v.T / 0.5
    ds = g * (s.softmax(1) - torch.eye(5, dtype=u.dtype)) / 5
    du = ds @ v / 0.5
    dv = ds.T @ v / 0.5
    return du, dv


@wrong(
    "cross-entropy: logits where probabilities are due",
    lambda z: T.cross_entropy(z, LABELS),
    ((5, 3),),
    bad=(0,),
    line="return g * (z - TARGETS) / 5",
    words=("z",),
)
def _(g: Tensor, z: Tensor) -> Gradients:
    return g * (z - TARGETS) / 5
