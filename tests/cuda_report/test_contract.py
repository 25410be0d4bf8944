"""What differs from what is due is found: of operations, and of networks."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from scripts.cuda import (
    contract,
    networks,
)
from scripts.cuda.section import Settings, Wrong
from tests.functional.samples import Sample, randn, strided, transposed
from tests.functional.table import ROWS

ON_CPU = Settings("cpu", True, "")
NAMED = {row.name: row for row in ROWS}


@pytest.mark.parametrize(
    ("wrong", "check"),
    [(lambda f: lambda x: f(x) * 1.1, "float16"), (lambda f: lambda x: f(x * 1.0001), "float64")],
)
def test_a_wrong_operation_is_found_and_counted(wrong: Any, check: str) -> None:
    row = NAMED["sigmoid"]
    with pytest.raises(
        Wrong, match=r"float64: a matrix: AssertionError: value in torch.float64.*more\)"
    ) as found:
        contract.judge(replace(row, function=wrong(row.function)), ON_CPU)
    assert found.value.result[check] == [0, 2]
    assert contract.judge(row, ON_CPU)[check] == [2, 2]
    assert "**0 of 2**" in contract.page({"sigmoid": found.value.result})


@pytest.mark.parametrize("name", ["sigmoid", "matmul", "layer_norm", "mean"])
def test_second_derivatives_are_those_of_the_twin(name: str) -> None:
    row = NAMED[name]
    for sample in filter(contract.twice_differentiable, row.samples):
        contract._compare("second", *(contract.seconds(f, sample) for f in (row.function, row.twin)))


@pytest.mark.parametrize("check", ["first_as_on_the_cpu", "second_as_on_the_cpu"])
def test_a_device_that_computes_something_else_is_found(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = NAMED["tanh"]
    compare = partial(getattr(contract, check), "cpu", row)
    compare(row.samples[0])
    other = lambda sample, device: replace(sample, inputs=tuple(x + 1e-9 for x in sample.inputs))  # noqa: E731
    monkeypatch.setattr(Sample, "on", other)
    with pytest.raises(AssertionError, match=r"value or gradient|second derivative"):
        compare(row.samples[0])


def test_a_sample_keeps_its_strides_on_the_device() -> None:
    inputs = transposed(randn(2, 3, 5)), strided(randn(7)), randn(3, 1).expand(3, 5), randn(0, 3)
    moved = Sample("", inputs, {"hx": (randn(3), 1)}).on("meta")
    assert [x.stride() for x in moved.inputs] == [x.stride() for x in inputs]
    assert {x.device.type for x in (*moved.inputs, moved.options["hx"][0])} == {"meta"}


def test_a_network_whose_gradients_differ_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def gradients(model: Any, inputs: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        calls.append(1)
        return (torch.tensor([1.0, len(calls) * 1e-7], dtype=torch.float64),)

    monkeypatch.setattr(networks, "gradients", gradients)
    with pytest.raises(Wrong, match=r"GPT: an error of 1.0e-07"):
        networks.items(ON_CPU)["GPT"]()
