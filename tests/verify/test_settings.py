"""A verdict is the same whatever PyTorch is set to, and leaves it set so."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import nn, verify
from manual_backprop.verify import Report

Setting = Callable[[], AbstractContextManager[Any]]


def forward(x: Tensor, weight: Tensor) -> Tensor:
    return torch.tanh(x @ weight.T)


def backward(g: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    delta = g * (1 - forward(x, weight) ** 2)
    return delta @ weight, delta.T @ x


def softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def diagonal_only(g: Tensor, x: Tensor) -> Tensor:
    return g * x.softmax(1) * (1 - x.softmax(1))


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS: dict[str, Setting] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "dual_level": torch.autograd.forward_ad.dual_level,
    "cpu": lambda: torch.device("cpu"),
    **{
        f"{dtype}": lambda dtype=dtype: default_dtype(dtype)
        for dtype in (torch.float64, torch.bfloat16, torch.float16)
    },
}
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


@pytest.fixture(scope="module")
def wrong() -> Report:
    return verify(softmax, diagonal_only, shapes=[(5, 3)])


@every_setting
def test_a_verdict_is_the_same_in_every_setting(setting: Setting, wrong: Report) -> None:
    with setting():
        right = verify(forward, backward, shapes=[(5, 3), (7, 3)])
        again = verify(softmax, diagonal_only, shapes=[(5, 3)])
    assert right
    assert again.verdicts == wrong.verdicts
    assert again.status == "wrong"
    if setting is not torch.autograd.forward_ad.dual_level:  # has no other inside: a witness less
        assert again.oracles == wrong.oracles


def test_pictures_are_the_same_in_inference_mode(wrong: Report) -> None:
    with torch.inference_mode():
        html = wrong._repr_html_()
    assert html == wrong._repr_html_()


@every_setting
def test_float32_numbers_made_in_a_setting_are_judged_in_it(setting: Setting) -> None:
    with setting():
        inputs = [torch.rand(shape, dtype=torch.float32) for shape in ((5, 3), (7, 3))]
        report = verify(forward, backward, inputs=inputs)
    assert report
    assert "roundings of float32" in " ".join(str(report).split())


@every_setting
def test_a_module_made_in_a_setting_is_judged_in_it(setting: Setting) -> None:
    with setting():
        ours = torch.nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).float()
        theirs = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2)).float()
        report = verify(ours, against=theirs, shapes="(5,3)")
    assert report, report
    assert len(report.verdicts) == 5


@every_setting
def test_the_setting_and_the_random_state_stay(setting: Setting) -> None:
    def random(x: Tensor) -> Tensor:
        torch.manual_seed(3)
        return x * torch.rand(3)

    def state() -> tuple[Any, ...]:
        return (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_default_dtype(),
            torch.initial_seed(),
            torch.get_rng_state().tolist(),
        )

    with setting():
        before = state()
        assert not verify(random, lambda g, x: g, shapes=[(5, 3)])
        assert state() == before


def judged_inside(transform: Callable[..., Any], inputs: bool) -> Report:
    """What `verify` says inside a function that is transformed, of shapes or of the function's own input."""
    reports = []

    def function(x: Tensor) -> Tensor:
        question: dict[str, Any] = {"inputs": [x]} if inputs else {"shapes": [(5, 3)]}
        reports.append(verify(torch.sin, lambda g, x: g * x.cos(), **question))
        return x.sum()

    x = torch.linspace(-2, 2, 15, dtype=torch.float64).reshape(5, 3)
    transform(function)(x)
    return reports[0]


TRANSFORMS: dict[str, Any] = {
    "grad": torch.func.grad,
    "vjp": lambda function: lambda x: torch.func.vjp(function, x),
    "jvp": lambda function: lambda x: torch.func.jvp(function, (x,), (x,)),
    "jacrev": torch.func.jacrev,
    "grad of grad": lambda function: torch.func.grad(lambda x: torch.func.grad(function)(x).sum()),
    "functionalize": torch.func.functionalize,
}


@pytest.mark.parametrize("inputs", [False, True], ids=["shapes", "inputs"])
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.filterwarnings("ignore:`torch.jit.script")
def test_it_judges_inside_a_transform(transform: Any, inputs: bool) -> None:
    assert judged_inside(transform, inputs)


def test_inside_vmap_it_judges_shapes_and_says_that_an_input_is_several() -> None:
    state = torch.get_rng_state()
    assert judged_inside(torch.func.vmap, inputs=False)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ValueError, match=r"many at once, made by torch\.func\.vmap"):
        judged_inside(torch.func.vmap, inputs=True)


@pytest.mark.parametrize("setting", [nullcontext, lambda: torch.device("meta")], ids=["inputs", "device"])
def test_tensors_without_numbers_cannot_be_judged(setting: Setting) -> None:
    with setting():
        meta = verify(torch.exp, lambda g, x: g, inputs=[torch.ones(3, device="meta")])
        assert meta.problem == "x0 is on the meta device, where a tensor has no numbers"
        assert verify(
            forward, backward, inputs=[torch.rand(5, 3, device="cpu"), torch.rand(7, 3, device="cpu")]
        )
        drawn = verify(forward, backward, shapes=[(5, 3), (7, 3)])
    assert drawn.status == ("right" if setting is nullcontext else "unjudged")
    assert drawn.problem == ("" if setting is nullcontext else NONE_THERE)


NONE_THERE = "on the meta device, where numbers would be drawn, there are none"
