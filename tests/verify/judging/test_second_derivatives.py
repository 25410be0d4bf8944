"""Second derivatives of a function that has a backward of its own: right, wrong, or not judged."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

import manual_backprop.functional as F
from manual_backprop import verify


class Keeps(torch.autograd.Function):
    """x³ of the input, which keeps it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * 3 * ctx.saved_tensors[0] ** 2


class KeepsSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(3 * x**2)
        return x**3

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * ctx.saved_tensors[0]


class KeepsAttribute(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.slope = 3 * x**2
        return x**3

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * ctx.slope


class Once(Keeps):
    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * 3 * ctx.saved_tensors[0] ** 2


class Detaches(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return (grad_output * 3 * ctx.saved_tensors[0] ** 2).detach()


class NumPy(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return torch.from_numpy(grad_output.numpy()) * 3 * ctx.saved_tensors[0] ** 2


class Wrong(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * 2 * ctx.saved_tensors[0] ** 2


def cube(x: Tensor) -> Tensor:
    return x**3


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (Keeps, "right"),
        (KeepsSlope, "WRONG with respect to x (yours 0, "),
        (KeepsAttribute, "WRONG with respect to x (yours 0, "),
        (lambda x: 2 * KeepsSlope.apply(x) + x, "WRONG"),
        (Once, "not judged, the backward is marked @once_differentiable"),
        (Detaches, "not judged, the backward cannot be differentiated"),
        (NumPy, "not judged, differentiating the backward raises RuntimeError: Can't call numpy()"),
    ],
)
def test_they_are_judged_beside_the_first(function: Any, says: str) -> None:
    reference = cube if isinstance(function, type) else lambda x: 2 * x**3 + x
    report = verify(function, against=reference, shapes=[(5, 3)])
    assert report.status == "right"
    assert report.exit_code == 0
    assert report.second_derivatives.startswith(says)
    assert json.loads(report.to_json())["second_derivatives"] == report.second_derivatives
    assert f"Second derivatives: {says}" in " ".join(str(report).split())


def test_what_was_kept_is_named_with_the_cure() -> None:
    words = verify(KeepsSlope, against=cube, shapes=[(5, 3)]).second_derivatives
    assert "kept on ctx" in words
    assert "save inputs and outputs only" in words


def test_of_a_module_they_are_judged_too() -> None:
    class Model(torch.nn.Module):
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.linear, self.function = torch.nn.Linear(3, 2).double(), function

        def forward(self, input: Tensor) -> Tensor:
            output: Tensor = self.function(self.linear(input))
            return output

    for function, due in (
        (Keeps, "right"),
        (KeepsSlope, "WRONG with respect to input and linear.weight and li"),
    ):
        report = verify(Model(function.apply), against=Model(cube), shapes=[(5, 3)])
        assert report
        assert report.second_derivatives.startswith(due)


def test_of_a_pair_of_functions_or_a_wrong_first_derivative_nothing_is_said() -> None:
    assert verify(cube, lambda g, x: g * 3 * x**2, shapes=[(5, 3)]).second_derivatives == ""
    assert verify(Wrong, against=cube, shapes=[(5, 3)]).second_derivatives == ""


def test_where_the_reference_has_none_they_are_not_judged() -> None:
    report = verify(Keeps, against=Once, shapes=[(5, 3)])
    assert report.second_derivatives == "not judged, the reference has none"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_to_the_precision_of_the_numbers(dtype: torch.dtype) -> None:
    inputs = [torch.randn(5, 3, dtype=dtype), torch.randn(3, dtype=dtype), torch.randn(3, dtype=dtype)]

    def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(x, (3,), weight, bias)

    def theirs(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, (3,), weight, bias)

    assert verify(ours, against=theirs, inputs=inputs).second_derivatives == "right"


def test_the_parameters_of_the_caller_get_no_gradient() -> None:
    weight = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    verify(lambda x: Keeps.apply(x @ weight), against=lambda x: cube(x @ weight), shapes=[(5, 3)])
    assert weight.grad is None
