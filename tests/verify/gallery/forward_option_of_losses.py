"""The right gradient of a loss with another option or another constant."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    LABELS,
    TARGETS,
    contrastive_loss,
)

FORWARD_OPTION_OF_LOSSES = Kind("forward-option")
wrong = FORWARD_OPTION_OF_LOSSES.wrong
CLASS_WEIGHTS = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)


@wrong(
    "focal loss: γ = 1",
    lambda z: -((1 - torch.sigmoid(z)) ** 2 * T.logsigmoid(z)),
    ((5, 3),),
    bad=(0,),
    line="return g * p * (1 - p) * p.log() - g * (1 - p) ** 2",
)
def _(g: Tensor, z: Tensor) -> Gradients:
    p = torch.sigmoid(z)
    return g * p * (1 - p) * p.log() - g * (1 - p) ** 2


@wrong(
    "cross-entropy: no label smoothing",
    lambda z: T.cross_entropy(z, LABELS, label_smoothing=0.1),
    ((5, 3),),
    bad=(0,),
    line="return g * (z.softmax(1) - TARGETS) / 5",
    words=("label_smoothing",),
)
def _(g: Tensor, z: Tensor) -> Gradients:
    return g * (z.softmax(1) - TARGETS) / 5


@wrong(
    "cross-entropy of a layer: no class weights",
    lambda x, W: T.cross_entropy(x @ W, LABELS, weight=CLASS_WEIGHTS),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    line="dz = g * ((x @ W).softmax(1) - TARGETS) / 5",
    words=("weight",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    dz = g * ((x @ W).softmax(1) - TARGETS) / 5
    return dz @ W.T, x.T @ dz


@wrong(
    "divergence: the other direction",
    lambda a, b: (a.softmax(1) * (a.log_softmax(1) - b.log_softmax(1))).sum(),
    ((5, 3), (5, 3)),
    bad=(0, 1),
    mistake=("forward-option", "swapped"),
    line="da = g * (p - q)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    p, q = a.softmax(1), b.softmax(1)
    ratio = q.log() - p.log()
    da = g * (p - q)
    db = g * q * (ratio - (q * ratio).sum(1, keepdim=True))
    return da, db


@wrong(
    "Huber: torch's default δ",
    lambda x, t: T.huber_loss(x, t, delta=0.5),
    ((5, 3), (5, 3)),
    bad=(0, 1),
    line="d = g * (x - t).clamp(-1, 1) / 15",
    words=("0.5",),
)
def _(g: Tensor, x: Tensor, t: Tensor) -> Gradients:
    d = g * (x - t).clamp(-1, 1) / 15
    return d, -d


@wrong(
    "smooth absolute error: β forgotten",
    lambda x, t: T.smooth_l1_loss(x, t, beta=0.5),
    ((5, 3), (5, 3)),
    bad=(0, 1),
    line="dx = g * (x - t).clamp(-1, 1) / 15",
)
def _(g: Tensor, x: Tensor, t: Tensor) -> Gradients:
    dx = g * (x - t).clamp(-1, 1) / 15
    return dx, -dx


@wrong(
    "contrastive loss: no temperature in the softmax",
    contrastive_loss,
    ((5, 4), (5, 4)),
    bad=(0, 1),
    line="p = (u @ v.T).softmax(1)",
    words=("0.5",),
)
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    p = (u @ v.T).softmax(1)
    ds = g * (p - torch.eye(5, dtype=u.dtype)) / 5
    return ds @ v, ds.T @ u


@wrong(
    "binary cross-entropy: no weight of the positives",
    lambda z: T.binary_cross_entropy_with_logits(z, TARGETS, pos_weight=2 * torch.ones(3, dtype=z.dtype)),
    ((5, 3),),
    bad=(0,),
    line="return g * (z.sigmoid() - TARGETS) / 15",
    words=("pos_weight",),
)
def _(g: Tensor, z: Tensor) -> Gradients:
    return g * (z.sigmoid() - TARGETS) / 15


@wrong(
    "divergence of coins: the other direction",
    lambda a, b: T.kl_div(T.logsigmoid(b), T.logsigmoid(a), log_target=True, reduction="sum"),
    ((5, 3), (5, 3)),
    bad=(0, 1),
    mistake=("forward-option", "swapped"),
    line="ratio = T.logsigmoid(b) - T.logsigmoid(a)",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    p, q = torch.sigmoid(a), torch.sigmoid(b)
    ratio = T.logsigmoid(b) - T.logsigmoid(a)
    da = -g * q * (1 - p)
    db = g * q * (1 - q) * (ratio + 1)
    return da, db


@wrong(
    "focal loss of classes: γ = 0",
    lambda z: -(((1 - z.softmax(1)) ** 2 * z.log_softmax(1)) * TARGETS).sum(),
    ((5, 3),),
    bad=(0,),
    line="return g * (z.softmax(1) - TARGETS)",
)
def _(g: Tensor, z: Tensor) -> Gradients:
    return g * (z.softmax(1) - TARGETS)


@wrong(
    "penalised regression: another strength of the penalty",
    lambda x, w, t: 0.5 * ((x @ w - t) ** 2).mean() + 0.05 * (w**2).sum(),
    ((7, 3), (3,), (7,)),
    bad=(1,),
    mistake=("forward-option", "term-factor", "factor"),
    line="dw = x.T @ e + 0.05 * g * w",
)
def _(g: Tensor, x: Tensor, w: Tensor, t: Tensor) -> Gradients:
    e = g * (x @ w - t) / 7
    dw = x.T @ e + 0.05 * g * w
    return torch.outer(e, w), dw, -e
