"""An LSTM layer and its gradients as they are written: one step after the other, and back again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.recurrent._recurrence import in_order
from manual_backprop.functional.recurrent._rnn_written import at, beside, joined, products


def written(
    x: Tensor,
    hx: Tensor,
    cx: Tensor,
    W: Tensor,
    U: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    P: Tensor | None,
    reverse: bool,
    batch_first: bool,
) -> tuple[Any, Callable[..., Any]]:
    """The outputs, the last h and the last c; and the gradients of the tensors."""
    steps = in_order(x.shape[1 if batch_first else 0], reverse)
    H = cx.shape[2]
    h, c = hx[0], cx[0]
    before, states, kept = {}, {}, {}
    for t in steps:
        before[t], c_before = h, c
        z = at(x, t, batch_first) @ W.T + h @ U.T
        z = z if b_ih is None or b_hh is None else z + b_ih + b_hh
        i = torch.sigmoid(z[:, :H])
        f = torch.sigmoid(z[:, H : 2 * H])
        u = torch.tanh(z[:, 2 * H : 3 * H])
        o = torch.sigmoid(z[:, 3 * H :])
        c = f * c_before + i * u
        tanh_c = torch.tanh(c)
        h = o * tanh_c if P is None else (o * tanh_c) @ P.T
        states[t] = h
        kept[t] = z, i, f, u, o, c_before, c, tanh_c
    output = beside(states, batch_first)

    def backward(g: Tensor | None, dh_last: Tensor | None, dc_last: Tensor | None) -> Any:
        dh: Any = None if dh_last is None else dh_last[0]
        dc: Any = None if dc_last is None else dc_last[0]
        deltas, projected = {}, {}
        for t in reversed(steps):
            z, i, f, u, o, c_before, c, tanh_c = kept[t]  # noqa: RUF059 - dz is the gradient of this z
            h = states[t]
            dh = joined(dh, g, t, batch_first)
            do = torch.zeros_like(o)
            if dh is not None:
                projected[t] = dh
                dshown = dh if P is None else dh @ P
                do = dshown * tanh_c
                dtanh_c = dshown * o
                dc = dtanh_c * (1 - tanh_c**2) if dc is None else dc + dtanh_c * (1 - tanh_c**2)
            di, df, du = dc * u, dc * c_before, dc * i
            dz_i, dz_f = di * i * (1 - i), df * f * (1 - f)
            dz_u, dz_o = du * (1 - u**2), do * o * (1 - o)
            dz = torch.cat((dz_i, dz_f, dz_u, dz_o), 1)
            deltas[t] = dz
            h, c = before[t], c_before  # noqa: F841 - and dh and dc those of these
            dh = dz @ U
            dc = dc * f
        delta = beside(deltas, batch_first)
        dx, dhx, dW, dU, *db = products(delta, x, beside(before, batch_first), W, b_ih, b_hh, dh)
        dP = None
        if P is not None:
            shown = {t: kept[t][4] * kept[t][7] for t in projected}
            dP = beside(projected, batch_first).flatten(0, 1).T @ beside(shown, batch_first).flatten(0, 1)
        return dx, dhx, dc[None], dW, dU, *db, dP

    return (output, h[None], c[None]), backward
