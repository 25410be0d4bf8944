"""The written and the elementary forms of layers give the value and the gradients of PyTorch's own."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop.derive.backward import program_of
from manual_backprop.derive.program import Program
from tests.functional.checks import assert_same, called, upstreams_for
from tests.functional.modules import module_named
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

FOLDERS = ("affine", "normalisation", "convolution", "attention", "recurrent")
WITH_SEVERAL_OUTPUTS = ("attention_and_weights", "lstm", "rnn_relu", "rnn_tanh")
MULTIPLIED = ("adaptive_avg_pool2d", "infinities and NaN")  # by a matrix in which zeros stand
CASES = [
    pytest.param(row, sample, id=f"{row.name}: {sample.name}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for sample in row.samples
    if module_named(row.name).__name__.split(".")[-2] in FOLDERS and all(x.numel() for x in sample.inputs)
    if (row.name, sample.name) != MULTIPLIED
]


SEVERAL = [case for case in CASES if str(case.id).split(":")[0] in WITH_SEVERAL_OUTPUTS]


def of_output(function: Callable[..., Any], sample: Sample, at: int) -> Callable[..., Tensor]:
    """The function with one of its outputs alone."""
    return lambda *inputs: called(function, sample, inputs)[at]


def weighted(
    function: Callable[..., Any], sample: Sample, weights: tuple[Tensor, ...]
) -> Callable[..., Tensor]:
    """Σ uₖ yₖ over all outputs: its gradients are those of the function from the upstream gradients u."""

    def total(*inputs: Tensor) -> Tensor:
        outputs = called(function, sample, inputs)
        return reduce(add, [(y * u).sum() for y, u in zip(outputs, weights, strict=True)])

    return total


def check_gradients(program: Program, due: tuple[Tensor, ...]) -> None:
    for node, gradient in zip(program.inputs, due, strict=True):
        found = program.gradients.get(node)
        value = torch.zeros_like(gradient) if found is None else found.value
        assert_same(f"gradient of {node.name}", value, gradient, roundings=256)


samples = pytest.mark.parametrize(("row", "sample"), CASES)
depths = pytest.mark.parametrize("elementary", [False, True], ids=["written", "elementary"])


@depths
@samples
def test_value_and_gradients_are_the_twins(row: Row, sample: Sample, elementary: bool) -> None:
    names = [f"x{i}" for i in range(len(sample.inputs))]
    for at, upstream in enumerate(upstreams_for(called(row.twin, sample))):
        function, twin = (of_output(f, sample, at) for f in (row.function, row.twin))
        program = program_of(
            function, names, sample.inputs, range(len(names)), upstream, elementary=elementary
        )
        leaves = sample.leaves()
        output = twin(*leaves)
        assert_same("value", program.output.value, output.detach(), roundings=64)
        check_gradients(program, torch.autograd.grad(output, leaves, upstream, materialize_grads=True))


@depths
@pytest.mark.parametrize(("row", "sample"), SEVERAL)
def test_gradients_from_all_outputs(row: Row, sample: Sample, elementary: bool) -> None:
    names = [f"x{i}" for i in range(len(sample.inputs))]
    upstreams = upstreams_for(called(row.twin, sample))
    total = weighted(row.function, sample, upstreams)
    program = program_of(total, names, sample.inputs, range(len(names)), elementary=elementary)
    leaves = sample.leaves()
    outputs = called(row.twin, sample, leaves)
    check_gradients(program, torch.autograd.grad(outputs, leaves, upstreams, materialize_grads=True))
