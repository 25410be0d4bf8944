"""Losses are their torch.nn parents in everything but the gradients."""

from typing import Any

import pytest
import torch

import manual_backprop.nn.losses as ours
from tests.functional.checks import assert_same
from tests.functional.samples import randn

WEIGHT, POS_WEIGHT = randn(3, seed="w").abs(), randn(3, seed="p").abs()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BCEWithLogitsLoss", {}),
        ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": POS_WEIGHT, "reduction": "sum"}),
        ("MSELoss", {"reduction": "sum"}),
        ("L1Loss", {}),
        ("L1Loss", {"reduction": "sum"}),
        ("SmoothL1Loss", {}),
        ("SmoothL1Loss", {"reduction": "none", "beta": 0.3}),
        ("HuberLoss", {}),
        ("HuberLoss", {"reduction": "sum", "delta": 0.3}),
        ("KLDivLoss", {"reduction": "batchmean"}),
        ("KLDivLoss", {"reduction": "sum", "log_target": True}),
    ],
)
def test_a_loss_is_its_parent_with_another_gradient(
    name: str, options: dict[str, Any], training: bool
) -> None:
    results = []
    for package in (torch.nn, ours):
        module = getattr(package, name)(**options).train(training)
        x, t = randn(5, 3).requires_grad_(), randn(5, 3, seed="t").sigmoid().requires_grad_()
        output = module(x, t)
        hand_written = isinstance(output.grad_fn, torch.autograd.function.BackwardCFunction)
        assert hand_written == (package is ours)
        results.append((module, output.detach(), *torch.autograd.grad(output.sum(), (x, t))))
    (parent, *due), (module, *actual) = results
    assert isinstance(module, type(parent))
    assert repr(module) == repr(parent)
    assert module.state_dict().keys() == parent.state_dict().keys()
    for key, value in parent.state_dict().items():
        assert torch.equal(module.state_dict()[key], value)
    for pair in zip(actual, due, strict=True):
        assert_same(name, *pair)
