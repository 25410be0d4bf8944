"""Sums, means, variances and extrema as PyTorch spells them: the twin's value and gradient, by hand."""

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from tests.functional.checks import assert_same, upstream_for
from tests.functional.modules import module_named
from tests.functional.samples import nan, randn
from tests.functional.table import mean, std, sum, var

NAMES = ("sum", "mean", "var", "std")
OURS = SimpleNamespace(**{name: getattr(module_named(name), name) for name in NAMES})

SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "x.sum()": lambda x: x.sum(),
    "x.sum(1)": lambda x: x.sum(1),
    "x.sum((0, -1), True)": lambda x: x.sum((0, -1), True),
    "x.sum([1])": lambda x: x.sum([1]),
    "x.sum(axis=1, keepdims=True)": lambda x: x.sum(axis=1, keepdims=True),
    "torch.sum(x, dim=0)": lambda x: torch.sum(x, dim=0),
    "torch.sum(input=x, dtype=torch.float32)": lambda x: torch.sum(input=x, dtype=torch.float32),
    "x.mean()": lambda x: x.mean(),
    "x.mean((1, 2))": lambda x: x.mean((1, 2)),
    "x.mean(axis=-1)": lambda x: x.mean(axis=-1),
    "torch.mean(x, 1)": lambda x: torch.mean(x, 1),
    "torch.mean(x, dim=(0, 1), keepdim=True)": lambda x: torch.mean(x, dim=(0, 1), keepdim=True),
    "x.var()": lambda x: x.var(),
    "x.var(False)": lambda x: x.var(False),
    "x.var(unbiased=False)": lambda x: x.var(unbiased=False),
    "x.var(1)": lambda x: x.var(1),
    "x.var(1, False)": lambda x: x.var(1, False),
    "x.var(1, False, True)": lambda x: x.var(1, False, True),
    "x.var((0, 2), unbiased=False)": lambda x: x.var((0, 2), unbiased=False),
    "x.var(dim=[0, 1], correction=0, keepdim=True)": lambda x: x.var(dim=[0, 1], correction=0, keepdim=True),
    "torch.var(x, axis=1)": lambda x: torch.var(x, axis=1),
    "torch.var(x, 0, correction=None)": lambda x: torch.var(x, 0, correction=None),
    "x.std(-1)": lambda x: x.std(-1),
    "x.std(False)": lambda x: x.std(False),
    "torch.std(x, 1, True, keepdim=True)": lambda x: torch.std(x, 1, True, keepdim=True),
    "torch.std(x, correction=2)": lambda x: torch.std(x, correction=2),
}


def value_and_gradient(call: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    x = randn(2, 3, 5).requires_grad_()
    y = call(x)
    return y.detach(), *torch.autograd.grad(y, x, upstream_for(y))


@pytest.mark.parametrize("name", SPELLINGS)
def test_it_is_the_twins_and_by_hand(name: str) -> None:
    due = value_and_gradient(SPELLINGS[name])
    with use_manual_gradients(strict=True) as coverage:
        given = value_and_gradient(SPELLINGS[name])
    assert coverage, coverage
    for pair in zip(given, due, strict=True):
        assert_same(name, *pair)


@pytest.mark.parametrize(("call", "message"), [m for row in (sum, mean, var, std) for m in row.ROW.mistakes])
def test_mistakes_raise_as_the_twin_does(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(Exception) as due:  # noqa: PT011
        call(torch)
    with pytest.raises(due.type, match=message):
        call(OURS)


@pytest.mark.parametrize("name", ["var", "std"])
def test_no_dimension_named_is_all_of_them(name: str) -> None:
    """The twin takes `()` so forward, but its gradient divides by 1 − c."""
    function = getattr(OURS, name)
    results = []
    for dim in ((), None):
        x = randn(5, 3).requires_grad_()
        y = function(x, dim)
        results.append((y.detach(), *torch.autograd.grad(y, x)))
    for pair in zip(*results, strict=True):
        assert_same("empty", *pair)


def test_a_deviation_of_numbers_whose_squares_are_infinite() -> None:
    """Their length, √2 times the result, is infinite too."""
    assert_same("value", OURS.std(torch.tensor([3e38, -3e38]), correction=0), torch.tensor(3e38))


@pytest.mark.parametrize(("shape", "correction"), [((1,), 1), ((), 1), ((0,), 0), ((3,), 3), ((3,), 5)])
@pytest.mark.parametrize("name", ["var", "std"])
def test_without_a_degree_of_freedom_it_warns_and_has_the_twins_value(
    name: str, shape: tuple[int, ...], correction: float
) -> None:
    x = randn(*shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        due = getattr(torch, name)(x, correction=correction)
    with pytest.warns(UserWarning, match="no degrees of freedom") as caught:
        given = getattr(OURS, name)(x, correction=correction)
    assert_same("value", given, due)
    assert caught[0].filename == __file__


def test_the_gradient_of_a_variance_of_one_number_is_nan() -> None:
    x = randn(1).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (gradient,) = torch.autograd.grad(OURS.var(x), x)
    assert_same("gradient", gradient, torch.tensor([nan]).double())


@pytest.mark.parametrize("name", ["var", "std"])
def test_of_complex_numbers_it_is_pytorchs(name: str) -> None:
    z = torch.complex(randn(5), randn(5, seed="i"))
    assert_same(name, getattr(OURS, name)(z, 0), getattr(torch, name)(z, 0))


def test_integers_are_summed_as_the_twin_sums_them() -> None:
    n = torch.arange(6).reshape(2, 3)
    for x in (n, n > 2, n.to(torch.uint8)):
        assert_same("sum", OURS.sum(x, 1), x.sum(1))
