"""The LSTM: a recurrent network with a second state, the cell, which is added to and not overwritten.

Given   zₜ = xₜ Wᵀ + hₜ₋₁ Uᵀ + b, of 4H columns: those of i, f, u, o, H each,

            i = σ(z_i)   f = σ(z_f)   u = tanh(z_u)   o = σ(z_o)       all of them at step t
            cₜ = f cₜ₋₁ + i u                                     forget a share, add a share of what is new
            hₜ = o tanh cₜ                                        show a share

        all products elementwise; with upstream gradients gₜ = ∂L/∂hₜ to each output, and one to each of the
        last states.
Want    ∂L/∂x, ∂L/∂h₀, ∂L/∂c₀, ∂L/∂W, ∂L/∂U, ∂L/∂b.

1.  Two ways lead out of each state: of hₜ to the output and to the next step, of cₜ to hₜ and to the next
    cell. Write ηₜ = ∂L/∂hₜ and μₜ = ∂L/∂cₜ. The chain rule adds the two:

        ηₜ = gₜ + δₜ₊₁ U                          as in `rnn_tanh`, δ = ∂L/∂z
        μₜ = ηₜ o (1 − tanh² cₜ) + μₜ₊₁ fₜ₊₁

2.  Each gate stands in one product, so its derivative is the other factor, times its own slope, that of
    `sigmoid` or `tanh`:

        δ_i = μₜ u · i (1 − i)           δ_f = μₜ cₜ₋₁ · f (1 − f)
        δ_u = μₜ i · (1 − u²)            δ_o = ηₜ tanh cₜ · o (1 − o)

3.  The steps from last to first, the gradients of the last states standing in for what comes from the next
    step: η and μ by step 1, then δₜ, the four parts of step 2 side by side. Beyond the first step,
    ∂L/∂h₀ = δ₁ U and ∂L/∂c₀ = μ₁ f₁.

4.  The weights serve all steps, as in `rnn_tanh`, and the four gates are only more columns:

        ∂L/∂W = Σₜ δₜᵀ xₜ        ∂L/∂U = Σₜ δₜᵀ hₜ₋₁        ∂L/∂b = Σₜ δₜ        ∂L/∂xₜ = δₜ W

5.  With a projection hₜ = rₜ Pᵀ, rₜ = o tanh cₜ, the state is smaller than the cell. Then ηₜ P = ∂L/∂rₜ takes
    the place of ηₜ in μ and δ_o, and ∂L/∂P = Σₜ ηₜᵀ rₜ.

Why it remembers: from cell to cell the gradient is multiplied by f alone, by no matrix and by no slope. Where
f is close to 1 it arrives as it left.

What the backward starts from: once every hₜ is known, nothing but the cell is recurrent any more. So all
gates of all steps are formed anew from x and the outputs by two products, and no gate is kept.

The numerical trap is the one of `sigmoid`, for each gate: the slope is i (1 − i) and not i − i².

Shapes: x (T, N, D), h₀ and c₀ (N, H), W (4H, D), U (4H, H), b (4H,), output (T, N, H).

Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); for f, Gers,
Schmidhuber and Cummins, "Learning to forget: continual prediction with LSTM", Neural Computation 12 (2000);
for P, Sak, Senior and Beaufays, "Long short-term memory recurrent neural network architectures for large
scale acoustic modeling", Interspeech 2014.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)
from manual_backprop.functional.recurrent._lstm_written import written
from manual_backprop.functional.recurrent._recurrence import (
    before,
    check_layer,
    check_states,
    from_input,
    in_groups,
    in_order,
    is_packed,
    one_layer,
    rows,
    run_layers,
    steps_first,
    weighted,
)
from manual_backprop.functional.recurrent._rnn_written import at, beside

NAMES = ("input", "hx", "cx", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")


class LSTM(Operation):
    """cₜ = f cₜ₋₁ + i u, hₜ = o tanh cₜ: one layer in one direction."""

    formula = Formula(
        "lstm",
        "recurrent layer",
        "o tanh cₜ, cₜ = f cₜ₋₁ + i u, gates of {0}ₜ {3}ᵀ + hₜ₋₁ {4}ᵀ‹ + {5} + {6}›",
        ("δₜ {3}", "δ₁ {4}", "f ∂L/∂c₁", "Σₜ δₜᵀ {0}ₜ", "Σₜ δₜᵀ hₜ₋₁", "Σₜ δₜ", "Σₜ δₜ", "Σₜ δₜᵀ"),
        reordered=True,
    )

    @staticmethod
    def written(*inputs: Any) -> Any:
        return written(*inputs)

    @staticmethod
    def elementary(*inputs: Any) -> Any:
        """Its gates, cells and states, step by step."""
        x, hx, cx, W, U, b_ih, b_hh, P, reverse, batch_first = inputs
        h0, c0 = hx[0], cx[0]
        H, h, c = cx.shape[2], h0, c0
        states = {}
        for t in in_order(x.shape[1 if batch_first else 0], reverse):
            z = (
                at(x, t, batch_first) @ W.T + h @ U.T
                if b_ih is None
                else at(x, t, batch_first) @ W.T + h @ U.T + b_ih + b_hh
            )
            i = z[:, :H].sigmoid()
            f = z[:, H : 2 * H].sigmoid()
            u = z[:, 2 * H : 3 * H].tanh()
            o = z[:, 3 * H :].sigmoid()
            c = f * c + i * u
            h = o * c.tanh() if P is None else (o * c.tanh()) @ P.T
            states[t] = h
        output = beside(states, batch_first)
        return output, h.unsqueeze(0), c.unsqueeze(0)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(*inputs: Any) -> None:
        check_layer("lstm", 4, inputs[9], **dict(zip(NAMES, inputs, strict=False)))

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        input, hx, cx, W, U, b_ih, b_hh, P, reverse, batch_first = inputs
        h, c, Ut = widen(hx[0]), widen(cx[0]), widen(U).t()
        states = list(from_input(steps_first(input, batch_first), W, b_ih, b_hh).unbind())
        for t in in_order(len(states), reverse):
            i, f, u, o = gates(torch.addmm(states[t], h, Ut))
            c = torch.addcmul(i * u, f, c)  # f c + i u
            h = o * c.tanh()
            h = h if P is None else h @ widen(P).t()
            states[t] = h
        output = steps_first(torch.stack(states), batch_first)
        dtype = input.dtype
        return narrow(output, dtype), narrow(h.unsqueeze(0), dtype), narrow(c.unsqueeze(0), dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        *tensors, ctx.reverse, ctx.batch_first = inputs
        keep(ctx, *tensors, output[0])  # the outputs are all hₜ, and everything else follows from them

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, grad_h: Tensor, grad_c: Tensor) -> tuple[Tensor | None, ...]:
        input, _, _, W, U, _, _, P, _ = ctx.saved_tensors
        x, h_before, c_before, (i, f, u, o), tanh_c = states_of(ctx)
        slopes = torch.cat(
            (u * i * (1 - i), c_before * f * (1 - f), i * (1 - u) * (1 + u), tanh_c * o * (1 - o)), -1
        ).unbind()
        to_c = (o * (1 - tanh_c) * (1 + tanh_c)).unbind()
        g, forget = steps_first(grad_output, ctx.batch_first).unbind(), f.unbind()
        etas, deltas = list(g), list(g)

        h_next, c_next = widen(grad_h[0]), widen(grad_c[0])  # what comes from the next step
        for t in reversed(in_order(len(g), ctx.reverse)):
            eta = g[t] + h_next
            shown = eta if P is None else eta @ widen(P)
            mu = torch.addcmul(c_next, shown, to_c[t])
            delta = torch.cat((mu, mu, mu, shown), -1) * slopes[t]
            h_next, c_next = delta @ widen(U), mu * forget[t]
            etas[t], deltas[t] = eta, delta

        needs = ctx.needs_input_grad
        delta = torch.stack(deltas)
        grad_b = rows(delta).sum(0) if needs[5] or needs[6] else None
        grads = (
            steps_first(delta @ widen(W), ctx.batch_first) if needs[0] else None,
            h_next.unsqueeze(0),
            c_next.unsqueeze(0),
            rows(delta).t() @ rows(x) if needs[3] else None,
            rows(delta).t() @ rows(h_before) if needs[4] else None,
            grad_b,
            grad_b,
            rows(torch.stack(etas)).t() @ rows(o * tanh_c) if needs[7] else None,
        )
        return *(
            narrow(grad, input.dtype) if grad is not None and needed else None
            for grad, needed in zip(grads, needs, strict=False)
        ), None, None  # fmt: skip

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, ...]:
        return tangents_of(ctx, *tangents[:8])


def gates(z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """i, f, u, o from the 4H columns of z."""
    i, f, u, o = z.chunk(4, -1)
    return i.sigmoid(), f.sigmoid(), u.tanh(), o.sigmoid()


def states_of(ctx: Any) -> tuple[Any, ...]:
    """x, hₜ₋₁, cₜ₋₁, the four gates and tanh cₜ for all steps at once, formed anew from what was kept."""
    input, hx, cx, W, U, b_ih, b_hh, _, output = ctx.saved_tensors
    x, h = steps_first(input, ctx.batch_first), steps_first(output, ctx.batch_first)
    h_before = before(h, widen(hx), ctx.reverse)
    z = torch.addmm(rows(from_input(x, W, b_ih, b_hh)), rows(h_before), widen(U).t())
    i, f, u, o = gates(z.reshape(*h.shape[:2], len(U)))
    new, forget = (i * u).unbind(), f.unbind()
    c, cells = widen(cx[0]), list(new)
    for t in in_order(len(new), ctx.reverse):
        c = torch.addcmul(new[t], forget[t], c)
        cells[t] = c
    cell = torch.stack(cells)
    return x, h_before, before(cell, widen(cx), ctx.reverse), (i, f, u, o), cell.tanh()


def tangents_of(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, ...]:
    """The product rule, in the order of the steps: ċₜ = ḟ cₜ₋₁ + f ċₜ₋₁ + i̇ u + i u̇."""
    input, _, _, W, U, _, _, P, _ = ctx.saved_tensors
    dx, dhx, dcx, dW, dU, db_ih, db_hh, dP = tangents
    x, h_before, c_before, (i, f, u, o), tanh_c = states_of(ctx)
    dz = weighted(x, dW) + weighted(h_before, dU) + torch.zeros_like(torch.cat((i, f, u, o), -1))
    if dx is not None:
        dz = dz + weighted(steps_first(dx, ctx.batch_first), W)
    for part in (db_ih, db_hh):
        dz = dz if part is None else dz + widen(part)
    to_gates = torch.cat((u * i * (1 - i), c_before * f * (1 - f), i * (1 - u * u), o * (1 - o)), -1)
    dh = torch.zeros_like(h_before[0]) if dhx is None else widen(dhx[0])
    dc = torch.zeros_like(f[0]) if dcx is None else widen(dcx[0])
    states = list(f)
    for t in in_order(len(states), ctx.reverse):
        di, df, du, do = ((dz[t] + dh @ widen(U).t()) * to_gates[t]).chunk(4, -1)
        dc = di + df + du + f[t] * dc
        dh = do * tanh_c[t] + o[t] * (1 - tanh_c[t] * tanh_c[t]) * dc
        dh = dh if P is None else dh @ widen(P).t()
        dh = dh if dP is None else dh + (o[t] * tanh_c[t]) @ widen(dP).t()
        states[t] = dh
    moved = steps_first(torch.stack(states), ctx.batch_first)
    return tuple(narrow(t, input.dtype) for t in (moved, dh.unsqueeze(0), dc.unsqueeze(0)))


_lstm = function_of(LSTM)


@public(
    example=example(
        (3, 2, 5),
        (1, 2, 4),
        (1, 2, 4),
        (16, 5),
        (16, 4),
        (16,),
        (16,),
        call=lambda lstm, x, h, c, *weights: one_layer(lstm, x, (h, c), *weights),
    )
)
def lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The LSTM; as torch.lstm, which torch.nn.LSTM calls, with a hand-written gradient.

    Arguments and errors are those of `rnn_tanh`, but that `hx` is a pair, of the first states and cells, each
    (layers · directions, N, H), and that the last cells are returned too. Where states are smaller than
    cells, there is a projection P, the last of each layer's weights.
    """
    if len(hx) != 2:
        raise RuntimeError(f"lstm: expected two first states, of h and of c, got {len(hx)}")
    require_tensor("lstm", input=input, hx=hx[0], cx=hx[1])
    check_states("lstm", num_layers, bidirectional, hx=hx[0], cx=hx[1])
    projected = hx[0].shape[2] != hx[1].shape[2]
    each = 2 + 2 * has_biases + projected
    weights = in_groups("lstm", params, each, num_layers, bidirectional, dropout * train)

    def layer(x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], reverse: bool) -> Any:
        W, U, *rest = weights
        P = rest.pop() if projected else None
        return _lstm(x, *states, W, U, *(rest or (None, None)), P, reverse, batch_first)

    output, h, c = run_layers(layer, input, hx, weights, num_layers, bidirectional, dropout * train)
    return output, h, c


@twin_of(torch.lstm)
def _lstm_or_packed(*args: Any, **kwargs: Any) -> Any:
    """As torch.lstm is called; packed sequences, which come with their batch sizes, are left to it."""
    return (torch.lstm if is_packed(args, kwargs) else lstm)(*args, **kwargs)
