"""Convolution and pooling: torch.nn's modules in everything but the gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import manual_backprop.nn.convolution as ours
from tests.functional.checks import assert_same
from tests.functional.samples import labels, randn

MODULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Conv2d", (3, 5, 2), {}),
    ("Conv2d", (3, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 3}),
    ("Conv2d", (3, 5, 3), {"padding": "same", "bias": False}),
    ("Conv2d", (3, 5, (1, 3)), {"padding": "valid"}),
    *(
        ("Conv2d", (3, 5, (3, 2)), {"padding": (3, 2), "padding_mode": mode})
        for mode in ("reflect", "replicate", "circular")
    ),
    ("Conv2d", (3, 5, (4, 3)), {"padding": "same", "padding_mode": "reflect"}),
    ("MaxPool2d", (2,), {}),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}),
    ("AvgPool2d", (2,), {}),
    ("AvgPool2d", (3, 2, 1), {"ceil_mode": True, "count_include_pad": False}),
    ("AvgPool2d", (3,), {"divisor_override": 7}),
    ("AdaptiveAvgPool2d", (1,), {}),
    ("AdaptiveAvgPool2d", ((None, 2),), {}),
]


@pytest.mark.parametrize("batched", [True, False], ids=["a batch", "one image"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("name", "args", "options"), MODULES)
def test_module_is_its_parent_with_other_gradients(
    name: str, args: tuple[Any, ...], options: dict[str, Any], training: bool, batched: bool
) -> None:
    modules = []
    for package in (nn, ours):
        torch.manual_seed(0)
        modules.append(getattr(package, name)(*args, **options).double().train(training))
    parent, module = modules
    assert isinstance(module, type(parent))
    assert repr(module) == repr(parent)
    module.load_state_dict(parent.state_dict(), strict=True)

    x = randn(2, 3, 7, 6) if batched else randn(3, 7, 6)
    results = []
    for m in modules:
        first = x.clone().requires_grad_()
        output = m(first)
        upstream = randn(*output.shape, seed="upstream")
        results.append((output.detach(), *torch.autograd.grad(output, (first, *m.parameters()), upstream)))
    for actual, expected in zip(*results, strict=True):
        assert_same(name, actual, expected, roundings=64)


def graph(tensor: Tensor) -> set[str]:
    nodes, waiting = set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and "AccumulateGrad" not in node.name():
            nodes.add(node.name())
            waiting += [before for before, _ in node.next_functions]
    return nodes


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_every_padding_mode_is_hand_written(mode: str) -> None:
    module = ours.Conv2d(3, 5, 3, padding=1, padding_mode=mode)
    names = graph(module(torch.randn(2, 3, 4, 4, requires_grad=True)))
    assert names == {"Conv2dBackward"} | (set() if mode == "zeros" else {"IndexSelectBackward"})


@pytest.mark.parametrize(("mode", "padding"), [("reflect", 4), ("circular", 5)])
def test_padding_cannot_copy_what_is_not_there(mode: str, padding: int) -> None:
    for package in (nn, ours):
        module = package.Conv2d(3, 5, 3, padding=padding, padding_mode=mode)
        with pytest.raises(RuntimeError) as error:
            module(torch.zeros(2, 3, 4, 4))
    assert f"padding_mode='{mode}' can pad 4 rows or columns by {padding - 1} at most" in str(error.value)


def test_max_pool_returns_the_places_where_asked_to() -> None:
    x = randn(2, 3, 4, 6)
    for actual, expected in zip(
        ours.MaxPool2d(2, return_indices=True)(x), nn.MaxPool2d(2, return_indices=True)(x), strict=True
    ):
        assert torch.equal(actual, expected)


def network(package: Any) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        package.Conv2d(1, 5, 3, padding=1),
        nn.Tanh(),
        package.MaxPool2d(2),
        package.Conv2d(5, 7, 3, stride=2, padding=1),
        nn.Tanh(),
        package.AvgPool2d(2),
        package.Conv2d(7, 3, 1),
        package.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).double()


def test_a_convolutional_network_trains_like_its_twin() -> None:
    x, y = randn(5, 1, 16, 16), labels(5, classes=3)
    losses = []
    for package in (nn, ours):
        model = network(package)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        losses.append([])
        for _ in range(20):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.detach())
    twins, own = map(torch.stack, losses)
    torch.testing.assert_close(own, twins, rtol=1e-9, atol=0)
    assert own[-1] < 0.8 * own[0]
