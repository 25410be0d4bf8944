"""Normalisations are their torch.nn parents in everything but the gradients."""

from typing import Any

import pytest
import torch

import manual_backprop.nn.normalisation as ours
from tests.functional.checks import assert_same
from tests.functional.samples import randn

MODULES: list[tuple[str, Any, dict[str, Any], tuple[int, ...]]] = [
    ("LayerNorm", 3, {}, (5, 3)),
    ("LayerNorm", (3, 7), {"bias": False, "eps": 0.1}, (5, 3, 7)),
    ("LayerNorm", 3, {"elementwise_affine": False}, (5, 3)),
    ("RMSNorm", 3, {}, (5, 3)),
    ("RMSNorm", (3, 7), {"elementwise_affine": False, "eps": 0.1}, (5, 3, 7)),
    ("GroupNorm", (2, 6), {}, (5, 6, 3)),
    ("GroupNorm", (3, 6), {"affine": False, "eps": 0.1}, (5, 6)),
    ("BatchNorm1d", 3, {}, (5, 3)),
    ("BatchNorm1d", 3, {"momentum": None, "eps": 0.1}, (5, 3, 7)),
    ("BatchNorm1d", 3, {"affine": False, "momentum": 0.5}, (5, 3)),
    ("BatchNorm2d", 3, {"track_running_stats": False}, (2, 3, 5, 7)),
    ("BatchNorm2d", 3, {"momentum": None}, (2, 3, 5, 7)),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("name", "size", "options", "shape"), MODULES)
def test_module_is_its_parent_with_other_gradients(
    name: str, size: Any, options: dict[str, Any], shape: tuple[int, ...], training: bool
) -> None:
    results = []
    for package in (torch.nn, ours):
        args = size if name == "GroupNorm" else (size,)
        module = getattr(package, name)(*args, **options, dtype=torch.float64)
        for i, parameter in enumerate(module.parameters()):
            parameter.data.copy_(randn(*parameter.shape, seed=str(i)))
        outputs = [module(randn(*shape, seed=f"batch {i}")).detach() for i in range(3)]
        x = randn(*shape).requires_grad_()
        output = module.train(training)(x)
        assert isinstance(output.grad_fn, torch.autograd.function.BackwardCFunction) == (package is ours)
        leaves = (x, *module.parameters())
        results.append(
            (module, *outputs, output.detach(), *torch.autograd.grad(output, leaves, randn(*shape, seed="g")))
        )
    (parent, *due), (module, *actual) = results
    assert isinstance(module, type(parent))
    assert repr(module) == repr(parent)
    assert module.state_dict().keys() == parent.state_dict().keys()
    due += parent.state_dict().values()
    actual += module.state_dict().values()
    for pair in zip(actual, due, strict=True):
        assert_same(name, *pair)
    module.load_state_dict(parent.state_dict(), strict=True)


def test_a_batch_norm_wants_its_number_of_dimensions() -> None:
    with pytest.raises(ValueError, match="expected 4D input"):
        ours.BatchNorm2d(3)(randn(5, 3))
