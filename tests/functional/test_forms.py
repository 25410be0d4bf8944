"""Which form of an operation runs is asked of PyTorch; what its private names say is held to what is due."""

from typing import Any

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop.functional.operation import Operation, function_of
from manual_backprop.functional.operation.torch_state import (
    base_of,
    is_forward_mode,
    is_transformed,
    is_view,
)
from tests.functional.samples import randn


@pytest.mark.parametrize(
    "transform",
    [
        torch.func.grad,
        torch.func.vmap,
        torch.func.jacfwd,
        torch.func.jacrev,
        lambda f: lambda x: torch.func.vjp(f, x),
        lambda f: lambda x: torch.func.jvp(f, (x,), (x,)),
        lambda f: torch.func.grad(torch.func.grad(f)),
    ],
)
def test_a_transform_is_seen_inside_it_and_not_after_it(transform: Any) -> None:
    seen: list[bool] = []

    def f(x: Tensor) -> Tensor:
        seen.append(is_transformed())
        return x.square().sum()

    transform(f)(randn(3) if transform is torch.func.vmap else randn())
    assert seen == [True]
    assert not is_transformed()


def test_forward_mode_is_seen_inside_a_level_and_not_after_it() -> None:
    assert not is_forward_mode()
    with forward_ad.dual_level():
        assert is_forward_mode()
        assert not is_transformed()
    assert not is_forward_mode()


def test_a_view_has_a_base_and_any_other_tensor_is_its_own() -> None:
    x = randn(3, 5)
    assert is_view(x[0])
    assert base_of(x[0]) is x
    assert not is_view(x)
    assert base_of(x) is x


@pytest.mark.parametrize("word", ["jvp", "setup_context", "vmap"])
def test_a_forward_that_raises_is_not_called_again_whatever_its_error_says(word: str) -> None:
    calls = []

    class Raises(Operation):
        @staticmethod
        def forward(input: Tensor) -> Tensor:
            calls.append(input)
            raise RuntimeError(f"no {word} today")

    with pytest.raises(RuntimeError, match=f"no {word} today"):
        function_of(Raises)(randn(3).requires_grad_())
    assert len(calls) == 1


def test_without_a_transform_there_is_no_tangent_to_pay_for() -> None:
    """The plain form has no `jvp`; the others are the operation itself."""
    x = randn(3).requires_grad_()
    plain = F.sigmoid(x).grad_fn
    with forward_ad.dual_level():
        dual = F.sigmoid(x).grad_fn
    assert plain._forward_cls.jvp is torch.autograd.Function.jvp
    assert dual._forward_cls.jvp is not torch.autograd.Function.jvp


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.mul(x, x),
        lambda x: F.matmul(x, x),
        lambda x: F.stack([x, x, x]),
        lambda x: F.einsum("ij,kj->ik", x, x),
        lambda x: F.scaled_dot_product_attention(x, x, x),
    ],
)
def test_the_same_tensor_may_be_given_twice_where_it_is_compiled(function: Any) -> None:
    torch.compiler.reset()
    x = randn(3, 3).requires_grad_()
    due = torch.autograd.grad(function(x).square().sum(), x)
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(x).square().sum(), x), due)
