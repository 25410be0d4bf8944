"""MultiheadAttention is its parent in everything but the gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from manual_backprop.nn import attention
from tests.functional.checks import assert_same, graph, upstream_for
from tests.functional.samples import randn

SEES = torch.ones(5, 7).tril(2).bool()
CALLS: list[dict[str, Any]] = [
    {},
    {"need_weights": False},
    {"attn_mask": ~SEES, "average_attn_weights": False},
]


def pair(**options: Any) -> list[nn.Module]:
    modules = []
    for package in (nn, attention):
        torch.manual_seed(0)
        modules.append(package.MultiheadAttention(6, 2, dtype=torch.float64, **options))
    return modules


def results(module: nn.Module, inputs: tuple[Tensor, ...], call: dict[str, Any]) -> list[Tensor]:
    torch.manual_seed(1)  # for dropout
    outputs = [x for x in module(*inputs, **call) if x is not None]
    leaves = [*{id(x): x for x in inputs}.values(), *module.parameters()]
    return [*outputs, *torch.autograd.grad(outputs, leaves, [upstream_for(x) for x in outputs])]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "batch_first": True},
        {"dropout": 0.5, "add_bias_kv": True, "add_zero_attn": True},
        {"kdim": 3, "vdim": 5},
    ],
)
def test_module_is_its_parent(options: dict[str, Any], call: dict[str, Any], train: bool) -> None:
    parent, module = (m.train(train) for m in pair(**options))
    assert repr(parent) == repr(module)
    parent.load_state_dict(module.state_dict(), strict=True)
    inputs = (randn(5, 2, 6), randn(7, 2, options.get("kdim", 6)), randn(7, 2, options.get("vdim", 6)))
    if options.get("batch_first"):
        inputs = tuple(x.transpose(0, 1) for x in inputs)
    inputs = tuple(x.detach().requires_grad_() for x in inputs)
    actual, expected = (results(m, inputs, call) for m in (module, parent))
    for ours, twins in zip(actual, expected, strict=True):
        assert_same("attention", ours.detach(), twins.detach(), roundings=256)
    for output in module(*inputs, **call):
        for node in graph(None if output is None else output.grad_fn):
            own = isinstance(node, torch.autograd.function.BackwardCFunction)
            assert own or "AccumulateGrad" in node.name(), node.name()


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("shape", [(5, 3, 6), (5, 6)])
def test_self_attention_is_its_parents(shape: tuple[int, ...], batch_first: bool) -> None:
    parent, module = pair(batch_first=batch_first)
    x = randn(*shape).requires_grad_()
    actual, expected = (results(m, (x, x, x), {}) for m in (module, parent))
    for ours, twins in zip(actual, expected, strict=True):
        assert_same("attention", ours.detach(), twins.detach(), roundings=256)
