"""What derive and the diagnosis see of NumPy code: its steps, in its own names and lines."""

import inspect

import numpy as np
import pytest
import torch

from manual_backprop import derive
from manual_backprop.derive.arrays.traced import TracedArray, as_tensor, tracing
from manual_backprop.derive.backward import program_of
from manual_backprop.derive.code_names import is_users
from manual_backprop.derive.computation import NamedInputs
from manual_backprop.verify.diagnosis.users_steps import steps_of
from manual_backprop.verify.problem import Draw, Problem
from tests.derive.arrays import layers, windows
from tests.derive.arrays.cases import FORWARDS
from tests.derive.arrays.numbers import draw

SHAPES = dict(FORWARDS)


def on_tensors(function):
    """The NumPy function as one of tensors."""

    def of_tensors(*tensors):
        with tracing(function):
            returned = function(*(TracedArray(tensor) for tensor in tensors))
        return tuple(map(as_tensor, returned)) if isinstance(returned, tuple) else as_tensor(returned)

    return of_tensors


def program(forward):
    values = [torch.tensor(x) for x in draw(SHAPES[forward])]
    names = list(inspect.signature(forward).parameters)[: len(values)]
    return program_of(on_tensors(forward), names, values, range(len(values)), None)


def steps(backward, forward):
    inputs = tuple(torch.tensor(x) for x in draw(SHAPES[forward]))
    output = on_tensors(forward)(*inputs)
    names = tuple(inspect.signature(forward).parameters)[: len(inputs)]
    problem = Problem(on_tensors(forward), on_tensors(backward), names, tuple(range(len(inputs))))
    found = steps_of(problem, Draw(inputs, torch.randn_like(output), output))
    return found, [step for step in found.all if step.op != "input"]


def line_of(function, text):
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if text in line)


def test_the_program_of_a_forward_is_what_the_same_forward_in_torch_would_be():
    calls = program(layers.softmax_loss).calls
    assert [call.operation for call in calls if call.outputs[0].name in ("shifted", "z", "log_probs")] == [
        "sub",
        "sum",
        "sub",
    ]


def test_its_calls_have_the_lines_of_the_forward():
    calls = program(layers.svm_loss).calls
    places = {call.operation: call.place for call in calls}
    assert places["relu"].file == layers.__file__
    assert places["relu"].line == line_of(layers.svm_loss, "np.maximum")
    assert places["relu"].text == "np.maximum(0, x - correct[:, np.newaxis] + 1.0)"
    assert places["setitem"].line == line_of(layers.svm_loss, "margins[np.arange(n), LABELS] = 0")


@pytest.mark.parametrize(
    ("forward", "shapes", "lines"),
    [
        ("two_layers", "(5, 3) (3, 4) (4,) (4, 2) (2,)", ["h = torch.relu(z", "dw2 = h.T @ grad_output"]),
        ("sigmoid", "(5, 3)", ["torch.where(pos, "]),
        ("rnn", "(2, 3, 4) (2, 5) (4, 5) (5, 5) (5,)", ["dz3 = dprevious3 * (1 - previous3**2)"]),
        ("softmax_loss", "(5, 4)", ["dlog_probs[torch.arange(5), "]),
        ("max_pool", "(1, 1, 4, 4)", ["largest1 = "]),
        ("attention", "(2, 3, 4) (2, 3, 4) (2, 3, 4)", ["weights"]),
        ("convolution", "(1, 1, 2, 2) (1, 1, 3, 3) (1,)", ["padded = F.pad(x, "]),
    ],
)
def test_derive_proves_the_backward_of_a_numpy_forward(forward, shapes, lines):
    function = next(f for f, _ in FORWARDS if f.__name__ == forward)
    names = tuple(inspect.signature(function).parameters)[: shapes.count("(")]
    source = derive(NamedInputs(on_tensors(function), names), shapes=shapes).source()
    for line in lines:
        assert line in source


def test_a_backward_s_steps_have_its_names_and_lines():
    found, taken = steps(layers.softmax_loss_backward, layers.softmax_loss)
    named = [(step.op, step.name) for step in taken if step.name not in ("", "returned")]
    assert named == [("exp", "probs"), ("div", "probs"), ("alias", "dx"), ("setitem", "dx"), ("div", "dx")]
    assert found.returned[0].op == "mul"
    lines = {step.place.line for step in taken if step.name == "dx"}
    backward = layers.softmax_loss_backward
    assert lines == {line_of(backward, text) for text in ("probs.copy()", "-= 1", "dx /= n")}


def test_each_step_in_place_is_one_step():
    _, taken = steps(windows.max_pool_backward_by_mask, windows.max_pool)
    turn = ["getitem", "amax", "eq", "getitem", "getitem", "getitem", "mul", "add", "setitem"]
    assert [step.op for step in taken] == ["zeros_like", *turn * 4]
    assert {step.name for step in taken if step.op == "setitem"} == {"dx"}


@pytest.mark.parametrize("function", [np.linalg.inv, np.pad, np.vectorize.__init__])
def test_numpys_code_is_not_the_user_s(function):
    assert not is_users(inspect.unwrap(function).__code__)
    assert is_users(layers.affine.__code__)
