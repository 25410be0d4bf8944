"""What is random in dropout: masks from the twin's seed, and every transform of them."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.dropout import dropout, torch_dropout
from tests.functional.checks import DTYPES, assert_same, upstream_for
from tests.functional.samples import randn, strided, transposed


def seeded(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def drawn(x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return function(x)

    return drawn


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("p", [0, 0.0, 0.1, 0.5, 0.9, 1, 1.0])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_twins_numbers_from_the_twins_seed(dtype: torch.dtype, p: float, inplace: bool) -> None:
    inputs = (randn(5, 3), randn(), strided(randn(101)), transposed(randn(2, 3, 5)), randn(0, 3))
    for x in inputs:
        results = []
        for f in (dropout, T.dropout):
            leaf = x.to(dtype).requires_grad_()
            start = leaf * 1
            y = seeded(lambda x, f=f: f(x, p, inplace=inplace))(start)
            state = torch.get_rng_state()
            assert (y is start) == (inplace or p == 0 or x.numel() == 0)
            results.append((y.detach(), *torch.autograd.grad(y, leaf, upstream_for(y)), state))
        for actual, due in zip(*results, strict=True):
            assert_same(f"p = {p}", actual, due, roundings=1)


def test_evaluation_returns_its_input() -> None:
    x = randn(5, 3)
    for inplace in (False, True):
        assert dropout(x, 0.5, False, inplace) is x
    assert torch_dropout(x, 0.5, False) is x


@pytest.mark.parametrize("inplace", [False, True])
def test_derivatives_for_a_seed(inplace: bool) -> None:
    function = seeded(lambda x: dropout(x * 1 if inplace else x, 0.5, inplace=inplace))
    x = randn(5, 3).requires_grad_()
    torch.autograd.gradcheck(function, x, check_forward_ad=True)
    torch.autograd.gradgradcheck(lambda x: function(x) ** 2, x, check_fwd_over_rev=True)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_vmap_draws_as_the_twins_does(randomness: str, inplace: bool) -> None:
    def of_rows(f: Callable[..., Tensor]) -> Tensor:
        function = torch.func.vmap(lambda x: f(x * 1, 0.5, inplace=inplace), randomness=randomness)
        return seeded(function)(randn(3, 7))

    assert_same(randomness, of_rows(dropout), of_rows(T.dropout))


def test_vmap_in_place_over_columns() -> None:
    for randomness in ("same", "different"):
        f = torch.func.vmap(lambda x: dropout(x * 1, inplace=True), 1, 1, randomness=randomness)
        assert set(f(torch.ones(7, 3)).unique().tolist()) == {0, 2}


def test_in_place_compiles_without_a_break() -> None:
    torch.compiler.reset()
    compiled = torch.compile(lambda x: dropout(x * 1, inplace=True), fullgraph=True, backend="aot_eager")
    x = torch.ones(1000, requires_grad=True)
    y = compiled(x)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(grad, y.detach())


def test_vmap_asks_what_it_shall_draw() -> None:
    with pytest.raises(RuntimeError, match="randomness"):
        torch.func.vmap(dropout)(randn(5, 3))


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_gradients_under_vmap(randomness: str) -> None:
    def gradients(f: Callable[..., Tensor]) -> Tensor:
        gradient = torch.func.grad(lambda x: f(x, 0.5).square().sum())
        return seeded(torch.func.vmap(gradient, randomness=randomness))(randn(5, 3))

    assert_same(randomness, gradients(dropout), gradients(T.dropout))


def test_it_compiles_without_a_break() -> None:
    torch.compiler.reset()
    compiled = torch.compile(dropout, fullgraph=True, backend="aot_eager")
    x = torch.ones(1000, requires_grad=True)
    y = compiled(x, 0.25)
    assert 600 < y.count_nonzero() < 900
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(grad, y.detach())


def test_in_place_is_seen_by_what_kept_the_overwritten_value() -> None:
    x = randn(5, 3).requires_grad_() * 1
    squared = x.square()
    dropout(x, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.sum().backward()


def test_the_mean_stays() -> None:
    torch.manual_seed(0)
    assert abs(dropout(torch.ones(100_000), 0.3).mean() - 1) < 0.01
