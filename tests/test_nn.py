"""A module here is its torch.nn parent in everything but the gradients."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import manual_backprop.functional as F
import manual_backprop.nn as ours
from tests.functional.checks import assert_same
from tests.functional.samples import labels, randn

x, W = torch.randn(5, 3), torch.rand(3)
MODULES = [
    ("Linear", (3, 7), {}, (x,)),
    ("Linear", (3, 7), {"bias": False, "dtype": torch.float64}, (x.double(),)),
    ("Sigmoid", (), {}, (x,)),
    ("ReLU", (), {}, (x,)),
    ("ReLU", (), {"inplace": True}, (x,)),
    ("LogSoftmax", (), {"dim": 1}, (x,)),
    ("Flatten", (), {}, (x.reshape(5, 3, 1),)),
    ("Flatten", (0, 1), {}, (x,)),
    ("Unflatten", (1, (3, 1)), {}, (x,)),
    ("NLLLoss", (), {"weight": W, "ignore_index": 1}, (x.log_softmax(1), labels(5, classes=3))),
    ("CrossEntropyLoss", (), {}, (x, labels(5, classes=3))),
    (
        "CrossEntropyLoss",
        (),
        {"weight": W, "ignore_index": 1, "label_smoothing": 0.1, "reduction": "sum"},
        (x, labels(5, classes=3)),
    ),
]
WITHOUT_MODULE = {"LinearCrossEntropyLoss"}  # that of newer versions of torch has options of its own


def modules_of_torch() -> Iterator[str]:
    """The modules of torch.nn whose function is in `functional`: L1Loss for l1_loss, CrossEntropyLoss, …"""
    names = {name.replace("_", "") for name in F.__all__}
    for name, value in vars(torch.nn).items():
        is_module = isinstance(value, type) and issubclass(value, torch.nn.Module)
        if is_module and not names.isdisjoint({name.lower(), name.lower().removesuffix("loss")}):
            yield name


@pytest.mark.parametrize("name", sorted({*modules_of_torch()} - WITHOUT_MODULE))
def test_what_has_a_module_in_torch_has_one_here(name: str) -> None:
    assert name in ours.__all__
    assert issubclass(getattr(ours, name), getattr(torch.nn, name))


@pytest.mark.parametrize(("name", "args", "options", "inputs"), MODULES)
def test_module_is_its_parent_with_other_gradients(
    name: str, args: tuple[int, ...], options: dict[str, object], inputs: tuple[Tensor, ...]
) -> None:
    modules = []
    for package in (torch.nn, ours):
        torch.manual_seed(0)
        modules.append(getattr(package, name)(*args, **options))
    parent, module = modules
    assert isinstance(module, type(parent))
    assert repr(module) == repr(parent)
    assert module.state_dict().keys() == parent.state_dict().keys()
    for key, value in parent.state_dict().items():
        assert torch.equal(module.state_dict()[key], value), f"{key} is initialised otherwise"
    parent.load_state_dict(module.state_dict(), strict=True)
    module.load_state_dict(parent.state_dict(), strict=True)

    results = []
    for m in modules:
        first = inputs[0].clone().requires_grad_()
        output = m(first * 1, *inputs[1:])
        grads = torch.autograd.grad(output.sum() ** 2, (first, *m.parameters()))
        assert isinstance(output.grad_fn, torch.autograd.function.BackwardCFunction) == (m is module)
        results.append((output.detach(), *grads))
    for actual, expected in zip(*results, strict=True):
        assert_same(name, actual, expected)


def test_a_model_can_be_copied_and_saved_as_a_whole(tmp_path: object) -> None:
    model = torch.nn.Sequential(ours.Linear(3, 7), ours.ReLU(inplace=True), ours.Linear(7, 2))
    twin = copy.deepcopy(model)
    path = f"{tmp_path}/model.pt"
    torch.save(model, path)
    loaded = torch.load(path, weights_only=False)
    for other in (twin, loaded):
        assert_same("output", other(x).detach(), model(x).detach())


def test_log_softmax_without_a_dimension_warns_where_it_is_called() -> None:
    with pytest.warns(UserWarning, match="deprecated"):
        ours.LogSoftmax()(randn(5, 3))
