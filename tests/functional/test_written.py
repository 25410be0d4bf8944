"""The written and the elementary form of an operation give the value and the gradients of PyTorch's own."""

import pytest
import torch

from manual_backprop.derive.backward import program_of
from tests.functional.checks import assert_same, called, upstreams_for
from tests.functional.modules import module_named
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS
from tests.functional.test_written_networks import check_gradients, of_output

FOLDERS = ("activations", "arithmetic", "losses", "reductions", "shapes")
DRAWS = "dropout"  # which `derive` refuses
EXTREME = {
    ("cross_entropy", "all ignored"): "0/0",
    ("cross_entropy", "smoothed: all ignored"): "0/0",
    ("linear_cross_entropy", "all ignored"): "0/0",
    ("nll_loss", "all ignored"): "0/0",
    ("cross_entropy", "an ignored example of −∞"): "0 · ∞",
    ("pow", "zeros"): "0 · ∞",
    ("std", "at the kink, all equal"): "0/0",
}
"""Numbers at which a person's formula has no value, and PyTorch's has."""
EXTREME_IN_STEPS = {
    ("binary_cross_entropy_with_logits", "±1e4 and zero"): "log 0",
    ("cross_entropy", "−∞ for a class that is not asked for"): "0 · ∞",
    ("elu", "far away"): "exp overflows",
    ("elu", "±1e4 and denormals"): "exp overflows",
    ("logsigmoid", "±1e4 and denormals"): "log 0",
    ("softplus", "±1e4 and denormals"): "exp overflows",
    ("std", "far from 0"): "a mean that cancels",
    ("var", "far from 0"): "a mean that cancels",
}
"""And at which its steps have none."""
CASES = [
    pytest.param(row, sample, id=f"{row.name}: {sample.name}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for sample in row.samples
    if module_named(row.name).__name__.split(".")[-2] in FOLDERS and all(x.numel() for x in sample.inputs)
    if sample.finite and row.name != DRAWS and (row.name, sample.name) not in EXTREME
]


@pytest.mark.parametrize("elementary", [False, True], ids=["written", "elementary"])
@pytest.mark.parametrize(("row", "sample"), CASES)
def test_value_and_gradients_are_the_twins(row: Row, sample: Sample, elementary: bool) -> None:
    if elementary and (row.name, sample.name) in EXTREME_IN_STEPS:
        pytest.skip(EXTREME_IN_STEPS[row.name, sample.name])
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
