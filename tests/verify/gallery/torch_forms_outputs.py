"""Functions in torch with several outputs, and a torch.autograd.Function with two, right and wrong."""

from typing import Any

import torch
from torch import Tensor

from tests.verify.gallery.derivation import NamedForm

TORCH_FORMS_OUTPUTS = NamedForm()
right, wrong = TORCH_FORMS_OUTPUTS.right, TORCH_FORMS_OUTPUTS.wrong
Gradients = Any

CELL = ((5, 3), (5, 2), (5, 2), (3, 8), (2, 8))
ATTENTION = ((5, 4), (6, 4), (6, 3))
POLAR = ((5, 3), (5, 3))


def cell(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> tuple[Tensor, Tensor]:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(n)
    return torch.sigmoid(o) * torch.tanh(c), c


def attention_and_weights(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    p = torch.softmax(q @ k.T / 2, dim=1)
    return p @ v, p


def affine_with_cache(x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    return x @ w + b, (x, w)


def polar(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return torch.hypot(a, b), torch.atan2(b, a)


@right("memory cell in torch: two upstream gradients", CELL, cell)
def _(dh: Tensor, dc: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    i, f, o, n = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    t = (f * c + i * n).tanh()
    dm = dc + dh * o * (1 - t**2)
    d = torch.cat([dm * n * i * (1 - i), dm * c * f * (1 - f), dh * t * o * (1 - o), dm * i * (1 - n**2)], 1)
    return d @ W.T, d @ U.T, dm * f, x.T @ d, h.T @ d


@right("attention in torch that returns its weights too", ATTENTION, attention_and_weights)
def _(upstreams: tuple[Tensor, Tensor], q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    dout, dweights = upstreams
    p = torch.softmax(q @ k.T / 2, dim=1)
    dp = dout @ v.T + dweights
    ds = p * (dp - (dp * p).sum(dim=1, keepdim=True)) / 2
    return ds @ k, ds.T @ q, p.T @ dout


@right("affine layer in torch with a cache", ((5, 3), (3, 4), (4,)), affine_with_cache)
def _(dout: Tensor, cache: tuple[Tensor, Tensor]) -> Gradients:
    x, w = cache
    return {"x": dout @ w.T, "w": x.T @ dout, "b": dout.sum(0)}


@right("radius and angle", POLAR, polar)
def _(dr: Tensor, dphi: Tensor, a: Tensor, b: Tensor) -> Gradients:
    r = torch.hypot(a, b)
    return dr * a / r - dphi * b / r**2, dr * b / r + dphi * a / r**2


@wrong(
    "memory cell in torch: the memory's own way dropped",
    CELL,
    cell,
    mistake=("left-out", "forgotten-use", "forgotten-path", "upstream-ignored", "detached"),
    bad=("x", "h", "c", "W", "U"),
    line="dm = dh * o * (1 - t**2)",
)
def _(dh: Tensor, dc: Tensor, x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> Gradients:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    i, f, o, n = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    t = (f * c + i * n).tanh()
    dm = dh * o * (1 - t**2)
    d = torch.cat([dm * n * i * (1 - i), dm * c * f * (1 - f), dh * t * o * (1 - o), dm * i * (1 - n**2)], 1)
    return d @ W.T, d @ U.T, dm * f, x.T @ d, h.T @ d


@wrong(
    "attention in torch: the weights' gradient added after the softmax",
    ATTENTION,
    attention_and_weights,
    mistake=("local-derivative", "left-out", "forgotten-path"),
    bad=("q", "k"),
    line="ds = (p * (dp - (dp * p).sum(dim=1, keepdim=True)) + dweights) / 2",
)
def _(upstreams: tuple[Tensor, Tensor], q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    dout, dweights = upstreams
    p = torch.softmax(q @ k.T / 2, dim=1)
    dp = dout @ v.T
    ds = (p * (dp - (dp * p).sum(dim=1, keepdim=True)) + dweights) / 2
    return ds @ k, ds.T @ q, p.T @ dout


@wrong(
    "affine layer in torch with a cache: its bias not summed",
    ((5, 3), (3, 4), (4,)),
    affine_with_cache,
    mistake=("not-summed",),
    bad=("b",),
    line='return {"x": dout @ w.T, "w": x.T @ dout, "b": dout}',
)
def _(dout: Tensor, cache: tuple[Tensor, Tensor]) -> Gradients:
    x, w = cache
    return {"x": dout @ w.T, "w": x.T @ dout, "b": dout}


@wrong(
    "radius and angle: the angle turned the other way",
    POLAR,
    polar,
    mistake=("term-sign", "sign"),
    bad=("a", "b"),
    line="da = dr * a / r + dphi * b / r**2",
)
def _(dr: Tensor, dphi: Tensor, a: Tensor, b: Tensor) -> Gradients:
    r = torch.hypot(a, b)
    da = dr * a / r + dphi * b / r**2
    db = dr * b / r - dphi * a / r**2
    return da, db


def scaled_and_softened(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return x * w, torch.tanh(x @ w.T)


@right("Function with two outputs", ((5, 3), (5, 3)), against=scaled_and_softened)
class TwoOutputs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        soft = torch.tanh(x @ w.T)
        ctx.save_for_backward(x, w, soft)
        return x * w, soft

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dproduct: Tensor, dsoft: Tensor) -> tuple[Tensor, Tensor]:
        x, w, soft = ctx.saved_tensors
        dz = dsoft * (1 - soft**2)
        return dproduct * w + dz @ w, dproduct * x + dz.T @ x


@wrong(
    "Function with two outputs: the second's product transposed",
    ((5, 3), (5, 3)),
    against=scaled_and_softened,
    mistake=("transposed", "jacobian-transposed"),
    bad=("w",),
)
class TwoOutputsTransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        soft = torch.tanh(x @ w.T)
        ctx.save_for_backward(x, w, soft)
        return x * w, soft

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dproduct: Tensor, dsoft: Tensor) -> tuple[Tensor, Tensor]:
        x, w, soft = ctx.saved_tensors
        dz = dsoft * (1 - soft**2)
        dw = dproduct * x + dz @ x
        return dproduct * w + dz @ w, dw


@wrong(
    "Function with two outputs: the first's gradient forgotten",
    POLAR,
    against=polar,
    mistake=("left-out", "forgotten-use", "forgotten-path", "upstream-ignored", "detached"),
    bad=("a", "b"),
)
class AngleOnly(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(a, b)
        return torch.hypot(a, b), torch.atan2(b, a)

    @staticmethod
    def backward(ctx: Any, dr: Tensor, dphi: Tensor) -> tuple[Tensor, Tensor]:
        a, b = ctx.saved_tensors
        r = torch.hypot(a, b)
        return -dphi * b / r**2, dphi * a / r**2
