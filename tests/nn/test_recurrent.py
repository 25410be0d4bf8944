"""RNN and LSTM are their parents in everything but the gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from manual_backprop.nn import recurrent
from tests.functional.checks import assert_same, graph, upstream_for
from tests.functional.samples import randn

OPTIONS: list[dict[str, Any]] = [
    {},
    {"bias": False, "batch_first": True},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "dropout": 0.5},
    {"bidirectional": True, "batch_first": True},
]
MODULES = [
    *(("RNN", options) for options in [*OPTIONS, {"nonlinearity": "relu"}]),
    *(("LSTM", options) for options in [*OPTIONS, {"proj_size": 2, "num_layers": 2, "bidirectional": True}]),
]


def pair(name: str, **options: Any) -> list[nn.Module]:
    modules = []
    for package in (nn, recurrent):
        torch.manual_seed(0)
        modules.append(getattr(package, name)(5, 3, dtype=torch.float64, **options))
    return modules


def flat(outputs: Any) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else [x for part in outputs for x in flat(part)]


def results(module: nn.Module, *inputs: Any) -> list[Tensor]:
    torch.manual_seed(1)  # for dropout
    outputs = flat(module(*inputs))
    leaves = [*flat(inputs), *module.parameters()]
    return [*outputs, *torch.autograd.grad(outputs, leaves, [upstream_for(x) for x in outputs])]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("given", ["a batch", "a batch and states", "one sequence"])
@pytest.mark.parametrize(("name", "options"), MODULES)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_module_is_its_parent(name: str, options: dict[str, Any], given: str, train: bool) -> None:
    parent, module = (m.train(train) for m in pair(name, **options))
    assert repr(parent) == repr(module)
    parent.load_state_dict(module.state_dict(), strict=True)
    x = randn(7, 5) if given == "one sequence" else randn(7, 2, 5)
    states = ()
    if given == "a batch and states":
        N = 7 if options.get("batch_first") else 2
        layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        h = randn(layers, N, options.get("proj_size", 3), seed="h").requires_grad_()
        states = ((h, randn(layers, N, 3, seed="c").requires_grad_()),) if name == "LSTM" else (h,)
    actual, expected = (results(m, x.requires_grad_(), *states) for m in (module, parent))
    for pair_ in zip(actual, expected, strict=True):
        assert_same(name, *(t.detach() for t in pair_), roundings=256)
    for output in flat(module(x, *states)):
        for node in graph(output.grad_fn):
            own = isinstance(node, torch.autograd.function.BackwardCFunction)
            assert own or "AccumulateGrad" in node.name(), node.name()


@pytest.mark.parametrize("name", ["RNN", "LSTM"])
def test_a_packed_sequence_goes_to_the_parent(name: str) -> None:
    parent, module = pair(name)
    packed = pack_sequence([randn(7, 5), randn(3, 5)])
    (actual, _), (expected, _) = module(packed), parent(packed)
    assert_same(name, actual.data.detach(), expected.data.detach())


@pytest.mark.parametrize("name", ["RNN", "LSTM"])
@pytest.mark.parametrize(
    ("shape", "states", "message"),
    [
        ((5,), None, r"2 or 3 dimensions, got \(5,\)"),
        ((7, 2, 5), (1, 3), r"3 dimensions.*got \(1, 3\)"),
        ((7, 2, 5), (1, 1, 3), "1, 2, 3"),
        ((7, 2, 4), None, "expected 5|Expected 5"),
    ],
)
def test_mistakes_raise_as_the_parent_does(
    name: str, shape: tuple[int, ...], states: tuple[int, ...] | None, message: str
) -> None:
    parent, module = pair(name)
    hx = None if states is None else torch.zeros(states).double()
    hx = (hx, hx) if name == "LSTM" and hx is not None else hx
    with pytest.raises(Exception) as due:  # noqa: PT011
        parent(torch.zeros(shape).double(), hx)
    with pytest.raises(due.type, match=message):
        module(torch.zeros(shape).double(), hx)


def test_weights_may_be_replaced_by_functional_call() -> None:
    _, module = pair("LSTM")
    x, weights = randn(7, 2, 5), {name: 2 * w for name, w in module.named_parameters()}
    output, _ = torch.func.functional_call(module, weights, (x,))
    with torch.no_grad():
        for name, w in module.named_parameters():
            w.copy_(weights[name])
    assert_same("output", output.detach(), module(x)[0].detach())
