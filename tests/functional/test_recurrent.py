"""Layers and directions are a composition of one layer in one direction; and packed sequences."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from manual_backprop.functional.recurrent.lstm import lstm
from manual_backprop.functional.recurrent.rnn_relu import rnn_relu
from manual_backprop.functional.recurrent.rnn_tanh import rnn_tanh
from manual_backprop.takeover import use_manual_gradients
from tests.functional.checks import (
    Check,
    autocast_is_the_twins,
    central_differences,
    compiles_without_a_break,
    gradient_is_the_twins,
    graph,
    second_derivatives,
    upstream_may_have_any_layout,
    value_is_the_twins,
)
from tests.functional.recurrent import twin
from tests.functional.samples import Row, Sample, randn

T, N, D, H = 3, 2, 1, 2
OPERATIONS = {"rnn_tanh": (rnn_tanh, 1, 1), "rnn_relu": (rnn_relu, 1, 1), "lstm": (lstm, 4, 2)}


def weights(gates: int, layers: int, directions: int, projected: int) -> list[Tensor]:
    out = projected or H
    made = []
    for k in range(layers * directions):
        into = D if k < directions else directions * out
        made += [randn(gates * H, into, seed=f"W{k}"), randn(gates * H, out, seed=f"U{k}")]
        made += [randn(gates * H, seed=f"b{k}"), randn(gates * H, seed=f"c{k}")]
        made += [randn(projected, H, seed=f"P{k}")] if projected else []
    return made


def row(name: str) -> Row:
    """Two layers in two directions: one operation for each, and more to take apart and put together."""
    function, gates, states = OPERATIONS[name]

    def stacked(f: Any) -> Any:
        def call(x: Tensor, *rest: Tensor, batch_first: bool = False, layers: int = 2) -> Any:
            hx = rest[:states] if states > 1 else rest[0]
            bidirectional = len(rest[0]) > layers
            return f(x, hx, list(rest[states:]), True, layers, 0.0, True, bidirectional, batch_first)

        return call

    def sample(title: str, layers: int, directions: int, projected: int = 0, **options: Any) -> Sample:
        first = [projected or H, H][:states]
        hx = tuple(randn(layers * directions, N, size, seed=f"h{k}") for k, size in enumerate(first))
        x = randn(*((N, T, D) if options.get("batch_first") else (T, N, D)), seed="x" if projected else "")
        inputs = (x, *hx, *weights(gates, layers, directions, projected))
        return Sample(title, inputs, {"layers": layers, **options})

    samples = [
        sample("two layers", 2, 1),
        sample("two directions", 1, 2, batch_first=True),
        sample("two layers of two directions", 2, 2),
    ]
    if name == "lstm":
        samples.append(sample("projected, in two directions", 1, 2, projected=1))

    def torchs(x: Tensor, hx: Any, w: list[Tensor], b: bool, *rest: Any) -> Any:
        names = ("num_layers", "dropout", "train", "bidirectional", "batch_first")
        return twin(getattr(torch, name), None)(x, hx, w, b, **dict(zip(names, rest, strict=True)))

    return Row(
        name=name,
        function=stacked(function),
        twin=stacked(torchs),
        derivation=lambda *_: (),
        keeps=frozenset(),
        samples=tuple(samples),
        mutants=(),
        is_view=True,  # `split` makes views on the way
        rounds_on_the_way=True,
    )


CASES = [
    pytest.param(made, sample, id=f"{name}: {sample.name}")
    for name in OPERATIONS
    for made in [row(name)]
    for sample in made.samples
]
HELD_TO = (
    value_is_the_twins,
    gradient_is_the_twins,
    upstream_may_have_any_layout,
    central_differences,
    autocast_is_the_twins,
    compiles_without_a_break,
)


@pytest.mark.parametrize("check", HELD_TO, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("made", "sample"), CASES)
def test_layers_and_directions_keep_the_contract(check: Check, made: Row, sample: Sample) -> None:
    check(made.function, made, sample)


@pytest.mark.parametrize(("made", "sample"), [case for case in CASES if "two directions" in case.id])
def test_second_derivatives_through_both_directions(made: Row, sample: Sample) -> None:
    if sample.options["layers"] == 1:
        second_derivatives(made.function, made, sample)


@pytest.mark.parametrize(("made", "sample"), CASES)
def test_nothing_built_in_is_left_in_the_graph(made: Row, sample: Sample) -> None:
    for output in made.function(*sample.leaves(), **sample.options):
        for node in graph(output.grad_fn):
            own = isinstance(node, torch.autograd.function.BackwardCFunction)
            assert own or "AccumulateGrad" in node.name(), node.name()


@pytest.mark.parametrize("cls", [nn.RNN, nn.LSTM])
def test_packed_sequences_are_left_to_torch(cls: type[nn.RNNBase]) -> None:
    module = cls(5, 3)
    packed = pack_sequence([randn(7, 5).float(), randn(3, 5).float()])
    expected = module(packed)[0].data
    with use_manual_gradients():
        actual = module(packed)[0].data
    torch.testing.assert_close(actual, expected)
    assert not isinstance(actual.grad_fn, torch.autograd.function.BackwardCFunction)


@pytest.mark.parametrize("cls", [nn.RNN, nn.LSTM])
def test_an_unmodified_module_runs_on_it(cls: type[nn.RNNBase]) -> None:
    module = cls(5, 3, num_layers=2, bidirectional=True)
    with use_manual_gradients():
        output, _ = module(randn(7, 2, 5).float())
    assert isinstance(output.grad_fn, torch.autograd.function.BackwardCFunction)


@pytest.mark.parametrize("name", OPERATIONS)
def test_dropout_must_be_a_share(name: str) -> None:
    _, gates, states = OPERATIONS[name]
    h = torch.zeros(2, N, H)
    w = [x.float() for x in weights(gates, 2, 1, 0)]
    arguments = (torch.zeros(T, N, D), h if states == 1 else (h, h), w, True, 2, 1.5, True, False, False)
    with pytest.raises(RuntimeError):
        getattr(torch, name)(*arguments)
    with pytest.raises(RuntimeError, match=r"got 1\.5"):
        OPERATIONS[name][0](*arguments)
