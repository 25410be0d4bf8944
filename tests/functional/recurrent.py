"""What the rows of the recurrent operations share: how they are called, and what with."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Sample, randn, transposed

Function = Callable[..., Any]


def one_layer(states: int) -> Callable[[Function], Function]:
    """Of a function of torch.rnn_tanh's arguments one of x, the first states and the weights, in a row."""

    def adapt(function: Function) -> Function:
        def call(x: Tensor, *rest: Tensor, batch_first: bool = False, projected: bool = False) -> Any:
            hx, weights = rest[:states], list(rest[states:])
            return function(
                x,
                hx if states > 1 else hx[0],
                weights,
                len(weights) - projected > 2,
                num_layers=1,
                dropout=0.0,
                train=True,
                bidirectional=False,
                batch_first=batch_first,
            )

        return call

    return adapt


def recurrent(gates: int, states: int) -> tuple[Sample, ...]:
    """Calls with T = 3 steps, N = 2 examples, D = 1 feature in and H = 2 units."""

    def weights(D: int, H: int) -> tuple[Tensor, ...]:
        W, U = randn(gates * H, D, seed="W"), randn(gates * H, H, seed="U")
        return W, U, randn(gates * H, seed="b"), randn(gates * H, seed="c")

    def first(N: int, H: int) -> tuple[Tensor, ...]:
        return tuple(randn(1, N, H, seed=f"h{k}") for k in range(states))

    x, small = randn(3, 2, 1), first(2, 2)
    W, U, b, c = weights(1, 2)
    return (
        Sample("x, h, W, U and b", (x, *small, W, U, b, c)),
        Sample("no bias", (randn(2, 3, 5), *first(3, 1), *weights(5, 1)[:2])),
        Sample("one step", (randn(1, 3, 2), *first(3, 1), *weights(2, 1))),
        Sample("examples first", (randn(2, 3, 1), *small, W, U, b, c), {"batch_first": True}),
        Sample("one example", (randn(5, 1, 1), *first(1, 1), *weights(1, 1))),
        Sample(
            "reversed strides", (transposed(x), *map(transposed, small), transposed(W), transposed(U), b, c)
        ),
        Sample("no examples", (x[:, :0], *(h[:, :0] for h in small), W, U, b, c)),
        Sample("sums of ±1e4", (1e4 * x.sign(), *small, W, U / 1e4, b, c), smooth=False),
    )


def twin(function: Function, step: Function) -> Function:
    """torch.rnn_tanh, torch.rnn_relu or torch.lstm; under torch.func, which does not know them, as defined.

    Under autocast the outputs are cast to its type. They have it already, but for the cells of torch.lstm
    where oneDNN does not compute them: with a projection, or without examples.
    """

    def call(x: Tensor, hx: Any, weights: list[Tensor], has_biases: bool, **options: Any) -> Any:
        if torch._C._functorch.peek_interpreter_stack() is None:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "LSTM with projections")
                outputs = function(x, hx, weights, has_biases, **options)
            if torch.is_autocast_enabled("cpu") and x.dtype != torch.float64:
                return tuple(out.to(torch.get_autocast_dtype("cpu")) for out in outputs)
            return outputs
        states = [state[0] for state in ((hx,) if isinstance(hx, Tensor) else hx)]
        W, U, *rest = weights
        P = rest.pop() if len(rest) % 2 else None
        outputs = []
        for xt in x.unbind(1 if options["batch_first"] else 0):
            h, *others = step(xt @ W.mT + states[0] @ U.mT + sum(rest), *states[1:])
            states = [h if P is None else h @ P.mT, *others]
            outputs.append(states[0])
        output = torch.stack(outputs, 1 if options["batch_first"] else 0)
        return output, *(state.unsqueeze(0) for state in states)

    return call


def lstm_step(z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, u, o = z.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * u.tanh()
    return o.sigmoid() * c.tanh(), c


def previous(states: Tensor, first: Tensor, t: int) -> Tensor:
    return states[t - 1] if t else first[0]


def mistakes(name: str, gates: int, states: int) -> tuple[tuple[Callable[[Any], Any], str], ...]:
    """Wrong calls of a layer with N = 2, D = 3 and H = 5."""
    x, h = torch.zeros(7, 2, 3).double(), torch.zeros(1, 2, 5).double()
    W, U, b = (torch.zeros(gates * 5, *columns).double() for columns in ((3,), (5,), ()))

    def call(f: Any, x: Any = x, h: Any = h, weights: Any = (W, U, b, b), layers: int = 1) -> Any:
        hx = h if states == 1 else (h, *(h,) * (states - 1))
        return getattr(f, name)(x, hx, list(weights), True, layers, 0.0, True, False, False)

    return (
        (lambda f: call(f, x=1), "input must be a Tensor, got int"),
        (lambda f: call(f, x=x.float()), "torch.float64.*torch.float32"),
        (lambda f: call(f, x=x[:0]), r"at least one step, got input \(0, 2, 3\)"),
        (lambda f: call(f, weights=(W, U, b)), r"1 directions, 4, got 3"),
        (lambda f: call(f, layers=2), r"expected .* for each of 2 layers|expected hx \(2, N, H\)"),
        (lambda f: call(f, weights=(W, U[:, :4], b, b)), rf"w_hh \({gates * 5}, 5\).*got \({gates * 5}, 4\)"),
    )
