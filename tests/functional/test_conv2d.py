"""Convolution as one matrix product, its two ways to ∂L/∂W, and what else the twin can do."""

from typing import Any

import pytest
import torch
import torch.nn.functional as T

from manual_backprop import use_manual_gradients
from manual_backprop.functional.convolution import conv2d as conv2d_file
from manual_backprop.functional.convolution._geometry import geometry_of
from manual_backprop.functional.convolution._windows import windows
from manual_backprop.functional.convolution.conv2d import by_columns, by_convolution, columns, conv2d
from tests.functional.checks import assert_same
from tests.functional.fake_cuda import launches
from tests.functional.samples import randn

OPTIONS: list[dict[str, Any]] = [
    {},
    {"stride": (2, 3), "padding": (2, 1)},
    {"dilation": (1, 2), "groups": 2},
    {"stride": 3, "padding": 1, "dilation": (2, 1), "groups": 3},
    {"padding": "valid", "stride": 2, "groups": 6},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_one_matrix_product(options: dict[str, Any]) -> None:
    """Z = W X with a window in each column of X: the written-out formula, and what autograd says of it."""
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    groups = options.get("groups", 1)
    x, W, b = randn(2, 6, 8, 7), randn(12, 6 // groups, 2, 3), randn(12)
    at = geometry_of(W, **{**defaults, **options})

    def by_product(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        N, M, *places = conv2d(x, W, b, **options).shape
        Z = W.reshape(groups, M // groups, -1) @ columns(x, at)
        return Z.reshape(M, N, *places).transpose(0, 1) + b[:, None, None]

    assert_same("z", conv2d(x, W, b, **options), by_product(x, W, b))
    actual, expected = (
        torch.func.vjp(f, x, W, b)[1](randn(*conv2d(x, W, b, **options).shape, seed="upstream"))
        for f in (lambda *inputs: conv2d(*inputs, **options), by_product)
    )
    for ours, due in zip(actual, expected, strict=True):
        assert_same("gradient", ours, due, roundings=64)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_both_ways_to_the_gradient_of_the_weight_agree(options: dict[str, Any]) -> None:
    x, W = randn(2, 6, 8, 7), randn(12, 6 // options.get("groups", 1), 2, 3)
    at = geometry_of(W, **{"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options})
    delta = randn(*conv2d(x, W, **options).shape, seed="delta")
    assert_same("∂L/∂W", by_columns(delta, x, at), by_convolution(delta, x, at), roundings=64)


@pytest.mark.parametrize("places", [1, 10**6], ids=["one example at a time", "all at once"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_examples_may_be_added_up_in_blocks(
    options: dict[str, Any], places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conv2d_file, "BLOCK", 1)
    monkeypatch.setattr(conv2d_file, "PLACES", places)
    x, W = randn(5, 6, 8, 7), randn(12, 6 // options.get("groups", 1), 2, 3).requires_grad_()
    upstream = randn(*conv2d(x, W, **options).shape, seed="upstream")
    ours, due = (torch.autograd.grad(f(x, W, **options), W, upstream)[0] for f in (conv2d, T.conv2d))
    assert_same("∂L/∂W", ours, due, roundings=64)


@pytest.mark.parametrize("channels", [1, 10])
def test_on_a_gpu_the_gradient_of_the_weight_is_one_kernel(channels: int) -> None:
    x, W = randn(2, channels, 8, 7).float(), randn(3, channels, 2, 3).float().requires_grad_()
    assert launches(conv2d, (x, W)) == ["convolution", "convolution"]


def test_windows_hold_what_they_see() -> None:
    x = torch.arange(35).reshape(5, 7)
    seen = windows(x, kernel=(2, 3), stride=(1, 2), dilation=(3, 1))
    assert seen.shape == (2, 3, 2, 3)
    assert seen[1, 2].tolist() == [[11, 12, 13], [32, 33, 34]]
    assert seen.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("channels", [2, 10], ids=["by columns", "by convolution"])
def test_complex_gradients_are_the_twins(channels: int) -> None:
    def pulled(f: Any) -> tuple[torch.Tensor, ...]:
        shapes = [(2, channels, 5, 3), (3, channels, 2, 2), (3,)]
        inputs = [torch.complex(randn(*s), randn(*s, seed="i")).requires_grad_() for s in shapes]
        z = f(*inputs, stride=(2, 1))
        upstream = torch.complex(randn(*z.shape, seed="v"), randn(*z.shape, seed="vi"))
        return torch.autograd.grad(z, inputs, upstream)

    for actual, expected in zip(pulled(conv2d), pulled(T.conv2d), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-13, atol=1e-13)


def test_integers_have_no_gradient_but_a_value() -> None:
    x, W = torch.arange(30).reshape(1, 2, 5, 3), torch.arange(12).reshape(3, 2, 2, 1)
    assert_same("value", conv2d(x, W), T.conv2d(x, W))


def test_an_unmodified_call_is_taken_over() -> None:
    x, W = randn(2, 3, 5, 5), randn(7, 3, 2, 2).requires_grad_()
    with use_manual_gradients():
        z = T.conv2d(x, W, stride=[2], padding=(1, 0))
    assert z.grad_fn is not None
    assert z.grad_fn.name() == "Conv2dBackward"
