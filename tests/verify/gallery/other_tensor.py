"""Another tensor of the same shape stands in a step of the backward."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    ATTENTION,
    EPS,
    LABELS,
    NORM,
    RECURRENT,
    TARGETS,
    THREE_LAYERS,
    TWO_LAYERS,
    attention,
    autoencoder,
    batch_norm,
    contrastive_loss,
    cosine,
    gaussian_nll,
    gru_cell,
    layer_norm,
    lstm_cell,
    residual,
    rnn,
    three_layers,
    two_layers,
    vae_loss,
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
