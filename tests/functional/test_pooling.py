"""Poolings as PyTorch's users call them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.convolution._windows import windows
from manual_backprop.functional.convolution.adaptive_avg_pool2d import adaptive_avg_pool2d, given_back
from manual_backprop.functional.convolution.avg_pool2d import avg_pool2d
from manual_backprop.functional.convolution.max_pool2d import max_pool2d
from tests.functional.checks import assert_same
from tests.functional.fake_cuda import launches
from tests.functional.pooled import window
from tests.functional.samples import indices, inf, randn

CALLS: dict[str, Callable[[Tensor], Any]] = {
    "F.max_pool2d": lambda x: T.max_pool2d(x, 2, stride=1),
    "F.max_pool2d with indices": lambda x: T.max_pool2d(x, [3, 2], return_indices=True)[0],
    "F.max_pool2d_with_indices": lambda x: T.max_pool2d_with_indices(x, (3,), ceil_mode=True)[0],
    "torch.max_pool2d": lambda x: torch.max_pool2d(x, 3, [], 1),
    "nn.MaxPool2d": torch.nn.MaxPool2d(2),
    "F.avg_pool2d": lambda x: T.avg_pool2d(x, 2, None, 1, True, False),
    "nn.AvgPool2d": torch.nn.AvgPool2d(2, padding=1),
    "F.adaptive_avg_pool2d": lambda x: T.adaptive_avg_pool2d(x, (None, 2)),
    "nn.AdaptiveAvgPool2d": torch.nn.AdaptiveAvgPool2d(1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_an_unmodified_call_is_taken_over(call: Callable[[Tensor], Any]) -> None:
    x = randn(2, 3, 6, 5).requires_grad_()
    expected = call(x)
    upstream = randn(*expected.shape, seed="upstream")
    with use_manual_gradients():
        actual = call(x)
    assert isinstance(actual.grad_fn, torch.autograd.function.BackwardCFunction)
    assert_same("value", actual.detach(), expected.detach())
    ours, due = (torch.autograd.grad(y, x, upstream)[0] for y in (actual, expected))
    assert_same("gradient", ours, due)


def test_a_window_has_its_largest_number_and_its_mean() -> None:
    """Over the windows, as a view of the image that holds what each of them sees."""
    x = randn(2, 3, 7, 6)
    seen = windows(x, (3, 2), (2, 1), (1, 1))
    assert_same("largest", max_pool2d(x, (3, 2), (2, 1)), seen.amax((-2, -1)))
    assert_same("mean", avg_pool2d(x, (3, 2), (2, 1)), seen.mean((-2, -1)))


def test_a_mean_of_parts_is_a_product_with_a_matrix_on_either_side() -> None:
    x = randn(2, 3, 7, 6)
    A, B = (given_back(torch.eye(o).double(), -1, n) for o, n in ((3, 7), (4, 6)))
    assert_same("y", adaptive_avg_pool2d(x, (3, 4)), A @ x @ B.T)
    assert_same("what a part has in all", A.sum(1), torch.ones(3).double())


@pytest.mark.parametrize("rows", range(1, 8))
@pytest.mark.parametrize("parts", range(1, 8))
def test_an_infinite_gradient_reaches_the_rows_of_its_own_part_only(rows: int, parts: int) -> None:
    g = torch.zeros(parts, 1)
    g[parts // 2] = inf
    first, end = parts // 2 * rows // parts, -(-(parts // 2 + 1) * rows // parts)
    reached = torch.zeros(rows, 1)
    reached[first:end] = inf
    assert_same("∂L/∂x", given_back(g, -2, rows), reached)


def test_only_windows_that_are_cut_are_counted_one_by_one() -> None:
    """Else the divisor is a number, which takes no kernel."""
    x = randn(2, 3, 5, 6).float().requires_grad_()
    assert "arange" not in launches(lambda x: avg_pool2d(x, 3, 2, 1), (x,))
    assert "arange" in launches(lambda x: avg_pool2d(x, 3, 2, 1, count_include_pad=False), (x,))


def test_no_part_at_all_has_a_gradient_of_zeros() -> None:
    """The twin fails in its backward."""
    x = randn(2, 3, 5, 4).requires_grad_()
    y = adaptive_avg_pool2d(x, (0, 2))
    assert y.shape == (2, 3, 0, 2)
    assert_same("gradient", torch.autograd.grad(y.sum(), x)[0], torch.zeros(2, 3, 5, 4).double())


def test_without_places_the_largest_numbers_are_the_same() -> None:
    x = randn(2, 3, 4, 6).requires_grad_()
    y, places = max_pool2d(x, 2, return_indices=True)
    assert_same("value", max_pool2d(x, 2).detach(), y.detach())
    assert not places.requires_grad
    ours, due = (torch.autograd.grad(f(x, 2).square().sum(), x)[0] for f in (max_pool2d, T.max_pool2d))
    assert_same("gradient", ours, due)


def test_the_gradient_of_equal_numbers_goes_to_the_first() -> None:
    x = torch.zeros(1, 2, 4).requires_grad_()
    max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[1, 0, 1, 0], [0, 0, 0, 0]]]


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d], ids=["max", "avg"])
def test_integers_have_no_gradient_but_a_value(pool: Any) -> None:
    x = torch.arange(30).reshape(1, 5, 6)
    assert_same("value", pool(x, 2), getattr(T, pool.__name__)(x, 2))


BLIND: dict[str, tuple[Any, ...]] = {  # kernel_size, stride, padding, dilation, ceil_mode
    "columns": ((1, 2), 1, (0, 1), (1, 7), False),
    "rows": ((2, 1), 1, (1, 0), (6, 1), False),
    "both": (2, 1, 1, (6, 7), False),
    "columns, where rows overlap": (2, 1, 1, (1, 7), False),
    "rows left over": (2, 3, 1, (7, 8), True),
}


@pytest.mark.parametrize("options", BLIND.values(), ids=BLIND.keys())
def test_a_window_of_padding_alone_moves_with_nothing(options: tuple[Any, ...]) -> None:
    """The twin's backward writes its gradient somewhere, in the image or behind it: a loop is the oracle."""
    kernel, stride, padding, dilation, _ = options
    x = randn(2, 3, 5, 6).requires_grad_()
    y, places = max_pool2d(x, *options, return_indices=True)
    due, at = T.max_pool2d_with_indices(x.detach(), *options)
    assert_same("value", y.detach(), due)
    assert torch.equal(places, at)
    assert (y == -torch.inf).any()
    upstream = randn(*y.shape, seed="upstream")
    expected = torch.zeros_like(x)
    for i in indices(y):
        seen = window(i, x, kernel, stride, padding, dilation)
        if seen:
            expected[max(seen, key=lambda w: float(x[w]))] += upstream[i]
    assert_same("gradient", torch.autograd.grad(y, x, upstream)[0], expected)
    tangent = randn(2, 3, 5, 6, seed="tangent")
    moved = torch.func.jvp(lambda x: max_pool2d(x, *options), (x.detach(),), (tangent,))[1]
    assert_same("⟨v, J u⟩ and ⟨Jᵀ v, u⟩", (moved * upstream).sum(), (tangent * expected).sum())
    assert not moved[y == -torch.inf].any()
