"""Powers with a number as the base or the exponent: the contract of the table, and PyTorch's choices at 0."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.arithmetic.pow import pow
from tests.functional.checks import CONTRACT, Check, assert_same
from tests.functional.samples import Sample, nan, randn
from tests.functional.table.pow import ROW

ABOVE_0 = randn(5, 3).abs() + 0.1
TO_A_NUMBER = (
    *(Sample(f"x to the power {p}", (ABOVE_0,), {"number": p}) for p in (2, 0.5, -1, 0, 1)),
    Sample("√ at 0", (torch.tensor([0.0, 4.0]).double(),), {"number": 0.5}, smooth=False),
    Sample(
        "x⁰ at 0 and NaN", (torch.tensor([0.0, nan]).double(),), {"number": 0}, smooth=False, finite=False
    ),
)
OF_A_NUMBER = (
    *(Sample(f"{base} to the power p", (randn(5, 3),), {"number": base}) for base in (2, 0.5, 1)),
    Sample("0 to the power p", (torch.tensor([0.0, 2.0, 1.0]).double(),), {"number": 0}, smooth=False),
)


def to_a_number(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, number: function(x, number)


def of_a_number(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda p, number: function(number, p)


def derivation_of(which: int) -> Callable[..., tuple[Tensor]]:
    def derivation(grad_output: Tensor, x: Tensor, number: float) -> tuple[Tensor]:
        numbers = torch.full((), number, dtype=x.dtype)
        pair = (x, numbers) if which == 0 else (numbers, x)
        return (ROW.derivation(grad_output, *pair)[which],)

    return derivation


BY_POSITION = {
    "backward_returns_the_inputs_shape",
    "derivation_says_the_same",
    "only_what_is_needed_is_computed",
}
"""What asks `backward` for its first gradient, which is None where the first argument is a number."""
TABLE = [
    (replace(ROW, function=adapt(pow), twin=adapt(torch.pow), derivation=derivation_of(which)), sample)
    for which, (adapt, samples) in enumerate(((to_a_number, TO_A_NUMBER), (of_a_number, OF_A_NUMBER)))
    for sample in samples
]


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("row", "sample"), TABLE, ids=[sample.name for _, sample in TABLE])
def test_contract(check: Check, row: Any, sample: Sample) -> None:
    if any(sample is of for of in OF_A_NUMBER) and check.__name__ in BY_POSITION:
        return
    check(row.function, row, sample)


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "x ** 2": lambda x: x**2,
    "x ** x": lambda x: x**x,
    "2 ** x": lambda x: 2**x,
    "x.pow(0.5)": lambda x: x.pow(0.5),
    "(-x).pow(exponent=3)": lambda x: torch.neg(x).pow(exponent=3),
    "torch.pow(x, -2)": lambda x: torch.pow(x, -2),
    "torch.pow(2.5, x)": lambda x: torch.pow(2.5, x),
    "x.square()": lambda x: x.square(),
    "x.sqrt()": lambda x: x.sqrt(),
    "torch.rsqrt(x)": lambda x: torch.rsqrt(x),
    "x.exp()": lambda x: x.exp(),
    "torch.log(x)": lambda x: torch.log(x),
    "abs(x)": lambda x: abs(x),
    "x.absolute()": lambda x: x.absolute(),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_it_is_the_twins_and_by_hand(name: str) -> None:
    results = []
    for manual in (True, False):
        x = ABOVE_0.clone().requires_grad_()
        if manual:
            with use_manual_gradients(strict=True) as coverage:
                y = SPELLINGS[name](x)
                results.append((y.detach(), *torch.autograd.grad(y, x, randn(5, 3, seed="v"))))
            assert coverage, coverage
        else:
            y = SPELLINGS[name](x)
            results.append((y.detach(), *torch.autograd.grad(y, x, randn(5, 3, seed="v"))))
    for pair in zip(*results, strict=True):
        assert_same(name, *pair)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_are_promoted_as_the_twins(dtype: torch.dtype) -> None:
    x, n = randn(3).abs().to(dtype), torch.arange(3)
    for pair in ((x, n), (n, x), (n, n), (n, 2.5), (2.5, n), (x.float(), x.double()), (2, n)):
        assert_same(str(pair), pow(*pair), torch.pow(*pair))


def test_operands_of_two_types_get_gradients_of_their_own() -> None:
    results = []
    for f in (pow, torch.pow):
        leaves = [randn(3).abs().float().requires_grad_(), randn(3, seed="p").requires_grad_()]
        results.append(torch.autograd.grad(f(*leaves).sum(), leaves))
    for pair in zip(*results, strict=True):
        assert_same("gradient", *pair)
