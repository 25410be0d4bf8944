"""The code of a recorded operation, run on what was recorded, gives what was recorded."""

import math
from collections.abc import Callable
from functools import reduce
from keyword import iskeyword
from operator import add
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

from manual_backprop import record
from manual_backprop.record import Call, Recording, Value
from manual_backprop.record import code as record_code
from manual_backprop.record.code import Line, code_of, name_in_code
from tests.functional.checks import assert_same, called, upstreams_for
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS
from tests.functional.test_written import EXTREME
from tests.functional.test_written_networks import MULTIPLIED

WITHOUT = {"dropout", "rounded_div"}  # random; its gradient is 0
CASES = [
    pytest.param(row, sample, id=f"{row.name}: {sample.name}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for sample in row.samples
    if row.name != "dropout"
]


def has_value(row: Row, sample: Sample) -> bool:
    """Whether a person's formula has one, too."""
    known = sample.finite and (row.name, sample.name) not in {MULTIPLIED, *EXTREME}
    return known and all(x.numel() for x in sample.inputs)


def classes(call: Call) -> int:
    """How many classes one_hot has, which the code does not say."""
    if call.operation == "max_pool2d":
        return math.prod(call.arguments[1])  # the places in a window
    if call.operation in ("embedding", "linear_cross_entropy"):
        return len(call.inputs[call.operation == "linear_cross_entropy"].tensor)
    shape = call.inputs[0].tensor.shape
    return shape[1 if len(shape) > 1 else 0]


def number_or_tensor(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(torch if isinstance(x, Tensor) else math, name)(x)


def names(call: Call) -> dict[str, Any]:
    """What the code may call, and the tensors that the operation was given, by their names."""
    known = {name: getattr(module, name) for module in (math, torch, T) for name in dir(module)}
    known |= {name: number_or_tensor(name) for name in ("sqrt", "exp", "log")}
    known["softmax"] = lambda x, dim=-1: torch.softmax(x, dim)
    known["log_softmax"] = lambda x, dim=-1: torch.log_softmax(x, dim)
    known["one_hot"] = lambda y: T.one_hot(y, classes(call))
    return known | {value.identifier: value.tensor for value in call.inputs}


def run(lines: list[Line], known: dict[str, Any]) -> None:
    for line in lines:
        exec("\n".join(line.text), known)


def check(call: Call, roundings: float = 512) -> None:
    code, known = code_of(call), names(call)
    run(code.forward, known)
    for value in call.outputs:
        assert_same(value.symbol, known[value.identifier], value.tensor, roundings=roundings)
        known[f"d{value.identifier}"] = value.gradient
    known |= {value.identifier: value.tensor for value in call.outputs}
    for at, lines in code.backward.items():
        name = f"d{call.inputs[at].identifier}"
        if call.inputs[at].used_again:
            known[name] = torch.zeros_like(call.inputs[at].tensor)
        run(lines, known)
        given = torch.as_tensor(known[name]).to(call.gradients[at])  # 1 for the loss
        assert_same(call.backward_line(at), given, call.gradients[at], roundings=roundings)


def weighted(row: Row, sample: Sample) -> Recording:
    """A record of Σ uₖ yₖ over all outputs of an operation."""
    weights = upstreams_for(called(row.twin, sample))

    def total(*inputs: Tensor) -> Tensor:
        outputs = called(row.function, sample, inputs)
        return reduce(add, [(y * u).sum() for y, u in zip(outputs, weights, strict=True)])

    return record(total, *sample.leaves())


@pytest.mark.parametrize(("row", "sample"), CASES)
def test_the_code_of_an_operation_makes_what_was_recorded(row: Row, sample: Sample) -> None:
    for call in weighted(row, sample).calls:
        code = code_of(call)
        assert code.forward
        assert set(code.backward) == set(call.gradients) or call.operation in WITHOUT
        if has_value(row, sample):
            check(call)


class Block(nn.Module):
    """Attention and two layers, each with a way around it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(6), nn.LayerNorm(6)
        self.qkv, self.out = nn.Linear(6, 18), nn.Linear(6, 6)
        self.layers = nn.Sequential(nn.Linear(6, 11), nn.GELU(), nn.Linear(11, 6))

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.norm1(x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (2, 3)).transpose(1, 2) for part in parts)
        seen = T.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return (x + self.layers(self.norm2(x))).mean(1)


class States(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        output, (h, c) = self.lstm(x)
        return output.sum(0) + h[0] * c[0]


def overwritten(x: Tensor, w: Tensor) -> Tensor:
    z = x * w
    z[0] += w[1]
    z.relu_()
    return z * z + w


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "MLP": (lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)), (6, 5)),
    "CNN": (
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
            *(nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, stride=2), nn.SiLU(), nn.Flatten(), nn.Linear(5, 3)),
        ),
        (6, 1, 8, 8),
    ),
    "block": (Block, (6, 4, 6)),
    "LSTM": (States, (4, 6, 5)),
}


def recorded(name: str) -> Recording:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    model, x = build().double(), torch.randn(shape, dtype=torch.float64)
    return record(model, x, torch.tensor([0, 1, 2, 0, 1, 2]), loss=T.cross_entropy)


def texts(call: Call) -> list[tuple[str, ...]]:
    code = code_of(call)
    return [line.text for line in (*code.forward, *(line for at in code.backward.values() for line in at))]


@pytest.mark.parametrize("name", MODELS)
def test_the_code_of_a_model_makes_what_was_recorded(name: str) -> None:
    for call in recorded(name).calls:
        assert set(code_of(call).backward) == set(call.gradients)
        check(call)


@pytest.mark.parametrize("name", MODELS)
def test_the_code_of_a_large_operation_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(name).calls
    due = [texts(call) for call in calls]
    monkeypatch.setattr(record_code, "MOST_NUMBERS", 0)
    assert [texts(call) for call in calls] == due
    for at, lines in code_of(calls[0]).backward.items():
        assert lines[-1].tensor.is_meta
        assert lines[-1].tensor.shape == calls[0].gradients[at].shape


def test_the_lines_of_a_network_are_its_symbols() -> None:
    linear, _, _, loss = recorded("MLP").calls
    assert texts(linear) == [("z1 = x @ W1.T + b1",), ("dW1 = dz1.T @ x",), ("db1 = dz1.sum(0)",)]
    assert texts(loss) == [("L = cross_entropy(z2, y)",), ("dz2 = (softmax(z2) - one_hot(y)) / 6",)]


def test_what_is_used_again_is_added_to() -> None:
    x, w = torch.rand(3, 5), torch.rand(3, 5, requires_grad=True)
    step = record(lambda x, w: overwritten(x, w).sum(), x.double(), w.detach().double().requires_grad_())
    for call in step.calls:
        check(call)
    lines = [line for call in step.calls for line in texts(call)]
    assert ("dw += dt1 * x",) in lines
    assert ("share = zeros_like(w)", "share[1] = dt3") in lines
    assert ("dw += share",) in lines


def test_an_operation_of_pytorchs_own_has_none() -> None:
    step = record(lambda x: torch.special.erfcx(x).sum(), torch.rand(3, requires_grad=True))
    assert texts(step.calls[0]) == []
    assert texts(step.calls[1]) == [("L = t1.sum()",), ("dt1 = ones(3)",)]


def test_every_name_is_a_name_in_python_and_given_once() -> None:
    symbols = ["W¹", "W1", "t₁", "0.weight", "0_weight", "class", "z¹", "dz1", "½", "λ", "<b>", "", "torch"]
    values = [Value(symbol, "", "input", torch.ones(())) for symbol in symbols]
    name_in_code(values)
    names = [value.identifier for value in values]
    assert names[:4] == ["W1", "W1_1", "t1", "weight0"]
    assert all(name.isidentifier() and not iskeyword(name) for name in names)
    both = [*names, *(f"d{name}" for name in names)]
    assert len({*both}) == len(both)
    assert "torch" not in names
