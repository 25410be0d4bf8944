"""The recurrent network with rectified units: as `rnn_tanh`, with another slope.

Given   zₜ = xₜ Wᵀ + hₜ₋₁ Uᵀ + b,  hₜ = max(0, zₜ)     and the upstream gradients gₜ, γ of `rnn_tanh`.
Want    ∂L/∂x, ∂L/∂h₀, ∂L/∂W, ∂L/∂U, ∂L/∂b.

1.  Of the derivation there only step 2, the way through the activation, is another, that of `relu`:

        δₜ = ∂L/∂hₜ where hₜ > 0, and 0 elsewhere        ∂L/∂hₜ = gₜ + δₜ₊₁ U

2.  From there, as in `rnn_tanh`:

        ∂L/∂W = Σₜ δₜᵀ xₜ        ∂L/∂U = Σₜ δₜᵀ hₜ₋₁        ∂L/∂b = Σₜ δₜ        ∂L/∂xₜ = δₜ W

Why it may explode, forwards already: no slope is below 1 on the way of a unit that stays active, and nothing
bounds the state. Le, Jaitly and Hinton start with U as the identity, which keeps the state as it is.

The numerical trap is the one of `relu`: the 0 is put in, not multiplied.

Shapes: as in `rnn_tanh`.

Source: Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units"
(2015).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import Formula, Operation, example, function_of, public, twin_of
from manual_backprop.functional.recurrent._recurrence import (
    check_layer,
    in_order,
    is_packed,
    one_layer,
    run_rnn,
)
from manual_backprop.functional.recurrent._rnn_written import at, beside, written
from manual_backprop.functional.recurrent.rnn_tanh import keep_rnn, rnn_backward, rnn_forward, rnn_tangents


class RNNReLU(Operation):
    """hₜ = max(0, xₜ Wᵀ + hₜ₋₁ Uᵀ + b), one layer in one direction."""

    formula = Formula(
        "rnn_relu",
        "recurrent layer",
        "max(0, {0}ₜ {2}ᵀ + hₜ₋₁ {3}ᵀ‹ + {4} + {5}›)",
        ("δₜ {2}", "δ₁ {3}", "Σₜ δₜᵀ {0}ₜ", "Σₜ δₜᵀ hₜ₋₁", "Σₜ δₜ"),
        delta="gₜ + δₜ₊₁ {3} where hₜ > 0",
        reordered=True,
    )

    @staticmethod
    def written(*inputs: Any) -> Any:
        return written(True, *inputs)

    @staticmethod
    def elementary(*inputs: Any) -> Any:
        """Max(0, xₜ Wᵀ + hₜ₋₁ Uᵀ + b), step by step."""
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
            h = z.relu()
            states[t] = h
        return beside(states, batch_first), h.unsqueeze(0)

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, hx: Tensor, W: Tensor, U: Tensor, b: Any, c: Any, *options: bool) -> None:
        names = {"input": input, "hx": hx, "w_ih": W, "w_hh": U, "b_ih": b, "b_hh": c}
        check_layer("rnn_relu", 1, options[1], **names)

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, Tensor]:
        return rnn_forward(rectified, *inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        keep_rnn(ctx, inputs, output)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        return rnn_backward(ctx, through_relu, grad_output, grad_last)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, Tensor]:
        return rnn_tangents(ctx, through_relu, *tangents[:6])


def rectified(z: Tensor) -> Tensor:
    """max(0, z)."""
    return z.clamp(min=0)


def through_relu(grad: Tensor, h: Tensor) -> Tensor:
    """Step 1."""
    return grad.masked_fill(h <= 0, 0)


_rnn_relu = function_of(RNNReLU)


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
def rnn_relu(
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
    """Max(0, xₜ Wᵀ + hₜ₋₁ Uᵀ + b); as torch.rnn_relu, which torch.nn.RNN calls, with a hand-written gradient.

    Arguments, outputs and errors are those of `rnn_tanh`.
    """
    return run_rnn(
        "rnn_relu", _rnn_relu, input, hx, params, has_biases, num_layers, dropout * train, bidirectional,
        batch_first,
    )  # fmt: skip


@twin_of(torch.rnn_relu)
def _rnn_relu_or_packed(*args: Any, **kwargs: Any) -> Any:
    """As torch.rnn_relu is called; packed sequences, which come with their batch sizes, are left to it."""
    return (torch.rnn_relu if is_packed(args, kwargs) else rnn_relu)(*args, **kwargs)
