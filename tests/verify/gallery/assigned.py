"""Contributions overwrite each other where they are to be added."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind
from tests.verify.gallery.layers import RECURRENT, autoencoder, rnn

ASSIGNED = Kind("assigned")
wrong = ASSIGNED.wrong
LAST_USE = ("assigned", "left-out", "forgotten-use", "forgotten-path")
PLACES = torch.tensor([[0, 2, 2], [1, 2, 1]])
COLUMNS = torch.tensor([[0, 2], [1, 1], [3, 0], [2, 2], [0, 3]])
SOURCE = torch.tensor([0, 1, 1, 3, 4, 2, 1])
TARGET = torch.tensor([1, 1, 2, 0, 1, 4, 3])


@wrong("embedding: rows picked more than once", lambda W: W[PLACES], ((4, 3),), bad=(0,))
def _(g: Tensor, W: Tensor) -> Gradients:
    dW = torch.zeros_like(W)
    dW[PLACES.flatten()] = g.reshape(-1, 3)
    return dW


@wrong(
    "embedding with a layer: rows in a loop",
    lambda E, W: torch.tanh(E[PLACES].mean(1) @ W),
    ((4, 3), (3, 5)),
    bad=(0,),
    line="dE[PLACES[n, t]] = de[n] / 3",
)
def _(g: Tensor, E: Tensor, W: Tensor) -> Gradients:
    e = E[PLACES].mean(1)
    h = torch.tanh(e @ W)
    dz = g * (1 - h**2)
    de = dz @ W.T
    dE = torch.zeros_like(E)
    for n in range(2):
        for t in range(3):
            dE[PLACES[n, t]] = de[n] / 3
    return dE, e.T @ dz


@wrong(
    "gather: columns picked twice",
    lambda x: x.gather(1, COLUMNS),
    ((5, 4),),
    bad=(0,),
    line="return torch.zeros_like(x).scatter(1, COLUMNS, g)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return torch.zeros_like(x).scatter(1, COLUMNS, g)


@wrong(
    "overlapping windows of a maximum",
    lambda x: T.max_pool1d(x[None], 3, 1)[0],
    ((2, 9),),
    bad=(0,),
    line="dx[n, i + int(x[n, i : i + 3].argmax())] = g[n, i]",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    dx = torch.zeros_like(x)
    for n in range(2):
        for i in range(g.shape[1]):
            dx[n, i + int(x[n, i : i + 3].argmax())] = g[n, i]
    return dx


@wrong(
    "overlapping windows of a mean",
    lambda x: T.avg_pool1d(x[None], 3, 2)[0],
    ((2, 9),),
    bad=(0,),
    line="dx[:, 2 * i : 2 * i + 3] = g[:, i : i + 1] / 3",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    dx = torch.zeros_like(x)
    for i in range(4):
        dx[:, 2 * i : 2 * i + 3] = g[:, i : i + 1] / 3
    return dx


@wrong(
    "convolution: windows of the input",
    lambda x, w: T.conv1d(x[:, None], w[None, None])[:, 0],
    ((2, 8), (3,)),
    bad=(0,),
    line="dx[:, i : i + 3] = g[:, i, None] * w",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for i in range(6):
        dx[:, i : i + 3] = g[:, i, None] * w
        dw += (g[:, i, None] * x[:, i : i + 3]).sum(0)
    return dx, dw


@wrong(
    "image convolution: patches put back",
    lambda x, w: torch.relu(T.conv2d(x[None, None], w[None, None])[0, 0]),
    ((5, 5), (2, 2)),
    bad=(0,),
    line="dx[i : i + 2, j : j + 2] = dz[i, j] * w",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    z = T.conv2d(x[None, None], w[None, None])[0, 0]
    dz = g * (z > 0)
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for i in range(4):
        for j in range(4):
            dx[i : i + 2, j : j + 2] = dz[i, j] * w
            dw += dz[i, j] * x[i : i + 2, j : j + 2]
    return dx, dw


@wrong(
    "gate: the second way to x over the first",
    lambda x, W: x * torch.tanh(x @ W),
    ((5, 4), (4, 4)),
    bad=(0,),
    mistake=LAST_USE,
    line="dx = dz @ W.T",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    t = torch.tanh(x @ W)
    dx = g * t
    dz = g * x * (1 - t**2)
    dW = x.T @ dz
    dx = dz @ W.T
    return dx, dW


@wrong(
    "autoencoder: the second gradient of the weight over the first",
    autoencoder,
    ((5, 4), (4, 3)),
    bad=(1,),
    mistake=LAST_USE,
    line='grads["W"] = x.T @ dz',
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    grads = {}
    z = x @ W
    grads["W"] = g.T @ torch.relu(z)
    dz = (g @ W) * (z > 0)
    grads["W"] = x.T @ dz
    grads["x"] = dz @ W.T
    return grads["x"], grads["W"]


@wrong(
    "recurrence: the weights' gradients of one step",
    rnn,
    RECURRENT,
    bad=(2, 3),
    mistake=("assigned", "truncated-in-time", "one-example", "forgotten-use"),
    line="dW = xs[t].T @ dz",
)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs = torch.zeros_like(xs)
    dh = g
    for t in reversed(range(len(xs))):
        dz = dh * (1 - states[t + 1] ** 2)
        dxs[t] = dz @ W.T
        dW = xs[t].T @ dz
        dU = states[t].T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@wrong(
    "self-attention: the last of the three ways to x",
    lambda x, A, B, C: (x @ A @ (x @ B).T).softmax(1) @ (x @ C),
    ((5, 4), (4, 3), (4, 3), (4, 4)),
    bad=(0,),
    mistake=LAST_USE,
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    q, k, v = x @ A, x @ B, x @ C
    p = (q @ k.T).softmax(1)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    dq, dk, dv = ds @ k, ds.T @ q, p.T @ g
    for weight, d in ((A, dq), (B, dk), (C, dv)):
        dx = d @ weight.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


@wrong(
    "messages along edges: nodes with several",
    lambda x, W: torch.zeros_like(x @ W).index_add(0, TARGET, (x @ W)[SOURCE]),
    ((5, 3), (3, 4)),
    bad=(0, 1),
    line="dh[SOURCE[e]] = g[TARGET[e]]",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    dh = torch.zeros(5, 4, dtype=g.dtype)
    for e in range(7):
        dh[SOURCE[e]] = g[TARGET[e]]
    return dh @ W.T, x.T @ dh


@wrong(
    "sliding differences: each value used twice",
    lambda x: torch.tanh(x[:, 1:] - x[:, :-1]),
    ((3, 5),),
    bad=(0,),
    mistake=("assigned", "forgotten-use"),
    line="dx[:, :-1] = -dz",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    h = torch.tanh(x[:, 1:] - x[:, :-1])
    dz = g * (1 - h**2)
    dx = torch.zeros_like(x)
    dx[:, 1:] = dz
    dx[:, :-1] = -dz
    return dx
