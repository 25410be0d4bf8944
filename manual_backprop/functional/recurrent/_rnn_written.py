"""A recurrent layer and its gradients as they are written: one step after the other, and back again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.recurrent._recurrence import in_order


def written(
    rectified: bool,
    x: Tensor,
    hx: Tensor,
    W: Tensor,
    U: Tensor,
    b: Tensor | None,
    c: Tensor | None,
    reverse: bool,
    batch_first: bool,
) -> tuple[Any, Callable[..., Any]]:
    """The outputs and the last state; and the gradients of the tensors, from those of both."""
    steps = in_order(x.shape[1 if batch_first else 0], reverse)
    h = hx[0]
    before, zs, states = {}, {}, {}
    for t in steps:
        before[t] = h
        z = at(x, t, batch_first) @ W.T + h @ U.T
        z = z if b is None or c is None else z + b + c
        h = torch.relu(z) if rectified else torch.tanh(z)
        zs[t], states[t] = z, h
    output = beside(states, batch_first)

    def backward(g: Tensor | None, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        dh: Any = None if dlast is None else dlast[0]
        deltas = {}
        for t in reversed(steps):
            z, h = zs[t], states[t]  # noqa: F841 - dz is the gradient of this z
            dh = joined(dh, g, t, batch_first)
            dz = torch.where(h > 0, dh, 0) if rectified else dh * (1 - h**2)
            deltas[t] = dz
            h = before[t]
            dh = dz @ U
        delta = beside(deltas, batch_first)
        return products(delta, x, beside(before, batch_first), W, b, c, dh)

    return (output, h[None]), backward


def products(
    delta: Tensor, x: Tensor, h_before: Tensor, W: Tensor, b: Any, c: Any, dh: Tensor
) -> tuple[Tensor | None, ...]:
    """The gradients of x, the first state, W, U and b, from those of z at all steps and of h₀."""

    def written() -> tuple[Tensor | None, ...]:
        deltaT = delta.flatten(0, 1).T
        dW = deltaT @ x.flatten(0, 1)
        dU = deltaT @ h_before.flatten(0, 1)
        db = None if b is None or c is None else delta.sum((0, 1))
        return delta @ W, dh[None], dW, dU, db, db

    return written()


def at(x: Tensor, t: int, batch_first: bool) -> Tensor:
    """xₜ."""
    return x[:, t] if batch_first else x[t]


def beside(states: dict[int, Tensor], batch_first: bool) -> Tensor:
    """All steps as one tensor, in the order of time."""
    return torch.stack([states[t] for t in sorted(states)], 1 if batch_first else 0)


def joined(dh: Tensor | None, g: Tensor | None, t: int, batch_first: bool) -> Any:
    """What reaches hₜ: from the next step, and from above, where something comes from there."""
    if g is None:
        return dh
    return at(g, t, batch_first) if dh is None else at(g, t, batch_first) + dh
