"""Backwards by blocks of rows: what belongs to a row goes with it, and what all rows share is summed."""

import sys
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.checks import assert_same
from tests.functional.samples import randn

OPERATION = "manual_backprop.functional.operation"
w, b = randn(4, seed="w").requires_grad_(), randn(4, seed="b").requires_grad_()
CALLS: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "layer_norm": (lambda M, x: M.layer_norm(x, (4,), w, b), (w, b)),
    "layer_norm without w": (lambda M, x: M.layer_norm(x, (4,), None, b), (b,)),
    "layer_norm over three": (lambda M, x: M.layer_norm(x, tuple(x.shape[1:])), ()),
    "rms_norm": (lambda M, x: M.rms_norm(x, (4,), w), (w,)),
    "group_norm": (lambda M, x: M.group_norm(x, 2, w, b), (w, b)),
    "batch_norm": (lambda M, x: M.batch_norm(x, None, None, w, b, True), (w, b)),
    "softmax": (lambda M, x: M.softmax(x, 3), ()),
    "softmax over the channels": (lambda M, x: M.softmax(x, 1), ()),
    "log_softmax": (lambda M, x: M.log_softmax(x, -2), ()),
    "log_softmax over the batch": (lambda M, x: M.log_softmax(x, 0), ()),
}


@pytest.mark.parametrize("numbers", [4, 200])
@pytest.mark.parametrize("name", CALLS)
def test_blocks_of_rows_make_the_gradients_of_the_whole(
    name: str, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[f"{OPERATION}.large"], "BLOCKS_FROM", 1)
    monkeypatch.setattr(sys.modules[f"{OPERATION}.blocks"], "BLOCK", numbers)
    call, parameters = CALLS[name]
    x, g = randn(5, 4, 3, 4).requires_grad_(), randn(5, 4, 3, 4, seed="g")
    ours, twins = (torch.autograd.grad(call(M, x), (x, *parameters), g) for M in (F, T))
    for actual, expected in zip(ours, twins, strict=True):
        assert_same(name, actual, expected, roundings=64)
