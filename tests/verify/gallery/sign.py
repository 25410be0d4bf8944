"""The sign of a step or of a term is flipped."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    CLASSIFIER,
    EPS,
    NORM,
    RECURRENT,
    TARGETS,
    attention,
    classifier,
    cosine,
    gaussian_nll,
    gru_cell,
    layer_norm,
    rnn,
    vae_loss,
)

SIGN = Kind("sign", also=("term-sign",))
wrong = SIGN.wrong


@wrong(
    "gated unit: the update gate's difference",
    gru_cell,
    ((5, 4), (5, 4), (4, 4), (4, 4), (4, 4)),
    bad=(0, 1, 2),
    line="daz = g * (n - h) * z * (1 - z)",
)
def _(g: Tensor, x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    z = torch.sigmoid(x @ A + h)
    r = torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    dan = g * (1 - z) * (1 - n**2)
    daz = g * (n - h) * z * (1 - z)
    dar = dan * h * r * (1 - r)
    dh = g * z + daz + dar + dan * r
    return daz @ A.T + dar @ B.T + dan @ C.T, dh, x.T @ daz, x.T @ dar, x.T @ dan


@wrong(
    "attention: plus the correction of the softmax",
    attention,
    ATTENTION,
    bad=(0, 1),
    line="ds = p * (dp + (dp * p).sum(1, keepdim=True))",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dp = g @ v.T
    ds = p * (dp + (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, p.T @ g


@wrong(
    "layer norm: plus the variance's term",
    layer_norm,
    NORM,
    bad=(0,),
    line="dx = r * (dxhat - m1 + xhat * m2)",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    m1 = dxhat.mean(1, keepdim=True)
    m2 = (dxhat * xhat).mean(1, keepdim=True)
    dx = r * (dxhat - m1 + xhat * m2)
    return dx, (g * xhat).sum(0), g.sum(0)


@wrong(
    "recurrence: one plus the square",
    rnn,
    RECURRENT,
    bad=(0, 1, 2, 3),
    line="dz = dh * (1 + states[t + 1] ** 2)",
)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs, dW, dU = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U)
    dh = g
    for t in reversed(range(len(xs))):
        dz = dh * (1 + states[t + 1] ** 2)
        dxs[t] = dz @ W.T
        dW += xs[t].T @ dz
        dU += states[t].T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@wrong(
    "variational autoencoder: the divergence taken away",
    vae_loss,
    ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)),
    bad=(0,),
    line="dmu = dz - g * mu",
    words=("mu",),
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (0.5 * logvar).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dmu = dz - g * mu
    dlogvar = dz * noise * 0.5 * std + 0.5 * (std**2 - 1) * g
    return dmu, dlogvar, dz * std, z.T @ dout, -dout


@wrong(
    "Gaussian likelihood: the mean pushed away",
    gaussian_nll,
    ((5, 3), (5, 3), (5, 3)),
    bad=(0,),
    line="dmu = g * (t - mu) / var",
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    var = logvar.exp()
    dmu = g * (t - mu) / var
    dlogvar = 0.5 * g * (1 - (t - mu) ** 2 / var)
    return dmu, dlogvar, dmu


@wrong(
    "Gaussian likelihood: plus the error in the variance's gradient",
    gaussian_nll,
    ((5, 3), (5, 3), (5, 3)),
    bad=(1,),
    line="dlogvar = 0.5 * g * (1 + (t - mu) ** 2 / var)",
)
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    var = logvar.exp()
    dmu = g * (mu - t) / var
    dlogvar = 0.5 * g * (1 + (t - mu) ** 2 / var)
    return dmu, dlogvar, -dmu


@wrong(
    "triplet loss: the negative's sign",
    lambda a, p, n: T.relu(((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1).sum(),
    ((7, 4), (7, 4), (7, 4)),
    bad=(2,),
    line="dn = -2 * active * (a - n)",
)
def _(g: Tensor, a: Tensor, p: Tensor, n: Tensor) -> Gradients:
    margin = ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1
    active = g * (margin > 0)[:, None]
    da = 2 * active * (n - p)
    dp = -2 * active * (a - p)
    dn = -2 * active * (a - n)
    return da, dp, dn


@wrong(
    "cosine: plus the projection",
    cosine,
    ((5, 4), (5, 4)),
    bad=(0,),
    line="da = g * (b / (na * nb) + cos * a / na**2)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    g = g[:, None]
    na, nb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    cos = (a * b).sum(1, keepdim=True) / (na * nb)
    da = g * (b / (na * nb) + cos * a / na**2)
    db = g * (a / (na * nb) - cos * b / nb**2)
    return da, db


@wrong(
    "classifier: labels minus probabilities",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2, 3, 4),
    line="dz2 = g * (TARGETS - p) / 5",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z1 = x @ W.T + b
    a = torch.relu(z1)
    p = (a @ V.T + c).softmax(1)
    dz2 = g * (TARGETS - p) / 5
    dz1 = (dz2 @ V) * (z1 > 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@wrong(
    "residual taken away: its sign on the way to the weight",
    lambda x, W: x - torch.tanh(x @ W),
    ((5, 4), (4, 4)),
    bad=(1,),
    line="dW = x.T @ (g * (1 - h**2))",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    h = torch.tanh(x @ W)
    dz = -g * (1 - h**2)
    dx = g + dz @ W.T
    dW = x.T @ (g * (1 - h**2))
    return dx, dW


@wrong(
    "residual taken away: its sign on the way to x",
    lambda x, W: x - torch.tanh(x @ W),
    ((5, 4), (4, 4)),
    bad=(0,),
    line="dx = g + dz @ W.T",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    h = torch.tanh(x @ W)
    dz = g * (1 - h**2)
    dx = g + dz @ W.T
    return dx, -x.T @ dz


@wrong(
    "linear attention: the normaliser's sign",
    lambda q, k, v: (q.exp() @ (k.exp().T @ v)) / (q.exp() @ k.exp().sum(0))[:, None],
    ((5, 3), (4, 3), (4, 2)),
    bad=(0, 1),
    line="dden = (g * num).sum(1) / den**2",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    a, b = q.exp(), k.exp()
    kv, ks = b.T @ v, b.sum(0)
    num, den = a @ kv, a @ ks
    dnum = g / den[:, None]
    dden = (g * num).sum(1) / den**2
    da = dnum @ kv.T + torch.outer(dden, ks)
    dkv = a.T @ dnum
    db = v @ dkv.T + a.T @ dden
    return da * a, db * b, b @ dkv


@wrong(
    "logistic loss: the margin's sign",
    lambda x, w, t: T.softplus(-t * (x @ w)).mean(),
    ((7, 3), (3,), (7,)),
    bad=(0, 1),
    line="dz = g * t * torch.sigmoid(-t * z) / 7",
)
def _(g: Tensor, x: Tensor, w: Tensor, t: Tensor) -> Gradients:
    z = x @ w
    dz = g * t * torch.sigmoid(-t * z) / 7
    dt = -g * z * torch.sigmoid(-t * z) / 7
    return torch.outer(dz, w), x.T @ dz, dt
