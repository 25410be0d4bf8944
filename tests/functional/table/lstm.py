"""What `lstm` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.recurrent.lstm import lstm
from tests.functional.drawn import Drawn, of_a_layer
from tests.functional.recurrent import lstm_step, mistakes, one_layer, previous, recurrent, twin
from tests.functional.samples import Mutant, Row, Sample, randn


def backpropagation_through_time(
    grads: tuple[Tensor, Tensor, Tensor],
    x: Tensor,
    *rest: Tensor,
    batch_first: bool = False,
    projected: bool = False,
) -> tuple[Tensor, ...]:
    """Over examples, steps and cells, one number at a time."""
    hx, cx, W, U, *b = rest
    P = b.pop() if projected else torch.eye(U.shape[1], dtype=x.dtype)
    gx, ghx, gcx, gW, gU, *gb = (torch.zeros_like(tensor) for tensor in (x, *rest))
    gP = gb.pop() if projected else torch.zeros_like(P)
    g, last_h, last_c = grads
    x, gx_by_step, g = (v.transpose(0, 1) if batch_first else v for v in (x, gx, g))
    (T, N, _), H = x.shape, len(U) // 4
    h = torch.zeros(T, N, len(P), dtype=x.dtype)
    c, gates = torch.zeros(T, N, H, dtype=x.dtype), torch.zeros(T, N, 4, H, dtype=x.dtype)
    for t in range(T):
        z = (x[t] @ W.T + previous(h, hx, t) @ U.T + sum(b)).reshape(N, 4, H)
        gates[t] = torch.stack([z[:, k].tanh() if k == 2 else z[:, k].sigmoid() for k in range(4)], 1)
        c[t] = gates[t, :, 1] * previous(c, cx, t) + gates[t, :, 0] * gates[t, :, 2]
        h[t] = (gates[t, :, 3] * c[t].tanh()) @ P.T
    for n in range(N):
        dh, dc = last_h[0, n].clone(), last_c[0, n].clone()
        for t in reversed(range(T)):
            dh = dh + g[t, n]
            gP += torch.outer(dh, gates[t, n, 3] * c[t, n].tanh())
            dr = dh @ P
            delta = torch.zeros(4, H, dtype=x.dtype)
            for j in range(H):
                i, f, u, o = gates[t, n, :, j]
                before, shown = previous(c, cx, t)[n, j], c[t, n, j].tanh()
                dc[j] += dr[j] * o * (1 - shown**2)
                delta[0, j] = dc[j] * u * i * (1 - i)
                delta[1, j] = dc[j] * before * f * (1 - f)
                delta[2, j] = dc[j] * i * (1 - u**2)
                delta[3, j] = dr[j] * shown * o * (1 - o)
                dc[j] = dc[j] * f
            column = delta.reshape(4 * H)
            gx_by_step[t, n] += column @ W
            gW += torch.outer(column, x[t, n])
            gU += torch.outer(column, previous(h, hx, t)[n])
            for part in gb:
                part += column
            dh = column @ U
        ghx[0, n], gcx[0, n] = dh, dc
    return (gx, ghx, gcx, gW, gU, *gb, *((gP,) if projected else ()))


SLOPES = "(u * i * (1 - i), c_before * f * (1 - f), i * (1 - u) * (1 + u), tanh_c * o * (1 - o)), -1"
MU = "mu = torch.addcmul(c_next, shown, to_c[t])"
BACK = "h_next, c_next = delta @ widen(U), mu * forget[t]"
ETA = "eta = g[t] + h_next"

ROW = Row(
    name="lstm",
    function=one_layer(2)(lstm),
    twin=one_layer(2)(twin(torch.lstm, lstm_step)),
    derivation=backpropagation_through_time,
    keeps=frozenset({"output 0", *(f"input {k}" for k in range(8))}),
    samples=(
        *recurrent(gates=4, states=2),
        Sample(
            "projected",
            (
                randn(3, 2, 1),
                randn(1, 2, 1),
                randn(1, 2, 2, seed="c"),
                randn(8, 1, seed="W"),
                randn(8, 1, seed="U"),
                randn(8, seed="b"),
                randn(8, seed="c"),
                randn(1, 2, seed="P"),
            ),
            {"projected": True},
        ),
    ),
    mutants=(
        Mutant("the slope of the input gate forgotten", SLOPES, SLOPES.replace("u * i * (1 - i)", "u * i")),
        Mutant("cₜ for cₜ₋₁ at the forget gate", SLOPES, SLOPES.replace("c_before", "tanh_c.atanh()")),
        Mutant("dropped minus: 1 + u²", SLOPES, SLOPES.replace("(1 - u) * (1 + u)", "(1 + u * u)")),
        Mutant("c for tanh c at the output gate", SLOPES, SLOPES.replace("tanh_c", "tanh_c.atanh()")),
        Mutant("the next cell forgotten", MU, "mu = shown * to_c[t]"),
        Mutant("the way from the cell to the output forgotten", MU, "mu = c_next + 0 * shown * to_c[t]"),
        Mutant("the next state forgotten", ETA, "eta = g[t]"),
        Mutant("what comes from above forgotten", ETA, "eta = h_next"),
        Mutant("the cell is not forgotten on the way back", BACK, BACK.replace("mu * forget[t]", "mu")),
        Mutant("the gradient of the last cell forgotten", "widen(grad_c[0])", "0 * widen(grad_c[0])"),
        Mutant(
            "hₜ for hₜ₋₁ in ∂L/∂U",
            "rows(delta).t() @ rows(h_before)",
            "rows(delta).t() @ rows(steps_first(ctx.saved_tensors[8], ctx.batch_first))",
        ),
        Mutant(
            "P left out on the way back",
            "eta @ widen(P)",
            "eta.sum(-1, keepdim=True).expand(len(eta), P.shape[1])",
        ),
        Mutant("tangent without the cell", "dc = di + df + du + f[t] * dc", "dc = di + df + du"),
    ),
    mistakes=mistakes("lstm", gates=4, states=2),
    adapt=one_layer(2),
    rounds_on_the_way=True,
    drawn=Drawn(
        of_a_layer(4, 2),
        not_finite="where 0 meets ∞ depends on the order of a gate's factors",
        finite_upstream="likewise",
    ),
)
