"""What is particular to ReLU: the kink, and working in place."""

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.checks import assert_same, gradients
from tests.functional.samples import ELEMENTWISE, Sample, randn


def in_place(f: object) -> object:
    """On a copy, since autograd lets no leaf be overwritten."""
    return lambda z: f.relu(z * 1, inplace=True)  # type: ignore[attr-defined]


def test_the_gradient_at_zero_is_zero() -> None:
    z = torch.zeros(3, requires_grad=True)
    F.relu(z).backward(torch.tensor([1.0, -2.0, float("inf")]))
    assert z.grad is not None
    assert z.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_nan_lets_through_and_zero_of_either_sign_does_not(dtype: torch.dtype) -> None:
    """Also a NaN that is negative, as the processor makes one of ∞ − ∞."""
    nan = torch.tensor(float("nan"))
    z = torch.stack([nan, torch.copysign(nan, torch.tensor(-1.0)), *torch.tensor([0.0, -0.0, 1e-40, 2.0])])
    ours, twins = (
        torch.autograd.grad(f.relu(leaf := z.to(dtype).requires_grad_()), leaf, torch.full_like(leaf, -3))[0]
        for f in (F, T)
    )
    assert ours.tolist() == twins.tolist()


@pytest.mark.parametrize("sample", ELEMENTWISE, ids=lambda sample: ascii(sample.name))
def test_in_place_has_the_twins_gradient(sample: Sample) -> None:
    for actual, expected in zip(gradients(in_place(F), sample), gradients(in_place(T), sample), strict=True):
        assert_same("gradient", actual, expected)


def test_in_place_writes_over_its_input_and_returns_it() -> None:
    z = randn(5, 3)
    a = F.relu(z, inplace=True)
    assert a is z
    assert (a >= 0).all()


def test_in_place_keeps_no_byte_but_the_output() -> None:
    z = randn(5, 3).requires_grad_() * 1
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        a = F.relu(z, inplace=True)
    assert [t.data_ptr() for t in kept] == [a.data_ptr()]


def test_in_place_is_seen_by_what_kept_the_overwritten_value() -> None:
    z = randn(5, 3).requires_grad_() * 1
    squared = z.square()
    F.relu(z, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.sum().backward()


def test_in_place_under_torch_func() -> None:
    z = randn(5, 3)
    for transform in (torch.func.vmap, torch.func.jacrev, torch.func.jacfwd):
        assert_same(transform.__name__, transform(in_place(F))(z), transform(in_place(T))(z))


def test_in_place_has_second_derivatives_and_forward_mode() -> None:
    z = randn(5, 3).requires_grad_()
    torch.autograd.gradcheck(in_place(F), z, check_forward_ad=True)
    torch.autograd.gradgradcheck(lambda z: in_place(F)(z) ** 2, z, check_fwd_over_rev=True)


def test_in_place_compiles_without_a_break() -> None:
    torch.compiler.reset()
    sample = Sample("a matrix", (randn(5, 3),))
    compiled = torch.compile(in_place(F), fullgraph=True, backend="aot_eager")
    assert_same("gradient", gradients(compiled, sample)[0], gradients(in_place(F), sample)[0])


def test_integers_have_no_gradient_but_a_value() -> None:
    z = torch.tensor([-2, 0, 3])
    assert_same("value", F.relu(z), T.relu(z))
