"""Recurrent networks."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from manual_backprop import functional as F

__all__ = ["LSTM", "RNN"]


class RNN(nn.RNN):
    """hₜ = tanh(xₜ Wᵀ + hₜ₋₁ Uᵀ + b): torch.nn.RNN with the hand-written gradient of `functional.rnn_tanh`.

    A PackedSequence goes to the parent, and has PyTorch's gradients.
    """

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """(T, N, D), or (N, T, D) with `batch_first`, or (T, D) → all states, and the last ones."""
        if isinstance(input, PackedSequence):
            return super().forward(input, hx)
        function = F.rnn_tanh if self.mode == "RNN_TANH" else F.rnn_relu
        output, last = run(
            self, lambda x, states, *rest: function(x, states[0], *rest), input, None if hx is None else (hx,)
        )
        return output, last[0]


class LSTM(nn.LSTM):
    """cₜ = f cₜ₋₁ + i u, hₜ = o tanh cₜ: torch.nn.LSTM with the hand-written gradient of `functional.lstm`.

    A PackedSequence goes to the parent, and has PyTorch's gradients.
    """

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        """(T, N, D), or (N, T, D) with `batch_first`, or (T, D) → all states; the last, and their cells."""
        if isinstance(input, PackedSequence):
            return super().forward(input, hx)
        output, (h, c) = run(self, F.lstm, input, hx)
        return output, (h, c)


def run(
    module: nn.RNNBase, function: Callable[..., Any], input: Tensor, hx: tuple[Tensor, ...] | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """As the parent: one sequence by itself gets a dimension of examples, and states not given are 0.

    Raises:
        ValueError: an input that is neither a sequence nor a batch of them.
        RuntimeError: states or weights that do not fit it.
    """
    name = type(module).__name__
    if input.dim() not in (2, 3):
        raise ValueError(f"{name}: expected an input of 2 or 3 dimensions, got {tuple(input.shape)}")
    if hx is not None and any(state.dim() != input.dim() for state in hx):
        raise RuntimeError(
            f"{name}: expected states of {input.dim()} dimensions, as the input {tuple(input.shape)} has, "
            f"got {', '.join(str(tuple(state.shape)) for state in hx)}"
        )
    batched, examples = input.dim() == 3, 0 if module.batch_first else 1
    if not batched:
        input = F.unsqueeze(input, examples)
        hx = None if hx is None else tuple(F.unsqueeze(state, 1) for state in hx)
    if hx is None:
        layers = module.num_layers * (2 if module.bidirectional else 1)
        sizes = (module.proj_size or module.hidden_size, module.hidden_size)
        h, c = (input.new_zeros((layers, input.shape[examples], size)) for size in sizes)
        hx = (h, c) if isinstance(module, nn.LSTM) else (h,)
    module.check_forward_args(input, hx if len(hx) > 1 else hx[0], None)  # type: ignore[arg-type]
    output, *last = function(
        input,
        hx,
        [getattr(module, name) for name in module._flat_weights_names],
        module.bias,
        module.num_layers,
        module.dropout,
        module.training,
        module.bidirectional,
        module.batch_first,
    )
    if batched:
        return output, tuple(last)
    return F.squeeze(output, examples), tuple(F.squeeze(state, 1) for state in last)
