"""What is particular to one activation or another: tails, ends, types, a dimension left out."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as T

import manual_backprop.functional as F
from manual_backprop.functional.activations.gelu import gelu
from manual_backprop.functional.activations.hardsigmoid import hardsigmoid
from manual_backprop.functional.activations.hardtanh import hardtanh, relu6
from manual_backprop.functional.activations.silu import silu
from manual_backprop.functional.activations.softmax import softmax
from manual_backprop.functional.activations.softplus import softplus
from tests.functional.checks import assert_same
from tests.functional.samples import inf, randn


@pytest.mark.parametrize("shape", [(), (3,), (5, 3), (2, 3, 5), (2, 3, 5, 7)])
def test_softmax_without_a_dimension_warns_and_takes_the_twins(shape: tuple[int, ...]) -> None:
    z = randn(*shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = T.softmax(z)
    with pytest.warns(UserWarning, match="deprecated") as caught:
        actual = softmax(z)
    assert_same("value", actual, expected)
    assert caught[0].filename == __file__


def test_softmax_is_its_formula() -> None:
    z = randn(5, 3)
    assert_same("value", softmax(z, 1), z.exp() / z.exp().sum(1, keepdim=True))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_keeps_its_digits_far_to_the_left(approximate: str) -> None:
    z = torch.tensor([-3.0, -5.0])
    for actual, due in zip(
        gelu(z, approximate=approximate), gelu(z.double(), approximate=approximate), strict=True
    ):
        assert math.isclose(actual, due, rel_tol=1e-5)


def test_gelu_of_infinity_is_infinite_in_every_type() -> None:
    """The twin's is NaN in float32 and infinite in float64."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert gelu(torch.tensor(inf, dtype=dtype)) == inf


def test_softplus_does_not_overflow_below_a_high_threshold() -> None:
    z = torch.tensor([1000.0], requires_grad=True)
    a = softplus(z, threshold=1e6)
    assert a == 1000
    assert torch.autograd.grad(a, z)[0] == 1


def test_softplus_of_integer_options_is_the_twins() -> None:
    z = randn(5, 3)
    assert_same("value", softplus(z, 2, 1), T.softplus(z, 2, 1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_hardsigmoid_knows_its_ends_but_for_one_number(dtype: torch.dtype) -> None:
    three = torch.tensor(3.0, dtype=dtype)
    inner = torch.nextafter(three, torch.zeros_like(three))
    z = torch.stack((-three, -inner, inner, three)).requires_grad_()
    (grad,) = torch.autograd.grad(hardsigmoid(z).sum(), z)
    rounded = dtype in (torch.float64, torch.float32)
    assert (grad != 0).tolist() == [False, True, not rounded, False]


def test_silu_of_complex_numbers_has_a_gradient() -> None:
    """The twin has the value only."""
    results = []
    for f in (silu, lambda z: z * z.sigmoid()):
        z = torch.complex(randn(5, 3), randn(5, 3, seed="i")).requires_grad_()
        v = torch.complex(randn(5, 3, seed="v"), randn(5, 3, seed="vi"))
        a = f(z)
        torch.testing.assert_close(a.detach(), T.silu(z.detach()), rtol=1e-13, atol=1e-13)
        results.append(torch.autograd.grad(a, z, v)[0])
    torch.testing.assert_close(*results, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["elu", "hardswish"])
def test_the_gradient_at_nan_is_nan_wherever_it_lies(name: str) -> None:
    """The twin's is the upstream gradient in the numbers that are left over by a CPU's vectors."""
    z = torch.full((67,), math.nan, requires_grad=True)
    (grad,) = torch.autograd.grad(getattr(F, name)(z).sum(), z)
    assert grad.isnan().all()


def test_integers_have_no_gradient_but_a_value() -> None:
    z = torch.tensor([-7, 0, 3, 9])
    assert_same("hardtanh", hardtanh(z), T.hardtanh(z))
    assert_same("with bounds", hardtanh(z, -2.5, 2.5), T.hardtanh(z, -2.5, 2.5))
    assert_same("relu6", relu6(z), T.relu6(z))


@pytest.mark.parametrize("inplace", [False, True])
def test_relu6_is_the_twin(inplace: bool) -> None:
    results = []
    for f in (relu6, T.relu6):
        z = torch.tensor([-1.0, 0.0, 3.0, 6.0, 7.0, math.nan], requires_grad=True)
        a = f(z * 1, inplace=inplace)
        results.append((a.detach(), *torch.autograd.grad(a, z, torch.full_like(a, inf))))
    for actual, expected in zip(*results, strict=True):
        assert_same("relu6", actual, expected)


def test_relu6_names_itself() -> None:
    with pytest.raises(TypeError, match="relu6: input must be a Tensor, got list"):
        relu6([1.0])  # type: ignore[arg-type]
