"""A step is recorded with gradients whatever the caller has set."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import record

Setting = Callable[[], AbstractContextManager[Any]]
SETTINGS: dict[str, Setting] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "meta": lambda: torch.device("meta"),
}
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    with torch.device("cpu"):
        layers = torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.Dropout(0.5), torch.nn.Linear(5, 2)
        return torch.nn.Sequential(*layers)


def data() -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, 12, device="cpu").reshape(4, 3)
    return x, torch.tensor([0, 1, 1, 0], device="cpu")


def recorded(network: torch.nn.Module, x: Tensor, y: Tensor) -> Any:
    torch.manual_seed(1)
    return record(network, x, y, loss=torch.nn.functional.cross_entropy, lr=0.1, steps=2)


@every_setting
@pytest.mark.parametrize("made_inside", [False, True])
def test_a_step_is_the_same_in_every_setting(setting: Setting, made_inside: bool) -> None:
    expected = recorded(model(), *data())
    network, (x, y) = model(), data()
    with setting():
        if made_inside:
            network, (x, y) = model(), data()
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        found = recorded(network, x, y)
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
    assert [step.losses for step in found.steps] == [step.losses for step in expected.steps]
    assert len(found.parameters) == 6
    for ours, theirs in zip(found.parameters, expected.parameters, strict=True):
        assert torch.equal(ours.gradient, theirs.gradient)
    for name, held in network.state_dict().items():
        assert torch.equal(held, model().state_dict()[name])
    assert str(found) == str(expected)


def test_a_function_of_tensors_made_in_inference_mode_is_recorded() -> None:
    with torch.inference_mode():
        x = torch.ones(3, requires_grad=True)
        step = record(lambda x, w: (x * w).square().sum(), x, 2.0)
    assert [parameter.value.name for parameter in step.parameters] == ["x", "w"]


def test_tensors_without_numbers_cannot_be_recorded() -> None:
    with pytest.raises(ValueError, match=r"weight is on the meta device, where a tensor has no numbers"):
        record(torch.nn.Linear(3, 2, device="meta"), torch.ones(5, 3))
