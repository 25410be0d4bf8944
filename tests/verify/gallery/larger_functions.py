"""Mistakes that are known of single operations, in the midst of a network or a loss."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import (
    CLASSIFIER,
    EPS,
    NORM,
    TARGETS,
    TWO_LAYERS,
    batch_norm,
    classifier,
    contrastive_loss,
    residual,
    two_layers,
)

LARGER_FUNCTIONS = Kind("factor")
wrong = LARGER_FUNCTIONS.wrong


@wrong(
    "classifier without 1/N",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2, 3, 4),
    line="dz2 = g * ((a @ V.T + c).softmax(1) - TARGETS)",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.relu(z)
    dz2 = g * ((a @ V.T + c).softmax(1) - TARGETS)
    dz1 = (dz2 @ V) * (z > 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@wrong(
    "classifier: the upstream ignored",
    classifier,
    CLASSIFIER,
    bad=(0, 1, 2, 3, 4),
    mistake="upstream-ignored",
    line="dz2 = ((a @ V.T + c).softmax(1) - TARGETS) / 5",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.relu(z)
    dz2 = ((a @ V.T + c).softmax(1) - TARGETS) / 5
    dz1 = (dz2 @ V) * (z > 0)
    return dz1 @ W, dz1.T @ x, dz1.sum(0), dz2.T @ a, dz2.sum(0)


@wrong(
    "classifier: the hidden bias averaged",
    classifier,
    CLASSIFIER,
    bad=(2,),
    line="db = dz1.mean(0)",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    z = x @ W.T + b
    a = torch.relu(z)
    dz2 = g * ((a @ V.T + c).softmax(1) - TARGETS) / 5
    dz1 = (dz2 @ V) * (z > 0)
    db = dz1.mean(0)
    return dz1 @ W, dz1.T @ x, db, dz2.T @ a, dz2.sum(0)


@wrong(
    "two layers: the hidden bias from the last example",
    two_layers,
    TWO_LAYERS,
    bad=(2,),
    mistake="one-example",
    line="db = dz[-1]",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.tanh(x @ W.T + b)
    dz = (g @ V) * (1 - a**2)
    db = dz[-1]
    return dz @ W, dz.T @ x, db, g.T @ a, g.sum(0)


@wrong(
    "two layers: the upstream twice",
    two_layers,
    TWO_LAYERS,
    bad=(0, 1, 2),
    mistake=("upstream-twice", "not-linear"),
    line="da = (g * g) @ V",
)
def _(g: Tensor, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Gradients:
    a = torch.tanh(x @ W.T + b)
    da = (g * g) @ V
    dz = da * (1 - a**2)
    return dz @ W, dz.T @ x, dz.sum(0), g.T @ a, g.sum(0)


@wrong(
    "batch norm: divided by one less",
    batch_norm,
    NORM,
    bad=(0,),
    mistake=("factor", "term-factor", "other-number"),
    line="correction = (dxhat.sum(0) + xhat * (dxhat * xhat).sum(0)) / 4",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Gradients:
    c = x - x.mean(0)
    r = (c.square().mean(0) + EPS).rsqrt()
    xhat = c * r
    dxhat = g * w
    correction = (dxhat.sum(0) + xhat * (dxhat * xhat).sum(0)) / 4
    return r * (dxhat - correction), (g * xhat).sum(0), g.sum(0)


@wrong(
    "contrastive loss: the temperature on the way back",
    contrastive_loss,
    ((5, 4), (5, 4)),
    bad=(0, 1),
    line="ds = g * (p - torch.eye(5, dtype=u.dtype)) / 5",
)
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    p = (u @ v.T / 0.5).softmax(1)
    ds = g * (p - torch.eye(5, dtype=u.dtype)) / 5
    return ds @ v, ds.T @ u


@wrong(
    "regression: both factors of the error",
    lambda x, w, b, t: ((torch.tanh(x @ w + b) - t) ** 2).mean(),
    ((7, 3), (3,), (), (7,)),
    bad=(0, 1, 2),
    line="dz = g * (p - t) * (1 - p**2) / 7",
)
def _(g: Tensor, x: Tensor, w: Tensor, b: Tensor, t: Tensor) -> Gradients:
    p = torch.tanh(x @ w + b)
    dz = g * (p - t) * (1 - p**2) / 7
    return torch.outer(dz, w), x.T @ dz, dz.sum(), -2 * g * (p - t) / 7


@wrong(
    "residual: the mask of relu turned round",
    residual,
    ((5, 4), (4, 4), (4, 4)),
    bad=(0, 1),
    mistake="mask-inverted",
    line="dz = (g @ V.T) * (z <= 0)",
)
def _(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
    z = x @ W
    h = torch.relu(z)
    dz = (g @ V.T) * (z <= 0)
    return g + dz @ W.T, x.T @ dz, h.T @ g


@wrong(
    "product of two layers: their gradients exchanged",
    lambda x, A, B: torch.tanh(x @ A) * torch.sigmoid(x @ B),
    ((5, 3), (3, 4), (3, 4)),
    bad=(1, 2),
    mistake="swapped",
    line="return da @ A.T + db @ B.T, x.T @ db, x.T @ da",
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor) -> Gradients:
    a, b = torch.tanh(x @ A), torch.sigmoid(x @ B)
    da = g * b * (1 - a**2)
    db = g * a * b * (1 - b)
    return da @ A.T + db @ B.T, x.T @ db, x.T @ da


@wrong(
    "mean over tokens: without 1/T",
    lambda h, W: torch.relu(h.mean(1) @ W),
    ((2, 4, 3), (3, 5)),
    bad=(0,),
    line="dh = dm[:, None].expand(2, 4, 3)",
)
def _(g: Tensor, h: Tensor, W: Tensor) -> Gradients:
    m = h.mean(1)
    dz = g * (m @ W > 0)
    dm = dz @ W.T
    dh = dm[:, None].expand(2, 4, 3)
    return dh, m.T @ dz


@wrong(
    "softmax layer: the diagonal only",
    lambda x, W: (x @ W).softmax(1),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    mistake=("diagonal-only", "left-out"),
    line="dz = g * p * (1 - p)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    p = (x @ W).softmax(1)
    dz = g * p * (1 - p)
    return dz @ W.T, x.T @ dz


@wrong(
    "mean pooling: the window's size",
    lambda x, w: T.avg_pool1d(T.conv1d(x, w), 2),
    ((2, 3, 8), (4, 3, 3)),
    bad=(0, 1),
    line="dz = g.repeat_interleave(2, 2)",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dz = g.repeat_interleave(2, 2)
    dx = T.conv_transpose1d(dz, w)
    dw = torch.einsum("nol,nilk->oik", dz, x.unfold(2, 3, 1))
    return dx, dw


@wrong(
    "penalised regression: the error summed, the penalty right",
    lambda x, w, t: 0.5 * ((x @ w - t) ** 2).mean() + 0.05 * (w**2).sum(),
    ((7, 3), (3,), (7,)),
    bad=(1,),
    mistake=("factor", "term-factor", "forward-option"),
    line="dw = x.T @ (g * r) + 0.1 * g * w",
)
def _(g: Tensor, x: Tensor, w: Tensor, t: Tensor) -> Gradients:
    r = x @ w - t
    dw = x.T @ (g * r) + 0.1 * g * w
    return torch.outer(g * r / 7, w), dw, -g * r / 7
