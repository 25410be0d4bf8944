"""The recurrent network: a state that every step rewrites from itself and from what comes in.

Given   zₜ = xₜ Wᵀ + hₜ₋₁ Uᵀ + b,  hₜ = tanh zₜ        for t = 1 … T; row n of each is example n,
        with upstream gradients gₜ = ∂L/∂hₜ as they come from above, to each output, and one more, γ, to the
        last state, which is returned a second time.
Want    ∂L/∂x, ∂L/∂h₀, ∂L/∂W, ∂L/∂U, ∂L/∂b.

1.  A state reaches L in two ways: from above, as an output, and through the next step, which starts from it.
    The chain rule adds them, and sums over all units k of the next step, z′ and δ′ being its z and δ:

        ∂L/∂hₜⱼ = gₜⱼ + Σₖ ∂L/∂z′ₖ · ∂z′ₖ/∂hₜⱼ = gₜⱼ + Σₖ δ′ₖ Uₖⱼ

2.  Through the activation, as in `tanh`:

        δₜⱼ = ∂L/∂zₜⱼ = ∂L/∂hₜⱼ (1 − hₜⱼ²)

3.  So the steps are taken again from the last to the first: *backpropagation through time*.

        ∂L/∂hₜ = gₜ + δₜ₊₁ U        δₜ = ∂L/∂hₜ ⊙ (1 − hₜ²)

    At the last step γ stands in the place of δₜ₊₁ U. Beyond the first, ∂L/∂h₀ = δ₁ U.

4.  Every step uses the same weights, so they reach L through all steps, and their gradients are summed over
    t. Within a step they are those of `linear`:

        ∂L/∂W = Σₜ δₜᵀ xₜ        ∂L/∂U = Σₜ δₜᵀ hₜ₋₁        ∂L/∂b = Σₜ δₜ        ∂L/∂xₜ = δₜ W

    None of these sums waits for another: once every δ is there, each is one product, whose rows are all
    steps of all examples.

Why gradients vanish or explode: from hₜ back to h₀ the gradient passes t times through U and the slope. A
product of t factors of about the same size goes to 0 or to ∞ with t.

The numerical trap is the one of bookkeeping: the state before the first step is h₀, not an output, and
the gradient of the last state is added to that of the last output, which is the same number.

Shapes: x (T, N, D), h₀ (N, H), W (H, D), U (H, H), b (H,), output (T, N, H).

Source: Werbos, "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78
(1990); Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
"""

from collections.abc import Callable, Sequence
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
    twin_of,
    widen,
)
from manual_backprop.functional.recurrent._recurrence import (
    before,
    check_layer,
    from_input,
    in_order,
    is_packed,
    one_layer,
    rows,
    run_rnn,
    steps_first,
    weighted,
)
from manual_backprop.functional.recurrent._rnn_written import at, beside, written


class RNNTanh(Operation):
    """hₜ = tanh(xₜ Wᵀ + hₜ₋₁ Uᵀ + b), one layer in one direction, and δₜ = (gₜ + δₜ₊₁ U) ⊙ (1 − hₜ²)."""

    formula = Formula(
        "rnn_tanh",
        "recurrent layer",
        "tanh({0}ₜ {2}ᵀ + hₜ₋₁ {3}ᵀ‹ + {4} + {5}›)",
        ("δₜ {2}", "δ₁ {3}", "Σₜ δₜᵀ {0}ₜ", "Σₜ δₜᵀ hₜ₋₁", "Σₜ δₜ"),
        delta="(gₜ + δₜ₊₁ {3}) ⊙ (1 − hₜ²)",
        reordered=True,
    )

    @staticmethod
    def written(*inputs: Any) -> Any:
        return written(False, *inputs)

    @staticmethod
    def elementary(*inputs: Any) -> Any:
        """Tanh(xₜ Wᵀ + hₜ₋₁ Uᵀ + b), step by step."""
        x, hx, W, U, b, c, reverse, batch_first = inputs
        h0 = hx[0]
        h = h0
        states = {}
        for t in in_order(x.shape[1 if batch_first else 0], reverse):
            z = (
                at(x, t, batch_first) @ W.T + h @ U.T
                if b is None
                else at(x, t, batch_first) @ W.T + h @ U.T + b + c
            )
            h = z.tanh()
            states[t] = h
        return beside(states, batch_first), h.unsqueeze(0)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, hx: Tensor, W: Tensor, U: Tensor, b: Any, c: Any, *options: bool) -> None:
        names = {"input": input, "hx": hx, "w_ih": W, "w_hh": U, "b_ih": b, "b_hh": c}
        check_layer("rnn_tanh", 1, options[1], **names)

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, Tensor]:
        return rnn_forward(torch.tanh, *inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        keep_rnn(ctx, inputs, output)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        return rnn_backward(ctx, through_tanh, grad_output, grad_last)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, Tensor]:
        return rnn_tangents(ctx, through_tanh, *tangents[:6])


def through_tanh(grad: Tensor, h: Tensor) -> Tensor:
    """Step 2."""
    return grad * ((1 - h) * (1 + h))


def rnn_forward(
    activation: Callable[[Tensor], Tensor],
    input: Tensor,
    hx: Tensor,
    W: Tensor,
    U: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    reverse: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """The steps one after the other."""
    x, h, Ut = steps_first(input, batch_first), widen(hx[0]), widen(U).t()
    # What does not depend on the state, for all steps at once.
    states = list(from_input(x, W, b_ih, b_hh).unbind())
    for t in in_order(len(states), reverse):
        h = activation(torch.addmm(states[t], h, Ut))
        states[t] = h
    output = steps_first(torch.stack(states), batch_first)
    return narrow(output, input.dtype), narrow(h.unsqueeze(0), input.dtype)


def keep_rnn(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    """Keep the output, which is all states, and the factors of the products; of b nothing."""
    *tensors, _, _, ctx.reverse, ctx.batch_first = inputs
    keep(ctx, *tensors, output[0])


def rnn_backward(
    ctx: Any, through: Callable[[Tensor, Tensor], Tensor], grad_output: Tensor, grad_last: Tensor
) -> tuple[Tensor | None, ...]:
    """Steps 3 and 4; `through` is step 2."""
    input, hx, W, U, output = ctx.saved_tensors
    needs_x, needs_hx, needs_W, needs_U, needs_b, needs_c, *_ = ctx.needs_input_grad
    g = steps_first(grad_output, ctx.batch_first).unbind()
    h = steps_first(output, ctx.batch_first)
    states, deltas = h.unbind(), list(g)
    from_next = widen(grad_last[0])
    for t in reversed(in_order(len(g), ctx.reverse)):
        delta = through(g[t] + from_next, states[t])
        from_next = delta @ widen(U)
        deltas[t] = delta

    delta = torch.stack(deltas)
    del deltas  # twice in memory no longer than needed
    grad_x = grad_W = grad_U = grad_b = None
    if needs_W:
        grad_W = narrow(rows(delta).t() @ rows(steps_first(input, ctx.batch_first)), W.dtype)
    if needs_U:
        grad_U = narrow(rows(delta).t() @ rows(before(h, widen(hx), ctx.reverse)), U.dtype)
    if needs_b or needs_c:
        grad_b = narrow(rows(delta).sum(0), W.dtype)
    if needs_x:
        grad_x = narrow(steps_first(delta @ widen(W), ctx.batch_first), input.dtype)
    grad_hx = narrow(from_next.unsqueeze(0), hx.dtype) if needs_hx else None
    return (
        *(grad_x, grad_hx, grad_W, grad_U),
        *(grad_b if needs_b else None, grad_b if needs_c else None),
        *(None, None),
    )


def rnn_tangents(
    ctx: Any,
    through: Callable[[Tensor, Tensor], Tensor],
    dx: Tensor | None,
    dhx: Tensor | None,
    dW: Tensor | None,
    dU: Tensor | None,
    *dbs: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The product rule, in the order of the steps: żₜ = ẋₜ Wᵀ + xₜ Ẇᵀ + ḣₜ₋₁ Uᵀ + hₜ₋₁ U̇ᵀ + ḃ."""
    input, hx, W, U, output = ctx.saved_tensors
    h = steps_first(output, ctx.batch_first)
    dz = torch.zeros_like(h) + weighted(steps_first(input, ctx.batch_first), dW)
    dz = dz + weighted(before(h, widen(hx), ctx.reverse), dU)
    if dx is not None:
        dz = dz + weighted(steps_first(dx, ctx.batch_first), W)
    for db in dbs:
        dz = dz if db is None else dz + widen(db)
    tangents = list(dz.unbind())
    dh = torch.zeros_like(h[0]) if dhx is None else widen(dhx[0])
    for t in in_order(len(h), ctx.reverse):
        dh = through(tangents[t] + dh @ widen(U).t(), h[t])
        tangents[t] = dh
    moved = steps_first(torch.stack(tangents), ctx.batch_first)
    return narrow(moved, input.dtype), narrow(dh.unsqueeze(0), input.dtype)


_rnn_tanh = function_of(RNNTanh)


@public(
    example=example(
        (3, 2, 5),
        (1, 2, 4),
        (4, 5),
        (4, 4),
        (4,),
        (4,),
        call=one_layer,
    )
)
def rnn_tanh(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """tanh(xₜ Wᵀ + hₜ₋₁ Uᵀ + b); as torch.rnn_tanh, which torch.nn.RNN calls, with a hand-written gradient.

    Args:
        input: x, (T, N, D), or (N, T, D) with `batch_first`.
        hx: the first states, (layers · directions, N, H).
        params: W, U and, with `has_biases`, the two parts of b, for each layer and direction.
        has_biases: whether there is a b.
        num_layers: layers, each of which runs over the outputs of the one below.
        dropout: in training, the share of a layer's outputs that the next one does not see.
        train: whether this is training.
        bidirectional: with a second direction, from the end, whose outputs stand beside those of the first.
        batch_first: whether examples come before steps.

    Returns:
        The outputs of the last layer, (T, N, directions · H), and the last states, of the shape of the first.

    Raises:
        TypeError: an argument is not a Tensor.
        RuntimeError: shapes, types or numbers of weights that do not fit each other.
    """
    return run_rnn(
        "rnn_tanh", _rnn_tanh, input, hx, params, has_biases, num_layers, dropout * train, bidirectional,
        batch_first,
    )  # fmt: skip


@twin_of(torch.rnn_tanh)
def _rnn_tanh_or_packed(*args: Any, **kwargs: Any) -> Any:
    """As torch.rnn_tanh is called; packed sequences, which come with their batch sizes, are left to it."""
    return (torch.rnn_tanh if is_packed(args, kwargs) else rnn_tanh)(*args, **kwargs)
