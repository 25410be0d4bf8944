"""Names in the files that derive writes: the code's own, where Python and the file itself leave them free."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive import derive

TABLE = torch.linspace(-1, 1, 40, dtype=torch.float64)
DIALECTS = ("torch", "numpy", "function")


def inputs_called_as_helpers(softmax: Tensor, sigmoid: Tensor, np: Tensor) -> Tensor:
    erf = torch.sigmoid(softmax) * torch.softmax(sigmoid, 1)
    return F.gelu(erf) * np


def inputs_called_as_arguments(grad_output: Tensor, cache: Tensor, F: Tensor, ctx: Tensor) -> Tensor:
    return grad_output * cache + F / ctx


def rebound(x: Tensor, h: Tensor) -> Tensor:
    for _ in range(2):
        h = torch.tanh(h) + x
        x = x * h
    return x


def only_views(x: Tensor) -> Tensor:
    return x.T


def one_of_several(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return x * 2


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("forward", "count"),
    [
        (inputs_called_as_helpers, 3),
        (inputs_called_as_arguments, 4),
        (rebound, 2),
        (only_views, 1),
        (one_of_several, 3),
    ],
)
def test_names_do_not_get_in_the_way_of_each_other(forward: Any, count: int, dialect: str) -> None:
    assert "def forward(" in derive(forward, shapes=[(2, 3)] * count).source(dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_large_tensor_of_the_module_is_an_argument_of_the_file(dialect: str) -> None:
    def forward(x: Tensor) -> Tensor:
        return x * TABLE

    source = derive(forward, shapes=[(40,)]).source(dialect)
    assert "x, TABLE):" in source


def test_names_that_come_again_are_numbered() -> None:
    source = derive(rebound, shapes=[(2, 3)] * 2).source()
    assert "def forward(x, h):" in source
    assert "h1 = " in source
    assert "h2 = " in source
    assert "x1 = x * h1" in source
