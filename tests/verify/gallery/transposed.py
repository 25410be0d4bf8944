"""A transpose too many or too few in a step of the backward, where matrices are square."""

import torch
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind, Shapes
from tests.verify.gallery.layers import (
    ATTENTION,
    RECURRENT,
    THREE_LAYERS,
    attention,
    autoencoder,
    contrastive_loss,
    residual,
    rnn,
    three_layers,
)

TRANSPOSED = Kind("transposed", also=("jacobian-transposed",))
wrong = TRANSPOSED.wrong
SQUARE: Shapes = ((5, 5), (5, 5))


@wrong(
    "attention weights: keys without a transpose",
    lambda q, k: (q @ k.T).softmax(1),
    SQUARE,
    bad=(1,),
    line="dk = ds @ q",
    words=("ds",),
)
def _(g: Tensor, q: Tensor, k: Tensor) -> Gradients:
    p = (q @ k.T).softmax(1)
    ds = p * (g - (p * g).sum(1, keepdim=True))
    dq = ds @ k
    dk = ds @ q
    return dq, dk


@wrong(
    "attention: values without a transpose",
    attention,
    ATTENTION,
    bad=(2,),
    line="dv = p @ g",
    words=("p",),
)
def _(g: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Gradients:
    p = (q @ k.T / 2).softmax(1)
    dv = p @ g
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdim=True))
    return ds @ k / 2, ds.T @ q / 2, dv


@wrong(
    "three layers: the second weight not transposed",
    three_layers,
    THREE_LAYERS,
    bad=(0, 1),
    line="da1 = dz2 @ B",
    words=("B",),
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    a1 = torch.sigmoid(x @ A)
    a2 = torch.sigmoid(a1 @ B)
    dz2 = (g @ C.T) * a2 * (1 - a2)
    da1 = dz2 @ B
    dz1 = da1 * a1 * (1 - a1)
    return dz1 @ A.T, x.T @ dz1, a1.T @ dz2, a2.T @ g


@wrong(
    "three layers: the gradient of a weight transposed",
    three_layers,
    THREE_LAYERS,
    bad=(2,),
    line="dB = dz2.T @ a1",
)
def _(g: Tensor, x: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Gradients:
    a1 = torch.sigmoid(x @ A)
    a2 = torch.sigmoid(a1 @ B)
    dz2 = (g @ C.T) * a2 * (1 - a2)
    dB = dz2.T @ a1
    dz1 = (dz2 @ B.T) * a1 * (1 - a1)
    return dz1 @ A.T, x.T @ dz1, dB, a2.T @ g


@wrong(
    "recurrence: the recurrent weight not transposed",
    rnn,
    RECURRENT,
    bad=(0, 1, 2, 3),
    line="dh = dz @ U",
    words=("U",),
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
        dU += states[t].T @ dz
        dh = dz @ U
    return dxs, dh, dW, dU


@wrong(
    "congruence: the outer matrices not turned round",
    lambda A, B: A @ B @ A.T,
    SQUARE,
    bad=(1,),
    line="dB = A @ g @ A.T",
    words=("A",),
)
def _(g: Tensor, A: Tensor, B: Tensor) -> Gradients:
    dA = g @ A @ B.T + g.T @ A @ B
    dB = A @ g @ A.T
    return dA, dB


@wrong(
    "Gram matrix: its two ways back the same",
    lambda x: x @ x.T,
    ((5, 3),),
    bad=(0,),
    line="return g @ x + g @ x",
    words=("g",),
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g @ x + g @ x


@wrong(
    "autoencoder: the second use of the weight",
    autoencoder,
    ((5, 4), (4, 4)),
    bad=(1,),
    line="dW = x.T @ dz + h.T @ g",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    h = torch.relu(z)
    dh = g @ W
    dz = dh * (z > 0)
    dW = x.T @ dz + h.T @ g
    return dz @ W.T, dW


@wrong(
    "autoencoder: the weight on the way back from the output",
    autoencoder,
    ((5, 4), (4, 4)),
    bad=(0, 1),
    line="dh = g @ W.T",
    words=("W",),
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    h = torch.relu(z)
    dh = g @ W.T
    dz = dh * (z > 0)
    return dz @ W.T, x.T @ dz + g.T @ h


@wrong(
    "mixing of tokens: the weight not transposed",
    lambda x, M: torch.relu(M @ x),
    ((2, 5, 3), (5, 5)),
    bad=(0,),
    line="dx = M @ dz",
    words=("M",),
)
def _(g: Tensor, x: Tensor, M: Tensor) -> Gradients:
    z = M @ x
    dz = g * (z > 0)
    dx = M @ dz
    dM = (dz @ x.mT).sum(0)
    return dx, dM


@wrong(
    "graph convolution: the adjacency not transposed",
    lambda A, x, W: torch.tanh(A @ x @ W),
    ((5, 5), (5, 4), (4, 4)),
    bad=(1,),
    line="dx = A @ dz @ W.T",
    words=("A",),
)
def _(g: Tensor, A: Tensor, x: Tensor, W: Tensor) -> Gradients:
    h = torch.tanh(A @ x @ W)
    dz = g * (1 - h**2)
    dx = A @ dz @ W.T
    dA = dz @ (x @ W).T
    dW = (A @ x).T @ dz
    return dA, dx, dW


@wrong(
    "bilinear scores: the weight's gradient transposed",
    lambda x, W, z: x @ W @ z.T,
    ((5, 4), (4, 4), (5, 4)),
    bad=(1,),
    line="dW = z.T @ g.T @ x",
)
def _(g: Tensor, x: Tensor, W: Tensor, z: Tensor) -> Gradients:
    dx = g @ z @ W.T
    dW = z.T @ g.T @ x
    dz = g.T @ x @ W
    return dx, dW, dz


@wrong(
    "residual: the weight of the hidden layer not transposed",
    residual,
    ((5, 4), (4, 4), (4, 4)),
    bad=(0,),
    line="dx = g + dz @ W",
    words=("W",),
)
def _(g: Tensor, x: Tensor, W: Tensor, V: Tensor) -> Gradients:
    h = torch.relu(x @ W)
    dz = (g @ V.T) * (h > 0)
    dx = g + dz @ W
    return dx, x.T @ dz, h.T @ g


@wrong(
    "contrastive loss: scores not transposed",
    contrastive_loss,
    ((5, 4), (5, 4)),
    bad=(1,),
    line="dv = ds @ u / 0.5",
    words=("ds",),
)
def _(g: Tensor, u: Tensor, v: Tensor) -> Gradients:
    s = u @ v.T / 0.5
    ds = g * (s.softmax(1) - torch.eye(5, dtype=u.dtype)) / 5
    du = ds @ v / 0.5
    dv = ds @ u / 0.5
    return du, dv
