"""Shapes, order, choice and copies, as PyTorch spells them: the twin's value and gradient, by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from tests.functional.checks import assert_same, upstream_for
from tests.functional.samples import randn

SPELLINGS: dict[str, Callable[[Tensor], Any]] = {
    "x.view(15, 2)": lambda x: x.view(15, 2),
    "x.view((5, -1))": lambda x: x.view((5, -1)),
    "x.reshape(-1)": lambda x: x.reshape(-1),
    "x.reshape(shape=(6, 5))": lambda x: x.reshape(shape=(6, 5)),
    "x.view_as(y)": lambda x: x.view_as(torch.zeros(5, 6)),
    "x.flatten()": lambda x: x.flatten(),
    "torch.flatten(x, 1)": lambda x: torch.flatten(x, 1),
    "x.unflatten(0, (1, 2))": lambda x: x.unflatten(0, (1, 2)),
    "x.unflatten(-1, (5, -1))": lambda x: x.unflatten(-1, (5, -1)),
    "x.unsqueeze(-1)": lambda x: x.unsqueeze(-1),
    "x[None].squeeze()": lambda x: x[None].squeeze(),
    "x[None].squeeze(0)": lambda x: x[None].squeeze(0),
    "x[None, :, None].squeeze(dim=(0, 2))": lambda x: x[None, :, None].squeeze(dim=(0, 2)),
    "x.permute(2, 0, 1)": lambda x: x.permute(2, 0, 1),
    "x.permute((2, 0, 1))": lambda x: x.permute((2, 0, 1)),
    "x.permute(dims=(-1, 0, 1))": lambda x: x.permute(dims=(-1, 0, 1)),
    "x.transpose(0, -1)": lambda x: x.transpose(0, -1),
    "torch.swapaxes(x, 0, 1)": lambda x: torch.swapaxes(x, 0, 1),
    "x[0].t()": lambda x: x[0].t(),
    "x[0].T": lambda x: x[0].T,
    "x.mT": lambda x: x.mT,
    "x.movedim(0, -1)": lambda x: x.movedim(0, -1),
    "x.movedim((0, 1), (2, 0))": lambda x: x.movedim((0, 1), (2, 0)),
    "x[:, :1].expand(-1, 7, -1)": lambda x: x[:, :1].expand(-1, 7, -1),
    "x[:, :1].expand_as(x)": lambda x: x[:, :1].expand_as(x),
    "torch.broadcast_to(x, (7, 2, 3, 5))": lambda x: torch.broadcast_to(x, (7, 2, 3, 5)),
    "x.select(1, -1)": lambda x: x.select(1, -1),
    "x.narrow(2, 1, 3)": lambda x: x.narrow(2, 1, 3),
    "x.narrow(2, -2, 2)": lambda x: x.narrow(2, -2, 2),
    "x.index_select(1, …)": lambda x: x.index_select(1, torch.tensor([2, 0, 2])),
    "x[:, -1]": lambda x: x[:, -1],
    "x[x > 0]": lambda x: x[x > 0],
    "x.split(2, 2)": lambda x: x.split(2, 2),
    "torch.split(x, [1, 4], dim=-1)": lambda x: torch.split(x, [1, 4], dim=-1),
    "x.chunk(2, dim=1)": lambda x: x.chunk(2, dim=1),
    "x.unbind(1)": lambda x: x.unbind(1),
    "a, b = x": lambda x: tuple(x.unbind()),
    "torch.cat((x, x), -1)": lambda x: torch.cat((x, x), -1),
    "torch.stack([x, x], dim=1)": lambda x: torch.stack([x, x], dim=1),
    "x.masked_fill(x < 0, -inf)": lambda x: x.masked_fill(x < 0, float("-inf")),
    "torch.where(x < 0, x, 0.5)": lambda x: torch.where(x < 0, x, 0.5),
    "x.where(x < 0, x[:1])": lambda x: x.where(x < 0, x[:1]),
    "x.mT.contiguous()": lambda x: x.mT.contiguous(),
    "x.clone()": lambda x: x.clone(),
    "x.float()": lambda x: x.float(),
    "x.to(torch.bfloat16).double()": lambda x: x.to(torch.bfloat16).double(),
    "x.type_as(y)": lambda x: x.type_as(torch.zeros(1)),
    "x.to('cpu', torch.float32)": lambda x: x.to("cpu", torch.float32),
}


def values_and_gradient(spelling: Callable[[Tensor], Any]) -> tuple[Tensor, ...]:
    x = randn(2, 3, 5).requires_grad_()
    given = spelling(x)
    outputs = (given,) if isinstance(given, Tensor) else tuple(given)
    gradient = torch.autograd.grad(outputs, x, [upstream_for(output) for output in outputs])
    return (*outputs, *gradient)


@pytest.mark.parametrize("name", SPELLINGS)
def test_it_is_the_twins_and_by_hand(name: str) -> None:
    due = values_and_gradient(SPELLINGS[name])
    with use_manual_gradients(strict=True) as coverage:
        given = values_and_gradient(SPELLINGS[name])
    assert coverage, coverage
    for a, b in zip(given, due, strict=True):
        assert_same(name, a.detach(), b.detach())
        assert a.stride() == b.stride()


def test_what_changes_nothing_gives_the_tensor_itself() -> None:
    x = randn(5, 3).requires_grad_()
    with use_manual_gradients():
        assert x.contiguous() is x
        assert x.to(torch.float64) is x
        assert x.double() is x


def test_a_cast_to_integers_has_no_gradient() -> None:
    x = randn(5).requires_grad_()
    with use_manual_gradients():
        assert not x.to(torch.int64).requires_grad


def test_a_view_shares_the_memory_of_what_it_views() -> None:
    x = randn(5, 3).requires_grad_()
    with use_manual_gradients():
        for view in (x.view(15), x.T, x[1:], x.expand(2, 5, 3), x.unbind(1)[1], x.split(2)[1]):
            assert view.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
