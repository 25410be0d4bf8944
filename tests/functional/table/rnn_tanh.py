"""What `rnn_tanh` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.recurrent.rnn_tanh import rnn_tanh
from tests.functional.drawn import Drawn, of_a_layer
from tests.functional.recurrent import mistakes, one_layer, previous, recurrent, twin
from tests.functional.samples import Mutant, Row


def backpropagation_through_time(
    grads: tuple[Tensor, Tensor], x: Tensor, *rest: Tensor, batch_first: bool = False, relu: bool = False
) -> tuple[Tensor, ...]:
    """Over examples, steps and units, one number at a time."""
    hx, W, U, *b = rest
    gx, ghx, gW, gU, *gb = (torch.zeros_like(tensor) for tensor in (x, *rest))
    g, last = grads
    x, gx_by_step, g = (v.transpose(0, 1) if batch_first else v for v in (x, gx, g))
    (T, N, D), H = x.shape, len(U)
    h = torch.zeros(T, N, H, dtype=x.dtype)
    for t in range(T):
        z = x[t] @ W.T + previous(h, hx, t) @ U.T + sum(b)
        h[t] = z.clamp(min=0) if relu else z.tanh()
    for n in range(N):
        delta_next: list[float] = []
        for t in reversed(range(T)):
            above = [float(g[t, n, j]) for j in range(H)]
            if t == T - 1:
                dh = [above[j] + float(last[0, n, j]) for j in range(H)]
            else:
                dh = [above[j] + sum(delta_next[k] * float(U[k, j]) for k in range(H)) for j in range(H)]
            slope = [float(s > 0) if relu else 1 - float(s) ** 2 for s in h[t, n]]
            delta = [dh[j] * slope[j] for j in range(H)]
            for j in range(H):
                for i in range(D):
                    gx_by_step[t, n, i] += delta[j] * W[j, i]
                    gW[j, i] += delta[j] * x[t, n, i]
                for i in range(H):
                    gU[j, i] += delta[j] * previous(h, hx, t)[n, i]
                for part in gb:
                    part[j] += delta[j]
            delta_next = delta
        for j in range(H):
            ghx[0, n, j] = sum(delta_next[k] * float(U[k, j]) for k in range(H))
    return (gx, ghx, gW, gU, *gb)


GATED = "return grad * ((1 - h) * (1 + h))"
DELTA = "delta = through(g[t] + from_next, states[t])"
FROM_NEXT = "from_next = delta @ widen(U)\n"
GRAD_U = "rows(before(h, widen(hx), ctx.reverse))"

ROW = Row(
    name="rnn_tanh",
    function=one_layer(1)(rnn_tanh),
    twin=one_layer(1)(twin(torch.rnn_tanh, lambda z: (z.tanh(),))),
    derivation=backpropagation_through_time,
    keeps=frozenset({"input 0", "input 1", "input 2", "input 3", "output 0"}),
    samples=recurrent(gates=1, states=1),
    mutants=(
        Mutant("dropped minus: 1 + h²", GATED, "return grad * (1 + h * h)"),
        Mutant("no slope", GATED, "return grad"),
        Mutant("the sigmoid's slope", GATED, "return grad * h * (1 - h)"),
        Mutant("the next step forgotten", DELTA, "delta = through(g[t], states[t])"),
        Mutant("what comes from above forgotten", DELTA, "delta = through(from_next, states[t])"),
        Mutant("U transposed on the way back", FROM_NEXT, "from_next = delta @ widen(U).t()\n"),
        Mutant(
            "the gradient of the last state forgotten",
            "from_next = widen(grad_last[0])",
            "from_next = 0 * widen(grad_last[0])",
        ),
        Mutant("hₜ for hₜ₋₁ in ∂L/∂U", GRAD_U, "rows(h)"),
        Mutant("h₀ taken for zero in ∂L/∂U", GRAD_U, "rows(before(h, 0 * widen(hx), ctx.reverse))"),
        Mutant("steps forwards", "for t in reversed(in_order(len(g)", "for t in list(in_order(len(g)"),
        Mutant("averaged over the steps", "rows(delta).sum(0)", "delta.mean(0).sum(0)"),
        Mutant(
            "truncated: the state before is a constant",
            FROM_NEXT,
            "from_next = (delta @ widen(U)).detach()\n",
        ),
    ),
    mistakes=mistakes("rnn_tanh", gates=1, states=1),
    adapt=one_layer(1),
    rounds_on_the_way=True,
    drawn=Drawn(of_a_layer(1, 1)),
)
