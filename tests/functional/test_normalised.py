"""What the normalisations have in common: numbers far from 0, and the other ways that torch calls them."""

from collections.abc import Callable

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as T
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.normalisation._normalised import normalise, written_out
from manual_backprop.functional.normalisation.batch_norm import batch_norm
from manual_backprop.functional.normalisation.group_norm import group_norm
from manual_backprop.functional.normalisation.layer_norm import layer_norm
from manual_backprop.functional.normalisation.rms_norm import over_rms, rms_norm
from tests.functional.checks import assert_same
from tests.functional.samples import randn, transposed

PLACES = [
    ((5, 3), (-1,)),
    ((2, 3, 5), (-2, -1)),
    ((2, 3, 5, 7), (2, 3)),
    ((7, 3), (0,)),
    ((2, 3, 5, 7), (0, 2, 3)),
]
FAR_FROM_0: dict[str, Callable[[Tensor], Tensor]] = {
    "layer_norm": lambda x: layer_norm(x, (8,)),
    "batch_norm": lambda x: batch_norm(x.mT, None, None, training=True),
    "batch_norm of rows in a row": lambda x: batch_norm(x.mT.contiguous(), None, None, training=True),
    "batch_norm of images": lambda x: batch_norm(x.reshape(2, 1, 4, 2), None, None, training=True),
    "group_norm": lambda x: group_norm(x.reshape(-1, 2, 4), 1),
    "group_norm, channels last": lambda x: group_norm(
        x.reshape(-1, 2, 2, 2).to(memory_format=torch.channels_last), 1
    ),
}


@pytest.mark.parametrize("name", FAR_FROM_0)
def test_the_variance_does_not_cancel(name: str) -> None:
    """Of 4096 + k/16 squared, float32 keeps no digit of k: a difference of squares is useless or negative."""
    near = torch.tensor([[0.0, 1, 2, 3, 5, 6, 7, 8], [8.0, -1, 3, -3, 0, 7, 1, 1]]) / 16
    results = []
    for x in (near, near + 4096):
        leaf = x.clone().requires_grad_()
        y = FAR_FROM_0[name](leaf)
        results.append((y.detach(), *torch.autograd.grad(y, leaf, randn(*y.shape).float())))
    for actual, expected in zip(*reversed(results), strict=True):
        assert_same(name, actual, expected, roundings=64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("shape", "dims"), PLACES)
def test_one_kernel_does_what_is_written_out(
    shape: tuple[int, ...], dims: tuple[int, ...], dtype: torch.dtype
) -> None:
    for x in (randn(*shape).to(dtype), transposed(randn(*shape)).to(dtype)):
        with torch.no_grad():
            given = normalise(x, dims, 1e-3)
        for name, *pair in zip(("x̂", "r"), given, written_out(x, dims, 1e-3), strict=True):
            assert_same(name, *torch.broadcast_tensors(*pair))


@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_rms_norm_of_one_kernel_is_what_is_written_out(dtype: torch.dtype, eps: float | None) -> None:
    x = randn(2, 3, 5).to(dtype)
    assert_same("x̂", rms_norm(x, (3, 5), None, eps), over_rms(x, (-2, -1), eps)[0])


@pytest.mark.parametrize("name", FAR_FROM_0)
def test_a_tangent_of_the_gradient_needs_no_graph(name: str) -> None:
    """Forward mode over a backward pass that builds no graph, where the kernel's r would have no tangent."""
    x, u = randn(2, 8), randn(2, 8, seed="tangent")

    def loss(x: Tensor) -> Tensor:
        return FAR_FROM_0[name](x).pow(3).sum()

    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.clone().requires_grad_(), u)
        (gradient,) = torch.autograd.grad(loss(dual), dual)
        pushed = forward_ad.unpack_dual(gradient).tangent
    expected = torch.autograd.functional.vhp(loss, x, u)[1]
    assert_same("tangent", pushed, expected, roundings=64)


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_one_number_in_a_group_becomes_the_bias(shift: float) -> None:
    x = (randn(3, 2) + shift).requires_grad_()
    y = group_norm(x, 2, randn(2, seed="w"), randn(2))
    assert_same("value", y.detach(), randn(2).expand(3, 2))
    assert torch.equal(torch.autograd.grad(y, x, randn(3, 2))[0], torch.zeros(3, 2).double())


@pytest.mark.parametrize("function", [layer_norm, rms_norm])
def test_any_sequence_of_integers_is_a_shape(function: Callable[..., Tensor]) -> None:
    x = randn(2, 3, 5)
    for shape in ([3, 5], torch.Size((3, 5))):
        assert_same(str(shape), function(x, shape), function(x, (3, 5)))


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_parameters_in_float32_with_a_half_precision_input(dtype: torch.dtype) -> None:
    w, b = randn(4).float(), randn(4, seed="b").float()
    calls: list[tuple[Callable[..., Tensor], Callable[..., Tensor], Callable[..., Tensor]]] = [
        (layer_norm, T.layer_norm, lambda f, x, w, b: f(x, (4,), w, b)),
        (group_norm, T.group_norm, lambda f, x, w, b: f(x, 2, w, b)),
        (rms_norm, T.rms_norm, lambda f, x, w, b: f(x, (4,), w) + 0 * b.to(dtype)),
    ]
    for ours, twin, call in calls:
        results = []
        for function in (ours, twin):
            leaves = [t.detach().requires_grad_() for t in (randn(3, 4).to(dtype), w, b)]
            y = call(function, *leaves)
            results.append((y.detach(), *torch.autograd.grad(y, leaves, randn(3, 4, seed="g").to(dtype))))
        for actual, expected in zip(*results, strict=True):
            assert actual.dtype == expected.dtype
            torch.testing.assert_close(actual, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
def test_rms_norm_takes_a_weight_of_any_precision() -> None:
    x, w = randn(3, 5).float().requires_grad_(), randn(5).requires_grad_()
    results = []
    for function in (rms_norm, T.rms_norm):
        y = function(x, (5,), w)
        results.append((y.detach(), *torch.autograd.grad(y.sum() ** 2, (x, w))))
    for actual, expected in zip(*results, strict=True):
        assert actual.dtype == expected.dtype
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


def test_the_functions_of_torch_itself_are_taken_over_too() -> None:
    x, w = randn(3, 4), randn(4)
    calls: list[Callable[[Tensor], Tensor]] = [
        lambda x: torch.layer_norm(x, (4,), w, w, 1e-3, False),
        lambda x: torch.layer_norm(x, (4,), cudnn_enable=False),
        lambda x: torch.rms_norm(x, (4,), w),
        lambda x: torch.group_norm(x, 2, w, w, 1e-3, False),
        lambda x: torch.group_norm(x[:1, :2], 2, cudnn_enabled=False),
    ]
    for call in calls:
        leaf = x.clone().requires_grad_()
        with use_manual_gradients():
            actual = call(leaf)
        assert isinstance(actual.grad_fn, torch.autograd.function.BackwardCFunction)
        assert_same("value", actual.detach(), call(x))
