"""Activations are their torch.nn parents in everything but the gradients."""

import warnings
from typing import Any

import pytest
import torch

import manual_backprop.nn.activations as ours
from tests.functional.checks import assert_same
from tests.functional.samples import randn

OF_A_DIMENSION = ("Softmax", "LogSoftmax")
MODULES: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {"dim": 1} if name in OF_A_DIMENSION else {}) for name in ours.__all__),
    ("LeakyReLU", {"negative_slope": 0.2, "inplace": True}),
    ("ELU", {"alpha": 0.5, "inplace": True}),
    ("Softplus", {"beta": 2, "threshold": 1}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {"inplace": True}),
    ("Hardtanh", {"min_val": -2.0, "max_val": 0.5, "inplace": True}),
    ("ReLU6", {"inplace": True}),
    ("Hardsigmoid", {"inplace": True}),
    ("Hardswish", {"inplace": True}),
)


@pytest.mark.parametrize(("name", "options"), MODULES)
def test_module_is_its_parent_with_other_gradients(name: str, options: dict[str, Any]) -> None:
    parent, module = (getattr(package, name)(**options) for package in (torch.nn, ours))
    assert isinstance(module, type(parent))
    assert repr(module) == repr(parent)
    assert module.state_dict() == parent.state_dict() == {}
    for training in (True, False):
        results = []
        for m in (parent, module):
            z = (4 * randn(5, 3)).float().requires_grad_()
            before = z * 1
            a = m.train(training)(before)
            assert (a is before) == options.get("inplace", False)
            assert isinstance(a.grad_fn, torch.autograd.function.BackwardCFunction) == (m is module)
            results.append((a.detach(), *torch.autograd.grad(a, z, randn(5, 3, seed="v").float())))
        for actual, expected in zip(*results, strict=True):
            assert_same(name, actual, expected)


def test_softmax_without_a_dimension_warns_and_takes_the_parents() -> None:
    z = randn(2, 5, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = torch.nn.Softmax()(z)
    with pytest.warns(UserWarning, match="deprecated"):
        assert_same("value", ours.Softmax()(z), expected)
