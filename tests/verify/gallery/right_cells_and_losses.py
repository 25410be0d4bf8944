"""Right derivations of recurrent cells and of losses."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Form, Gradients
from tests.verify.gallery.layers import (
    CLASSIFIER,
    LABELS,
    RECURRENT,
    TARGETS,
    classifier,
    contrastive_loss,
    cosine,
    gaussian_nll,
    gru_cell,
    lstm_cell,
    rnn,
    rnn_states,
    vae_loss,
)

RIGHT_CELLS_AND_LOSSES = Form()
right = RIGHT_CELLS_AND_LOSSES.right


@right("classifier, one subtracted at the labels", classifier, CLASSIFIER)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = (x @ W.T + b).clamp(min=0)
    dz2 = (a @ V.T + c).softmax(1)
    dz2[range(5), LABELS] -= 1
    dz2 *= g / 5
    dz1 = (dz2 @ V).masked_fill(a == 0, 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@right("recurrence through time", rnn, RECURRENT)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dzs: list[Tensor] = []
    dh = g
    for state in reversed(states[1:]):
        dzs.insert(0, dh * (1 - state**2))
        dh = dzs[0] @ U.T
    dz = torch.stack(dzs)
    before = torch.stack(states[:-1])
    return dz @ W.T, dh, torch.einsum("tni,tnj->ij", xs, dz), torch.einsum("tni,tnj->ij", before, dz)


@right("all states from the output", rnn_states, RECURRENT)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor, output: Tensor) -> Gradients:
    dxs, dW, dU, dh = torch.zeros_like(xs), 0 * W, 0 * U, 0 * h
    for t in range(3, -1, -1):
        dz = (g[t] + dh) * (1 - output[t] ** 2)
        dxs[t] = dz @ W.T
        dW = dW + xs[t].T @ dz
        dU = dU + (output[t - 1] if t else h).T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@right("memory cell, all gates at once", lstm_cell, ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8)))
def _(g: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    z = x @ W + h @ U
    s, n = torch.sigmoid(z[:, :6]), torch.tanh(z[:, 6:])
    i, f, o = s.split(2, 1)
    tm = torch.tanh(f * c + i * n)
    dm = g * o * (1 - tm**2)
    ds = torch.cat([dm * n, dm * c, g * tm], 1) * s * (1 - s)
    d = torch.cat([ds, dm * i * (1 - n**2)], 1)
    return d @ W.T, d @ U.T, dm * f, x.T @ d, h.T @ d


@right("gated unit", gru_cell, ((5, 4), (5, 4), (4, 4), (4, 4), (4, 4)))
def _(g: Tensor, x: Tensor, h: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    z, r = torch.sigmoid(x @ A + h), torch.sigmoid(x @ B + h)
    n = torch.tanh(x @ C + r * h)
    dan = g * (1 - z) * (1 - n) * (1 + n)
    daz = g * (h - n) * z * (1 - z)
    dar = dan * h * r * (1 - r)
    gates = torch.cat([daz, dar, dan], 1)
    weights = torch.cat([A, B, C], 1)
    dA, dB, dC = (x.T @ gates).chunk(3, 1)
    return gates @ weights.T, g * z + daz + dar + r * dan, dA, dB, dC


@right("variational autoencoder", vae_loss, ((5, 3), (5, 3), (5, 3), (3, 4), (5, 4)))
def _(g: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, D: Tensor, t: Tensor) -> Gradients:
    std = (logvar / 2).exp()
    z = mu + noise * std
    dout = g * (z @ D - t)
    dz = dout @ D.T
    dlogvar = (z - mu) * dz / 2 + g * (logvar.exp() - 1) / 2
    return [dz + g * mu, dlogvar, std * dz, z.T @ dout, -dout]


@right("Gaussian likelihood by standard scores", gaussian_nll, ((5, 3), (5, 3), (5, 3)))
def _(g: Tensor, mu: Tensor, logvar: Tensor, t: Tensor) -> Gradients:
    precision = (-logvar).exp()
    score = (t - mu) * precision.sqrt()
    dt = g * score * precision.sqrt()
    return -dt, g / 2 * (1 - score) * (1 + score), dt


@right("contrastive loss, one subtracted on the diagonal", contrastive_loss, ((5, 4), (5, 4)))
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    ds = (2 * u @ v.T).softmax(1)
    ds.diagonal().sub_(1)
    ds.mul_(g / 2.5)
    return ds @ v, ds.T @ u


@right("cosine by unit vectors", cosine, ((5, 4), (5, 4)))
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    na, nb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / na, b / nb
    along = (u * v).sum(1, keepdim=True)
    return g[:, None] * (v - along * u) / na, g[:, None] * (u - along * v) / nb


@right(
    "binary cross-entropy in float64 throughout",
    lambda z: T.binary_cross_entropy_with_logits(z, TARGETS.to(z)),
    ((5, 3),),
)
def _(g: Tensor, z: Tensor) -> Gradients:
    p = 1 / (1 + (-z.double()).exp())
    return (g * (p - TARGETS) / 15).to(z.dtype)


@right(
    "focal loss by the chain of logarithms", lambda z: -((1 - z.sigmoid()) ** 2 * T.logsigmoid(z)), ((5, 3),)
)
def _(g: Tensor, z: Tensor) -> Gradients:
    p = z.sigmoid()
    return g * (1 - p) ** 2 * (2 * p * p.log() + p - 1)


@right(
    "divergence of two softmaxes",
    lambda a, b: T.kl_div(b.log_softmax(1), a.softmax(1), reduction="sum"),
    ((5, 3), (5, 3)),
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    p, q = a.softmax(1), b.softmax(1)
    ratio = a.log_softmax(1) - b.log_softmax(1)
    return g * p * (ratio - (p * ratio).sum(1, keepdim=True)), g * (q - p)


@right("Huber by cases", lambda x, t: T.huber_loss(x, t, delta=0.5), ((5, 3), (5, 3)))
def _(g: Tensor, x: Tensor, t: Tensor) -> Gradients:
    e = x - t
    slope = torch.where(e.abs() < 0.5, e, 0.5 * e.sign())
    return g * slope / e.numel(), -g * slope / e.numel()


@right("label smoothing", lambda z: T.cross_entropy(z, LABELS, label_smoothing=0.1), ((5, 3),))
def _(g: Tensor, z: Tensor) -> Gradients:
    smooth = 0.9 * TARGETS.to(z) + 0.1 / 3
    return g * (z.softmax(1) - smooth) / 5
