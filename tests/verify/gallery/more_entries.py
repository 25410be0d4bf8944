"""Gradient is put into more places than the right ones."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import LABELS, TARGETS

MORE_ENTRIES = Kind("more-entries")
wrong = MORE_ENTRIES.wrong
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]).double()


@wrong(
    "maximum over windows: to the whole window",
    lambda x: T.max_pool1d(x[None], 3)[0],
    ((2, 9),),
    bad=(0,),
    line="return g.repeat_interleave(3, 1)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.repeat_interleave(3, 1)


@wrong(
    "maximum over an image's windows: to the whole window",
    lambda x: T.max_pool2d(torch.relu(x), 2),
    ((2, 3, 4, 4),),
    bad=(0,),
    mistake=("more-entries", "left-out"),
    line="da = g.repeat_interleave(2, 2).repeat_interleave(2, 3)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    da = g.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return da * (x > 0)


@wrong(
    "largest hidden value: to all",
    lambda x, W: (x @ W).amax(1),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    mistake=("more-entries", "local-derivative", "left-out"),
    line="dz = g[:, None].expand(5, 4)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    dz = g[:, None].expand(5, 4)
    return dz @ W.T, x.T @ dz


@wrong(
    "largest two: to the largest three",
    lambda x: x.topk(2, 1).values.sum(1),
    ((5, 4),),
    bad=(0,),
    mistake=("more-entries", "forward-option", "other-places"),
    line="kept = x >= x.topk(3, 1).values[:, -1:]",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    kept = x >= x.topk(3, 1).values[:, -1:]
    return g[:, None] * kept


@wrong(
    "median: to its neighbours too",
    lambda x: x.median(1).values,
    ((4, 5),),
    bad=(0,),
    mistake=("more-entries", "other-number"),
    line="near = (rank - 2).abs() <= 1",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    rank = x.argsort(1).argsort(1)
    near = (rank - 2).abs() <= 1
    return g[:, None] * near


@wrong(
    "mean over a mask: places outside too",
    lambda x: (x * MASK).sum(1) / MASK.sum(1),
    ((3, 4),),
    bad=(0,),
    mistake=("more-entries", "local-derivative", "left-out"),
    line="return (g / MASK.sum(1))[:, None].expand(3, 4)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return (g / MASK.sum(1))[:, None].expand(3, 4)


@wrong(
    "masked error: places outside too",
    lambda x, W, t: (MASK * (x @ W - t) ** 2).sum() / MASK.sum(),
    ((3, 2), (2, 4), (3, 4)),
    bad=(0, 1, 2),
    mistake=("more-entries", "left-out", "local-derivative"),
    line="dz = 2 * g * (x @ W - t) / MASK.sum()",
    words=("MASK",),
)
def _(g: Tensor, x: Tensor, W: Tensor, t: Tensor) -> Gradients:
    dz = 2 * g * (x @ W - t) / MASK.sum()
    return dz @ W.T, x.T @ dz, -dz


@wrong(
    "dropout with a given mask: dropped places too",
    lambda x, W: torch.tanh(x @ W) * MASK / 0.75,
    ((3, 2), (2, 4)),
    bad=(0, 1),
    mistake=("more-entries", "left-out", "local-derivative"),
    line="da = g / 0.75",
    words=("MASK",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    a = torch.tanh(x @ W)
    da = g / 0.75
    dz = da * (1 - a**2)
    return dz @ W.T, x.T @ dz


@wrong(
    "causal scores: places that come later too",
    lambda q, k, v: torch.tril(q @ k.T) @ v,
    ((5, 3), (5, 3), (5, 2)),
    bad=(0, 1),
    mistake=("more-entries", "left-out", "local-derivative"),
    line="ds = g @ v.T",
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    s = torch.tril(q @ k.T)
    ds = g @ v.T
    return ds @ k, ds.T @ q, s.T @ g


@wrong(
    "cross-entropy: ignored examples too",
    lambda x, W: T.cross_entropy(x @ W, LABELS, ignore_index=1),
    ((5, 4), (4, 3)),
    bad=(0, 1),
    mistake=("more-entries", "forward-option", "local-derivative"),
    line="dz = g * ((x @ W).softmax(1) - TARGETS) / 3",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    dz = g * ((x @ W).softmax(1) - TARGETS) / 3
    return dz @ W.T, x.T @ dz


@wrong(
    "lower triangle: the upper one too",
    lambda A, x: torch.tril(A) @ x,
    ((5, 5), (5, 3)),
    bad=(0,),
    line="dA = g @ x.T",
)
def _(g: Tensor, A: Tensor, x: Tensor) -> Gradients:
    dA = g @ x.T
    dx = torch.tril(A).T @ g
    return dA, dx


@wrong(
    "first token: to every token",
    lambda h, W: torch.tanh(h[:, 0] @ W),
    ((2, 4, 3), (3, 3)),
    bad=(0,),
    line="dh = (dz @ W.T)[:, None].expand(2, 4, 3)",
)
def _(g: Tensor, h: Tensor, W: Tensor) -> Gradients:
    a = torch.tanh(h[:, 0] @ W)
    dz = g * (1 - a**2)
    dh = (dz @ W.T)[:, None].expand(2, 4, 3)
    return dh, h[:, 0].T @ dz


@wrong(
    "choice between two: both get the gradient",
    lambda a, b: torch.where(a.abs() > b.abs(), a.sin(), b.sin()),
    ((5, 3), (5, 3)),
    bad=(0, 1),
    mistake=("more-entries", "one-case", "local-derivative"),
    line="return g * a.cos(), g * b.cos()",
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    return g * a.cos(), g * b.cos()


@wrong(
    "hinge of many classes: classes that keep their distance too",
    lambda z: T.relu(z - (z * TARGETS).sum(1, keepdim=True) + 1 - TARGETS).sum(),
    ((5, 3),),
    bad=(0,),
    mistake=("more-entries", "local-derivative"),
    line="dm = g * (1 - TARGETS)",
)
def _(g: Tensor, z: Tensor) -> Gradients:
    dm = g * (1 - TARGETS)
    return dm - TARGETS * dm.sum(1, keepdim=True)


@wrong(
    "running total: all of the gradient to each",
    lambda x: x.cumsum(1),
    ((5, 3),),
    bad=(0,),
    line="return g.sum(1, keepdim=True).expand(5, 3)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.sum(1, keepdim=True).expand(5, 3)
