"""What recurrent operations share: the order of their steps, and the stack of layers and directions.

A recurrent network of several layers is one operation, a layer in one direction, used many times. The
outputs of a layer are the inputs of the next; a second direction runs over the same inputs from the end, with
weights of its own, and its outputs are put beside those of the first. So nothing new is derived here: states
are taken apart by `split` and put together by `cat`, and between layers there is `dropout`.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.activations.dropout import dropout as drop
from manual_backprop.functional.operation import require_tensor, widen
from manual_backprop.functional.shapes.cat import cat
from manual_backprop.functional.shapes.split import split

Layer = Callable[..., tuple[Tensor, ...]]
"""(input, states, weights, reverse) → the outputs and the last states."""


def one_layer(rnn: Callable[..., Any], input: Tensor, hx: Any, *weights: Tensor) -> Tensor:
    """The outputs of one layer in one direction, with biases: an example call."""
    output: Tensor = rnn(input, hx, weights, True, 1, 0.0, False, False, False)[0]
    return output


def run_layers(
    layer: Layer,
    input: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Sequence[Tensor]],
    num_layers: int,
    bidirectional: bool,
    dropout: float,
) -> tuple[Tensor, ...]:
    """The stack: outputs of the last layer, then the last states, of all layers and directions.

    Args:
        layer: one layer in one direction.
        input: x, (T, N, D) or (N, T, D).
        states: the first states, each (layers · directions, N, H).
        weights: the weights of layer 0, those of its other direction if it has one, of layer 1, …
        num_layers: how many.
        bidirectional: whether each has two directions.
        dropout: the share of a layer's outputs that the next one does not see.
    """
    directions = 2 if bidirectional else 1
    if num_layers * directions == 1:
        return layer(input, states, weights[0], False)
    first = [split(state, 1) for state in states]
    last: list[tuple[Tensor, ...]] = []
    for at in range(0, num_layers * directions, directions):
        outputs = []
        for k in range(at, at + directions):
            output, *ends = layer(input, [part[k] for part in first], weights[k], k > at)
            outputs.append(output)
            last.append(tuple(ends))
        input = cat(outputs, 2) if bidirectional else outputs[0]
        if at + directions < num_layers * directions:
            input = drop(input, dropout)
    return input, *(cat(ends) for ends in zip(*last, strict=True))


def run_rnn(
    name: str,
    operation: Callable[..., Any],
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """All layers and directions, `operation` being one."""
    require_tensor(name, input=input, hx=hx)
    weights = in_groups(name, params, 4 if has_biases else 2, num_layers, bidirectional, dropout)
    check_states(name, num_layers, bidirectional, hx=hx)

    def layer(x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], reverse: bool) -> Any:
        W, U, *b = weights
        return operation(x, *states, W, U, *(b or (None, None)), reverse, batch_first)

    output, last = run_layers(layer, input, (hx,), weights, num_layers, bidirectional, dropout)
    return output, last


def in_groups(
    operation: str, weights: Sequence[Tensor], each: int, num_layers: int, bidirectional: bool, dropout: float
) -> list[Sequence[Tensor]]:
    """The weights of each layer and direction.

    Raises:
        TypeError: one is not a Tensor.
        RuntimeError: there are more or fewer, or `dropout` is no share.
    """
    directions = 2 if bidirectional else 1
    if len(weights) != each * num_layers * directions:
        raise RuntimeError(
            f"{operation}: expected {each} weights for each of {num_layers} layers and {directions} "
            f"directions, {each * num_layers * directions}, got {len(weights)}"
        )
    require_tensor(operation, **{f"weight {k}": weight for k, weight in enumerate(weights)})
    if num_layers > 1 and not 0 <= dropout <= 1:
        raise RuntimeError(f"{operation}: dropout must be from 0 to 1, got {dropout}")
    return [weights[k : k + each] for k in range(0, len(weights), each)]


def check_layer(operation: str, gates: int, batch_first: bool, **tensors: Tensor | None) -> None:
    """Raise a RuntimeError that names what does not fit; the first of `tensors` is x, the second h₀."""
    given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    x, hx, *_ = given.values()
    if x.dim() != 3 or hx.dim() != 3:
        raise RuntimeError(
            f"{operation}: expected input (T, N, D) and hx (layers, N, H), got {tuple(x.shape)} and "
            f"{tuple(hx.shape)}"
        )
    T, N, D = (x.shape[1], x.shape[0], x.shape[2]) if batch_first else x.shape
    P = hx.shape[2]
    H = given["cx"].shape[2] if "cx" in given else P
    due = {"hx": (1, N, P), "cx": (1, N, H), "w_ih": (gates * H, D), "w_hh": (gates * H, P)}
    due |= {"b_ih": (gates * H,), "b_hh": (gates * H,), "w_hr": (P, H)}
    if T == 0:
        raise RuntimeError(f"{operation}: expected at least one step, got input {tuple(x.shape)}")
    for name, tensor in given.items():
        if name in due and tensor.shape != due[name]:
            raise RuntimeError(
                f"{operation}: expected {name} {due[name]} for each layer and direction, "
                f"got {tuple(tensor.shape)}"
            )
        if tensor.dtype != x.dtype or not tensor.is_floating_point():
            raise RuntimeError(
                f"{operation}: expected floating-point numbers of one type, got {name} {tensor.dtype} "
                f"with input {x.dtype}"
            )


def check_states(operation: str, num_layers: int, bidirectional: bool, **states: Tensor) -> None:
    """Raise a RuntimeError unless there is one first state for each layer and direction."""
    due = num_layers * (2 if bidirectional else 1)
    for name, state in states.items():
        if state.dim() != 3 or len(state) != due:
            raise RuntimeError(f"{operation}: expected {name} ({due}, N, H), got {tuple(state.shape)}")


def is_packed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call of torch.rnn_tanh, torch.rnn_relu or torch.lstm is the one for packed sequences.

    That one has the batch sizes in second place, and then the states, and the weights, which are a list, in
    fourth; the other has the states in second place and the weights in third.
    """
    return "batch_sizes" in kwargs or (len(args) > 3 and not isinstance(args[3], bool))


def in_order(length: int, reverse: bool) -> range:
    """The steps as they are taken: forwards, or from the end."""
    return range(length - 1, -1, -1) if reverse else range(length)


def before(states: Tensor, first: Tensor, reverse: bool) -> Tensor:
    """For each step the state that it started from: sₜ₋₁, the first state for the first step."""
    return torch.cat((states[1:], first) if reverse else (first, states[:-1]))


def steps_first(x: Tensor, batch_first: bool) -> Tensor:
    """(N, T, D) → (T, N, D), and back; wide enough to compute in."""
    return widen(x.transpose(0, 1) if batch_first else x)


def rows(x: Tensor) -> Tensor:
    """(T, N, D) → (TN, D): each step of each example is a row."""
    return x.reshape(prod(x.shape[:-1]), x.shape[-1])


def weighted(x: Tensor, weight: Tensor | None) -> Tensor | float:
    """X Wᵀ at all steps; 0 without a weight."""
    return 0.0 if weight is None else x @ widen(weight).t()


def from_input(x: Tensor, W: Tensor, b_ih: Tensor | None, b_hh: Tensor | None) -> Tensor:
    """X Wᵀ + b at all steps; the bias is kept in two parts, as torch.nn does, which are added."""
    if b_ih is None or b_hh is None:
        return x @ widen(W).t()
    z = torch.addmm(widen(b_ih) + widen(b_hh), rows(x), widen(W).t())
    return z.reshape(*x.shape[:-1], len(W))
