"""Layers are their torch.nn parents in everything but the gradients."""

from typing import Any

import pytest
import torch

import manual_backprop.nn.layers as ours
from tests.functional.checks import assert_same
from tests.functional.samples import labels, randn

text = labels(2, 7, classes=5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding_idx": 1},
        {"padding_idx": -1, "scale_grad_by_freq": True},
        {"max_norm": 0.5, "norm_type": 1},
    ],
)
def test_embedding_is_its_parent_with_another_gradient(options: dict[str, Any]) -> None:
    results = []
    for package in (torch.nn, ours):
        torch.manual_seed(0)
        module = package.Embedding(5, 3, **options)
        output = module(text)
        hand_written = isinstance(output.grad_fn, torch.autograd.function.BackwardCFunction)
        assert hand_written == (package is ours)
        results.append(
            (module, output.detach(), *torch.autograd.grad(output.sum() ** 2, module.parameters()))
        )
    (parent, *due), (module, *actual) = results
    assert isinstance(module, torch.nn.Embedding)
    assert repr(module) == repr(parent)
    assert module.state_dict().keys() == parent.state_dict().keys()
    assert torch.equal(module.weight, parent.weight)
    for pair in zip(actual, due, strict=True):
        assert_same("Embedding", *pair)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"p": 0.2, "inplace": True}, {"p": 1.0}])
def test_dropout_is_its_parent_with_another_gradient(options: dict[str, Any], training: bool) -> None:
    results = []
    for package in (torch.nn, ours):
        module = package.Dropout(**options).train(training)
        x = randn(5, 3).requires_grad_()
        torch.manual_seed(0)
        output = module(x * 1)
        results.append((module, output.detach(), *torch.autograd.grad(output.square().sum(), x)))
    (parent, *due), (module, *actual) = results
    assert isinstance(module, torch.nn.Dropout)
    assert repr(module) == repr(parent)
    for pair in zip(actual, due, strict=True):
        assert_same("Dropout", *pair)
