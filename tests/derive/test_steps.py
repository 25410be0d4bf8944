"""Steps that are taken again, that write over a tensor, or that read one."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manual_backprop.derive.backward import program_of
from manual_backprop.derive.trace import Underivable
from tests.functional.samples import randn

x = randn(3, 3)
above = torch.ones(3, 3, dtype=torch.bool).triu(1)


def recurrent(x: Tensor) -> Tensor:
    h = x
    for _ in range(3):
        h = torch.tanh(h @ x.T)
    return h


def the_same_again(x: Tensor) -> Tensor:
    return x * 2 + x.reshape(3, 3) * 3


def with_items_set(x: Tensor) -> Tensor:
    mask = torch.zeros_like(above, dtype=x.dtype)
    mask[0] = 2
    mask[1, 2] = 5
    return x * mask


def filled_where(x: Tensor) -> Tensor:
    return torch.softmax(x + torch.zeros_like(above, dtype=x.dtype).masked_fill_(above, -torch.inf), 1)


def counted_up(x: Tensor) -> Tensor:
    mask = torch.ones_like(above, dtype=x.dtype)
    mask += 2
    mask.mul_(3)
    return x * mask


def filled(x: Tensor) -> Tensor:
    return x * torch.zeros_like(above, dtype=x.dtype).fill_(4)


@pytest.mark.parametrize(
    "forward",
    [recurrent, the_same_again, with_items_set, filled_where, counted_up, filled],
    ids=lambda forward: forward.__name__,
)
def test_value_and_gradient_are_autograds(forward: Callable[[Tensor], Tensor]) -> None:
    leaf = x.clone().requires_grad_()
    output = forward(leaf)
    upstream = randn(3, 3, seed="upstream")
    program = program_of(forward, ["x"], [x], [0], upstream)
    torch.testing.assert_close(program.output.value, output.detach())
    (gradient,) = torch.autograd.grad(output, leaf, upstream)
    torch.testing.assert_close(program.gradients[program.inputs[0]].value, gradient)


def written_over_beside_a_view(x: Tensor) -> Tensor:
    mask = torch.zeros_like(above, dtype=x.dtype)
    row = mask[0]
    mask[0, 1] = 2
    return x * row


def on_the_diagonal(x: Tensor) -> Tensor:
    return x * torch.zeros_like(above, dtype=x.dtype).fill_diagonal_(1)


def one_way_or_the_other(x: Tensor) -> Tensor:
    return x * 2 if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (written_over_beside_a_view, r"mask\[0, 1\]: __setitem__ writes over a view, or what has one"),
        (on_the_diagonal, "fill_diagonal_ writes over a tensor"),
        (one_way_or_the_other, r"x.sum\(\) > 0: bool reads a value"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_refused_with_its_line(forward: Callable[[Tensor], Tensor], reason: str) -> None:
    with pytest.raises(Underivable, match=f"test_steps.py:.*{reason}"):
        program_of(forward, ["x"], [x], [0], randn(3, 3))
