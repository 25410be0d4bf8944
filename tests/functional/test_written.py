"""The written and the elementary form of an operation give the value and the gradients of PyTorch's own."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive.backward import program_of
from tests.functional.checks import assert_same, called, upstream_for, upstreams_for
from tests.functional.modules import module_named
from tests.functional.samples import Row, Sample, randn
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
    pytest.param(
        row,
        sample,
        elementary,
        id=f"{row.name}: {sample.name}, {depth}".encode("ascii", "backslashreplace").decode(),
    )
    for row in ROWS
    for sample in row.samples
    for elementary, depth in ((False, "written"), (True, "elementary"))
    if module_named(row.name).__name__.split(".")[-2] in FOLDERS and all(x.numel() for x in sample.inputs)
    if sample.finite and row.name != DRAWS and (row.name, sample.name) not in EXTREME
    if not (elementary and (row.name, sample.name) in EXTREME_IN_STEPS)
]


def check(function: Any, twin: Any, inputs: tuple[Tensor, ...], upstream: Tensor, elementary: bool) -> None:
    names = [f"x{i}" for i in range(len(inputs))]
    program = program_of(function, names, inputs, range(len(names)), upstream, elementary=elementary)
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    output = twin(*leaves)
    assert_same("value", program.output.value, output.detach(), roundings=64)
    check_gradients(program, torch.autograd.grad(output, leaves, upstream, materialize_grads=True))


@pytest.mark.parametrize(("row", "sample", "elementary"), CASES)
def test_value_and_gradients_are_the_twins(row: Row, sample: Sample, elementary: bool) -> None:
    for at, upstream in enumerate(upstreams_for(called(row.twin, sample))):
        function, twin = (of_output(f, sample, at) for f in (row.function, row.twin))
        check(function, twin, sample.inputs, upstream, elementary)


def add_to(x: Tensor, y: Tensor) -> Tensor:
    h = 2 * x
    h += y[0]
    h *= 3
    h -= y
    h /= 1 + y * y
    return h


def add_to_view(x: Tensor, y: Tensor) -> Tensor:
    z = 2 * x
    z[0] += y[0]
    z[:, 1:].mul_(y[:, 1:])
    return z * y


def add_to_transposed(x: Tensor, y: Tensor) -> Tensor:
    z = 2 * x
    z.T[1] += y[:, 1]
    return z * y


def multiply_in_a_row(x: Tensor, y: Tensor) -> Tensor:
    z = 2 * x
    v = z.view(-1)
    v[1:4] *= y.reshape(-1)[1:4]
    return z * v.reshape(z.shape)


def read_beside(x: Tensor, y: Tensor) -> Tensor:
    z = 2 * x
    first = z[0]
    z[1] = y[1] + first
    z[0] = z[1] + z[2]
    return z * y


def fill_row_by_row(x: Tensor, y: Tensor) -> Tensor:
    h = torch.zeros(5, 3, dtype=x.dtype)
    last = y[0]
    for t in range(5):
        last = torch.tanh(x[t] + last)
        h[t] = last
    return h * y


def fill_all(x: Tensor, y: Tensor) -> Tensor:
    h = torch.empty_like(x)
    h[:] = x * y
    h[..., 0] = y[:, 1]
    return h


def fill_places(x: Tensor, y: Tensor) -> Tensor:
    h = x * 2
    h[torch.tensor([0, 2])] = y[:2]
    h[3] = 0.5
    return h


def fill_with_numbers(x: Tensor, y: Tensor) -> Tensor:
    z = x * y
    z[1].zero_()
    z[:, 0].fill_(3)
    z[4].copy_(y[0])
    return z


def rectify(x: Tensor, y: Tensor) -> Tensor:
    z = x * y
    z.relu_()
    return z * y


def activate(x: Tensor, y: Tensor) -> Tensor:
    z = x * y
    F.silu(z, inplace=True)
    F.leaky_relu(z, 0.5, inplace=True)
    return z * y


def activate_view(x: Tensor, y: Tensor) -> Tensor:
    z = x * y
    F.elu(z[:, 1], inplace=True)
    return z * y


def in_place_without_a_twin(x: Tensor, y: Tensor) -> Tensor:
    z = x * y
    z.masked_fill_(torch.eye(5, 3) > 0, 0)
    z.exp_()
    w = x * 2
    w[1:].tanh_()
    return z * w


def copied(x: Tensor, y: Tensor) -> Tensor:
    z = x.clone()
    z *= y
    return torch.exp(x) + z * x.T.T


IN_PLACE = (
    add_to,
    add_to_view,
    add_to_transposed,
    multiply_in_a_row,
    read_beside,
    fill_row_by_row,
    fill_all,
    fill_places,
    fill_with_numbers,
    rectify,
    activate,
    activate_view,
    in_place_without_a_twin,
    copied,
)


@pytest.mark.parametrize("elementary", [False, True], ids=["written", "elementary"])
@pytest.mark.parametrize("function", IN_PLACE, ids=lambda function: function.__name__)
def test_what_is_written_over_is_another_step(function: Any, elementary: bool) -> None:
    x, y = randn(5, 3), randn(5, 3, seed="y")
    check(function, function, (x, y), upstream_for(x), elementary)


def rows_of(x: Tensor) -> Tensor:
    return x[[0, 2, 2]]


def counted_up(x: Tensor) -> Tensor:
    return x[range(5), torch.tensor([0, 2, 1, 1, 0])]


def counted_up_by_arange(x: Tensor) -> Tensor:
    return x[torch.arange(5), torch.tensor([0, 2, 1, 1, 0])]


def gathered(x: Tensor) -> Tensor:
    return x.gather(1, torch.tensor([[0, 0], [1, 2], [2, 2]]))


def a_number_and_places(x: Tensor) -> Tensor:
    return x[1, torch.tensor([0, 2, 2])]


def other_steps(function: Any) -> set[str]:
    x = randn(5, 3)
    program = program_of(function, ["x"], [x], [0], upstream_for(function(x)))
    return {node.op for node in program.backward_nodes()}


@pytest.mark.parametrize(
    ("function", "step"),
    [
        (rows_of, "index_add"),
        (counted_up, "setitem"),
        (counted_up_by_arange, "setitem"),
        (gathered, "index_put"),
        (a_number_and_places, "index_add"),
    ],
)
def test_places_are_assigned_where_none_comes_twice_and_added_else(function: Any, step: str) -> None:
    x = randn(5, 3)
    check(function, function, (x,), upstream_for(function(x)), elementary=False)
    assert {"setitem", "index_add", "index_put"} & other_steps(function) == {step}


@pytest.mark.parametrize("function", [lambda x: 2 - x, lambda x: 2 / x, lambda x: 2**x, lambda x: 1 - 2 * x])
def test_a_number_may_be_the_first_operand(function: Any) -> None:
    x = randn(5, 3)
    check(function, function, (x,), upstream_for(x), elementary=False)


def test_what_a_row_by_row_assignment_leaves_alone_is_read_from_the_whole_gradient() -> None:
    x, y = randn(5, 3), randn(5, 3, seed="y")
    program = program_of(fill_row_by_row, ["x", "y"], [x, y], [0], upstream_for(x))
    assert not any(node.op == "setitem" for node in program.backward_nodes())
