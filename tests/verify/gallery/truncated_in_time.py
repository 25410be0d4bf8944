"""A recurrence whose backward stops before its first step."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind, Shapes
from tests.verify.gallery.layers import LABELS, RECURRENT, TARGETS, rnn, rnn_states

TRUNCATED_IN_TIME = Kind("truncated-in-time")
wrong = TRUNCATED_IN_TIME.wrong


@wrong("recurrence: the last step only", rnn, RECURRENT, bad=(0, 1, 2, 3))
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dz = g * (1 - states[-1] ** 2)
    dxs = torch.zeros_like(xs)
    dxs[-1] = dz @ W.T
    return dxs, torch.zeros_like(h), xs[-1].T @ dz, states[-2].T @ dz


@wrong("recurrence: the last two steps", rnn, RECURRENT, bad=(0, 1, 2, 3))
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs, dW, dU = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U)
    dh = g
    for t in (3, 2):
        dz = dh * (1 - states[t + 1] ** 2)
        dxs[t] = dz @ W.T
        dW += xs[t].T @ dz
        dU += states[t].T @ dz
        dh = dz @ U.T
    return dxs, torch.zeros_like(h), dW, dU


@wrong(
    "all states: no gradient from the next step",
    rnn_states,
    RECURRENT,
    bad=(0, 1, 2, 3),
    line="dz = g[t] * (1 - states[t + 1] ** 2)",
)
def _(g: Tensor, xs: Tensor, h: Tensor, W: Tensor, U: Tensor) -> Gradients:
    states = [h]
    for x in xs:
        states.append(torch.tanh(x @ W + states[-1] @ U))
    dxs, dW, dU = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U)
    dh = torch.zeros_like(h)
    for t in reversed(range(len(xs))):
        dz = g[t] * (1 - states[t + 1] ** 2)
        dxs[t] = dz @ W.T
        dW += xs[t].T @ dz
        dU += states[t].T @ dz
        dh = dz @ U.T
    return dxs, dh, dW, dU


@wrong(
    "linear recurrence: the last step only",
    lambda xs, a: sum_of_decaying(xs, a),
    ((4, 5), (5,)),
    bad=(0, 1),
)
def _(g: Tensor, xs: Tensor, a: Tensor) -> Gradients:
    s = sum_of_decaying(xs[:-1], a)
    dxs = torch.zeros_like(xs)
    dxs[-1] = g
    return dxs, g * s


def sum_of_decaying(xs: Tensor, a: Tensor) -> Tensor:
    s = torch.zeros_like(a)
    for x in xs:
        s = a * s + x
    return s


def memory(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor) -> tuple[Tensor, ...]:
    i, f, o, n = (x @ W + h @ U).chunk(4, 1)
    i, f, o, n = i.sigmoid(), f.sigmoid(), o.sigmoid(), n.tanh()
    c = f * c + i * n
    return o * c.tanh(), c, i, f, o, n


def lstm(xs: Tensor, W: Tensor, U: Tensor) -> Tensor:
    h = c = xs.new_zeros(5, 2)
    for x in xs:
        h, c, *_ = memory(x, h, c, W, U)
    return h


LSTM: Shapes = ((3, 5, 3), (3, 8), (2, 8))


@wrong("memory cells: the last step only", lstm, LSTM, bad=(0, 1, 2))
def _(g: Tensor, xs: Tensor, W: Tensor, U: Tensor) -> Gradients:
    h = c = xs.new_zeros(5, 2)
    for x in xs:
        before, memory_before = h, c
        h, c, i, f, o, n = memory(x, h, c, W, U)
    dc = g * o * (1 - c.tanh() ** 2)
    do = g * c.tanh() * o * (1 - o)
    di = dc * n * i * (1 - i)
    df = dc * memory_before * f * (1 - f)
    dn = dc * i * (1 - n**2)
    d = torch.cat([di, df, do, dn], 1)
    dxs = torch.zeros_like(xs)
    dxs[-1] = d @ W.T
    return dxs, xs[-1].T @ d, before.T @ d


@wrong(
    "memory cells: the memory's own way through time",
    lstm,
    LSTM,
    bad=(0, 1, 2),
    mistake=("truncated-in-time", "left-out", "forgotten-use"),
    line="dc = dh * o * (1 - c.tanh() ** 2)",
)
def _(g: Tensor, xs: Tensor, W: Tensor, U: Tensor) -> Gradients:
    h = c = xs.new_zeros(5, 2)
    kept = []
    for x in xs:
        step = memory(x, h, c, W, U)
        kept.append((x, h, c, *step[1:]))
        h, c = step[:2]
    dxs, dW, dU, dh = torch.zeros_like(xs), torch.zeros_like(W), torch.zeros_like(U), g
    for t in reversed(range(len(xs))):
        x, before, memory_before, c, i, f, o, n = kept[t]
        dc = dh * o * (1 - c.tanh() ** 2)
        do = dh * c.tanh() * o * (1 - o)
        di = dc * n * i * (1 - i)
        df = dc * memory_before * f * (1 - f)
        dn = dc * i * (1 - n**2)
        d = torch.cat([di, df, do, dn], 1)
        dxs[t] = d @ W.T
        dW += x.T @ d
        dU += before.T @ d
        dh = d @ U.T
    return dxs, dW, dU


def gated(xs: Tensor, A: Tensor, C: Tensor) -> Tensor:
    h = torch.zeros_like(xs[0])
    for x in xs:
        z = torch.sigmoid(x @ A + h)
        h = z * h + (1 - z) * torch.tanh(x @ C)
    return h


@wrong("gated unit: the last step only", gated, ((3, 5, 4), (4, 4), (4, 4)), bad=(0, 1, 2))
def _(g: Tensor, xs: Tensor, A: Tensor, C: Tensor) -> Gradients:
    h = gated(xs[:-1], A, C)
    x = xs[-1]
    z = torch.sigmoid(x @ A + h)
    n = torch.tanh(x @ C)
    daz = g * (h - n) * z * (1 - z)
    dan = g * (1 - z) * (1 - n**2)
    dxs = torch.zeros_like(xs)
    dxs[-1] = daz @ A.T + dan @ C.T
    return dxs, x.T @ daz, x.T @ dan


def unrolled_descent(w: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """Three steps of gradient descent on a squared error."""
    for _ in range(3):
        w = w - 0.05 * x.T @ (x @ w - t)
    return w


@wrong("unrolled descent: the last step only", unrolled_descent, ((3,), (5, 3), (5,)), bad=(0, 1, 2))
def _(g: Tensor, w: Tensor, x: Tensor, t: Tensor) -> Gradients:
    for _ in range(2):
        w = w - 0.05 * x.T @ (x @ w - t)
    e = x @ w - t
    dw = g - 0.05 * x.T @ (x @ g)
    dx = -0.05 * (torch.outer(e, g) + torch.outer(x @ g, w))
    dt = 0.05 * x @ g
    return dw, dx, dt


def power(v: Tensor, A: Tensor) -> Tensor:
    """Three steps of the power iteration."""
    for _ in range(3):
        v = A @ v
        v = v / v.norm()
    return v


@wrong(
    "power iteration: the last step only",
    power,
    ((4,), (4, 4)),
    bad=(0, 1),
    mistake=("truncated-in-time", "other-tensor"),
)
def _(g: Tensor, v: Tensor, A: Tensor) -> Gradients:
    for _ in range(2):
        v = A @ v
        v = v / v.norm()
    z = A @ v
    n = z.norm()
    u = z / n
    dz = (g - u * (g @ u)) / n
    return A.T @ dz, torch.outer(dz, v)


def sequence_loss(xs: Tensor, W: Tensor, U: Tensor, V: Tensor) -> Tensor:
    h = torch.zeros_like(xs[0])
    for x in xs:
        h = torch.relu(x @ W + h @ U)
    return T.cross_entropy(h @ V, LABELS)


@wrong(
    "classifier of sequences: the last step only",
    sequence_loss,
    ((3, 5, 4), (4, 4), (4, 4), (4, 3)),
    bad=(0, 1, 2),
)
def _(g: Tensor, xs: Tensor, W: Tensor, U: Tensor, V: Tensor) -> Gradients:
    states = [torch.zeros_like(xs[0])]
    for x in xs:
        states.append(torch.relu(x @ W + states[-1] @ U))
    dlogits = g * ((states[-1] @ V).softmax(1) - TARGETS) / 5
    dh = dlogits @ V.T
    dz = dh * (states[-1] > 0)
    dxs = torch.zeros_like(xs)
    dxs[-1] = dz @ W.T
    return dxs, xs[-1].T @ dz, states[-2].T @ dz, states[-1].T @ dlogits


def smoothed(xs: Tensor) -> Tensor:
    """An exponential moving average, all of its values."""
    s, values = xs[0] * 0, []
    for x in xs:
        s = 0.75 * s + 0.25 * x
        values.append(s)
    return torch.stack(values)


@wrong(
    "moving average: each step by itself",
    smoothed,
    ((5, 3),),
    bad=(0,),
    mistake=("truncated-in-time", "diagonal-only"),
    line="return 0.25 * g",
)
def _(g: Tensor, xs: Tensor) -> Gradients:
    return 0.25 * g
