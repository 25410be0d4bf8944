"""Batch normalisation's memory: the running mean and variance."""

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as T
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.normalisation.batch_norm import batch_norm
from tests.functional.checks import DTYPES, assert_same
from tests.functional.samples import randn

SHAPES = [(5, 3), (2, 3, 5), (2, 3, 5, 7), (2, 3, 1, 2, 2)]


def remembered(function: object, x: Tensor, momentum: float = 0.1) -> tuple[Tensor, Tensor]:
    mean, var = (randn(3, seed=name).to(x.dtype) for name in ("mean", "var"))
    function(x, mean, var, training=True, momentum=momentum)  # type: ignore[operator]
    return mean, var


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1 / 3, 1.0, 1])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_running_statistics_are_the_twins(
    shape: tuple[int, ...], momentum: float, dtype: torch.dtype
) -> None:
    x = randn(*shape).to(dtype)
    pairs = zip(remembered(batch_norm, x, momentum), remembered(T.batch_norm, x, momentum), strict=True)
    for ours, twins in pairs:
        assert_same("running statistics", ours, twins)


def test_a_step_updates_them_once_and_its_backward_does_not() -> None:
    x = randn(5, 3).requires_grad_()
    mean, var = torch.zeros(3).double(), torch.ones(3).double()
    y = batch_norm(x, mean, var, training=True)
    after = mean.clone(), var.clone()
    y.square().sum().backward()
    torch.testing.assert_close(mean, 0.1 * x.detach().mean(0), rtol=0, atol=1e-15)
    torch.testing.assert_close(var, 0.9 + 0.1 * x.detach().var(0), rtol=0, atol=1e-15)
    assert torch.equal(mean, after[0])
    assert torch.equal(var, after[1])
    assert not mean.requires_grad


def test_evaluation_leaves_them_as_they_are() -> None:
    mean, var = randn(3), randn(3).square()
    batch_norm(randn(5, 3), mean, var)
    assert torch.equal(mean, randn(3))
    assert torch.equal(var, randn(3).square())


def test_an_empty_batch_leaves_them_as_they_are() -> None:
    for ours, twins in zip(
        remembered(batch_norm, randn(0, 3)), remembered(T.batch_norm, randn(0, 3)), strict=True
    ):
        assert_same("running statistics", ours, twins)


def test_float32_statistics_of_a_half_precision_input() -> None:
    results = []
    for function in (batch_norm, T.batch_norm):
        x, parameters = randn(5, 3).bfloat16().requires_grad_(), [randn(3).float() for _ in range(4)]
        leaves = [x, *(p.requires_grad_() for p in parameters[2:])]
        y = function(leaves[0], *parameters, training=True)
        results.append((y.detach(), *parameters[:2], *torch.autograd.grad(y.sum() ** 2, leaves)))
    for ours, twins in zip(*results, strict=True):
        assert ours.dtype == twins.dtype
        torch.testing.assert_close(ours, twins, rtol=2e-2, atol=2e-2)


def test_they_are_updated_under_torch_compile() -> None:
    torch.compiler.reset()
    compiled = torch.compile(batch_norm, fullgraph=True, backend="aot_eager")
    x = randn(5, 3).requires_grad_()
    for ours, twins in zip(remembered(compiled, x), remembered(batch_norm, x), strict=True):
        assert_same("running statistics", ours, twins)


def test_they_are_updated_under_torch_func() -> None:
    results = []
    for function in (batch_norm, T.batch_norm):
        mean, var = torch.zeros(3).double(), torch.ones(3).double()

        def loss(x: Tensor, f: object = function, m: Tensor = mean, v: Tensor = var) -> Tensor:
            return f(x, m, v, training=True, eps=0.5).square().sum()  # type: ignore[operator, no-any-return]

        results.append((torch.func.grad(loss)(randn(5, 3)), mean, var))
    for ours, twins in zip(*results, strict=True):
        assert_same("gradient, running mean and variance", ours, twins)


def test_a_parameter_may_have_any_shape_of_c_elements() -> None:
    """The twin computes the value but fails in its backward."""
    leaves = [x.requires_grad_() for x in (randn(5, 3), randn(1, 3), randn(3, 1))]
    y = batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=0.5)
    expected = T.batch_norm(
        leaves[0], None, None, *(p.reshape(3) for p in leaves[1:]), training=True, eps=0.5
    )
    pairs = zip(
        torch.autograd.grad(y, leaves, randn(5, 3)),
        torch.autograd.grad(expected, leaves, randn(5, 3)),
        strict=True,
    )
    for ours, twins in pairs:
        assert_same("gradient", ours, twins)


def test_torch_batch_norm_has_another_order_of_arguments() -> None:
    x, w, b, mean, var = (randn(*shape) for shape in ((5, 3), *[(3,)] * 4))
    expected = torch.batch_norm(x, w, b, mean.clone(), var.clone(), True, 0.3, 1e-3, False)
    with use_manual_gradients(strict=True):
        actual = torch.batch_norm(
            x.requires_grad_(), w, b, mean.clone(), var.clone(), True, 0.3, 1e-3, cudnn_enabled=False
        )
    assert isinstance(actual.grad_fn, torch.autograd.function.BackwardCFunction)
    assert_same("value", actual.detach(), expected)


def test_they_are_updated_once_in_forward_mode() -> None:
    results = []
    for function in (batch_norm, T.batch_norm):
        with forward_ad.dual_level():
            x = forward_ad.make_dual(randn(5, 3), randn(5, 3, seed="tangent"))
            results.append(remembered(function, x))
    for ours, twins in zip(*results, strict=True):
        assert_same("running statistics", ours, twins)
