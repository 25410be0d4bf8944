"""`strict=True`: what has a node of PyTorch's own, and however it came about, raises."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from manual_backprop import use_manual_gradients
from manual_backprop.takeover import BuiltIn
from tests.functional.samples import randn


def augmented(z: Tensor) -> Tensor:
    z **= 2  # of which there is no twin in place
    return z


def into(z: Tensor) -> Tensor:
    buffer = torch.zeros(3, 4).double()
    buffer.index_copy_(0, torch.tensor([1]), z[:1])
    return buffer


RAISES: dict[str, Callable[[Tensor], Any]] = {
    "a function": torch.special.erfcx,
    "in place": lambda z: z.sigmoid_(),
    "in place on a view": lambda z: z[0].sigmoid_(),
    "an operator in place": augmented,
    "into a buffer": into,
    "inside a function": lambda z: T.cosine_similarity(z[0], z[1], dim=0),
    "a sparse gradient": lambda z: T.embedding(torch.tensor([1]), z, sparse=True),
    "a property": lambda z: z.real.imag if z.is_complex() else torch.view_as_complex(z.view(-1, 2)),
    "a list of them": lambda z: torch.meshgrid(z[0], z[1], indexing="ij"),
    "several": lambda z: torch.linalg.svd(z),
}


@pytest.mark.parametrize("name", RAISES)
def test_a_built_in_node_raises_where_it_is_made(name: str) -> None:
    z = randn(3, 4).requires_grad_() * 2
    with (
        use_manual_gradients(strict=True),
        pytest.raises(BuiltIn, match=r"no hand-written backward: (\w+Backward|CopySlices)"),
    ):
        RAISES[name](z)


def test_what_came_before_the_block_raises_in_backward() -> None:
    x = randn(3).requires_grad_()
    before = x.sin()
    with use_manual_gradients(strict=True) as coverage:
        loss = (before * 2).sum()
        with pytest.raises(BuiltIn, match=r"1 × SinBackward0"):
            loss.backward()
        with pytest.raises(BuiltIn, match=r"1 × SinBackward0"):
            torch.autograd.grad(loss, x)
        with pytest.raises(BuiltIn, match=r"1 × SinBackward0"):
            torch.autograd.grad([get_gradient_edge(loss)], x)
        torch.autograd.grad(loss, before)  # which does not get there
        assert coverage
    assert x.grad is None


def test_a_node_that_the_mode_did_not_see_raises_in_backward() -> None:
    """As one that another thread makes, or code in C++."""
    x = randn(3).requires_grad_()
    with use_manual_gradients(strict=True):
        with torch._C.DisableTorchFunction():
            z = x.sin()
        with pytest.raises(BuiltIn, match="SinBackward0"):
            (z * 2).sum().backward()


def test_differentiating_a_hand_written_backward_is_pytorchs_and_raises() -> None:
    x = randn(3).requires_grad_()
    with use_manual_gradients(strict=True):
        (first,) = torch.autograd.grad((x * x * x).sum(), x, create_graph=True)
        with pytest.raises(BuiltIn):
            first.sum().backward()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_casts_of_autocast_are_operations_by_hand(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.ReLU(), nn.Linear(8, 4), nn.LayerNorm(4))
    images, labels = torch.rand(3, 1, 4, 4), torch.tensor([1, 0, 3])

    def gradients() -> tuple[Tensor, ...]:
        with torch.autocast("cpu", dtype):
            loss = T.cross_entropy(model(images), labels)
        return torch.autograd.grad(loss, tuple(model.parameters()))

    due = gradients()
    with use_manual_gradients(strict=True) as coverage:
        given = gradients()
    assert coverage.hand_written["Copy"] > 3
    for a, b in zip(given, due, strict=True):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=0.1, atol=0.02)


def test_without_strict_every_such_node_is_listed() -> None:
    x = randn(3, 4).requires_grad_()
    with use_manual_gradients() as coverage:
        z = x * 2
        z[0].sigmoid_()
        z.sum().backward()
    assert not coverage
    names = {name for name, _ in coverage.built_in}
    assert {"CopySlices"} <= names
    (place,) = {place for name, place in coverage.built_in if name == "CopySlices"}
    assert "sigmoid_ in " in place
