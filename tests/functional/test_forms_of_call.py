"""Each form of each call does what the twin does in it: the value and the gradient, or the kind of error."""

import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop import use_manual_gradients
from tests.functional.forms import FORMS, called, tensors
from tests.functional.outcomes import Outcome, Twins, difference, outcome_of
from tests.functional.samples import labels, randn
from tests.functional.table import ROWS

WITHOUT_TWIN = {"cross_entropy_", "linear_cross_entropy", "linear_relu", "linear_sigmoid"}
OF_A_NETWORK = {"lstm", "multi_head_attention_forward", "rnn_relu", "rnn_tanh"}
"""What torch.nn's modules call, with a list of weights: tests of their own have their forms."""


def test_every_function_has_its_forms() -> None:
    assert set(FORMS) == set(F.__all__) - WITHOUT_TWIN - OF_A_NETWORK


def outcome(name: str, form: str, f: Any, compiled: bool = False) -> Outcome:
    call = called(name, form)

    def of_tensors(*given: Tensor) -> Any:
        return call(f, *given)

    if compiled:
        torch.compiler.reset()
        return outcome_of(torch.compile(of_tensors, fullgraph=True, backend="eager"), [*tensors().values()])
    return outcome_of(of_tensors, [*tensors().values()])


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.filterwarnings("ignore")
def test_each_form_is_the_twins(name: str) -> None:
    found = {form: difference(outcome(name, form, F), outcome(name, form, Twins())) for form in FORMS[name]}
    assert {form: told for form, told in found.items() if told} == {}


def warns(name: str, form: str) -> bool:
    """Each time, and not only the first time in a process."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return outcome(name, form, F).error is None and bool(caught)
    finally:
        torch.set_warn_always(before)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.filterwarnings("ignore")
@patch("torch._dynamo.guards.profile_guard_manager", lambda *_: 0.0)  # it empties the caches
def test_what_warns_can_be_compiled_all_the_same(name: str) -> None:
    """A warning cannot be traced. A function that has no row in the table is compiled in its first form."""
    traced = [form for form in FORMS[name] if warns(name, form)]
    if name not in {row.name for row in ROWS}:
        traced.append(FORMS[name][0])
    found = {
        form: difference(outcome(name, form, F, compiled=True), outcome(name, form, Twins()))
        for form in traced
    }
    assert {form: told for form, told in found.items() if told} == {}


ALIASES: dict[str, Callable[[Tensor], Any]] = {
    "torch.swapaxes(x, axis0=…, axis1=…)": lambda x: torch.swapaxes(x, axis0=0, axis1=1),
    "x.swapaxes(axis0=…, axis1=…)": lambda x: x.swapaxes(axis0=0, axis1=1),
    "torch.swapdims(x, dim0=…, dim1=…)": lambda x: torch.swapdims(x, dim0=0, dim1=1),
    "torch.concat(…, axis=…)": lambda x: torch.concat((x, x), axis=1),  # type: ignore[call-overload]
    "torch.concatenate(…, axis=…)": lambda x: torch.concatenate((x, x), axis=1),  # type: ignore[call-overload]
    "torch.moveaxis(x, source=…, destination=…)": lambda x: torch.moveaxis(x, source=0, destination=1),
    "torch.subtract(x, …, alpha=…)": lambda x: torch.subtract(x, x, alpha=2),
    "torch.multiply(x, other=…)": lambda x: torch.multiply(x, other=x),
    "torch.divide(x, …, rounding_mode=…)": lambda x: torch.divide(x, 2, rounding_mode=None),
    "torch.absolute(input=x)": lambda x: torch.absolute(input=x),
    "torch.negative(input=x)": lambda x: torch.negative(input=x),
    "x.split(split_size=…)": lambda x: x.split(split_size=2),
    "torch.split(x, split_size_or_sections=…)": lambda x: torch.split(x, split_size_or_sections=2),
    "x.where(condition=…, other=…)": lambda x: x.where(condition=x > 0, other=0.0),
    "x.type_as(other=…)": lambda x: x.type_as(other=torch.zeros(1)),
    "x.softmax(dim=…)": lambda x: x.softmax(dim=1),
    "torch.softmax(x, dim=…, dtype=…)": lambda x: torch.softmax(x, dim=1, dtype=torch.float64),
    "torch.special.softmax(x, dim=…)": lambda x: torch.special.softmax(x, dim=1),
    "torch.special.log_softmax(x, dim=…)": lambda x: torch.special.log_softmax(x, dim=1),
    "x.expand(size=…)": lambda x: x.expand(size=(2, 5, 3)),
    "x.view(size=…)": lambda x: x.view(size=(15,)),
    "x.sum(axis=…, keepdims=…)": lambda x: x.sum(axis=1, keepdims=True),  # type: ignore[call-overload]
    "x.mean(axis=…)": lambda x: x.mean(axis=1),  # type: ignore[call-overload]
    "torch.dropout(x, p=…, train=…)": lambda x: torch.dropout(x, p=1.0, train=True),
    "torch.linalg.matmul(x, other=…)": lambda x: torch.linalg.matmul(x, other=x.mT),
}


@pytest.mark.parametrize("name", ALIASES)
def test_the_names_that_stand_for_the_same_function_have_their_own_arguments(name: str) -> None:
    def inside(x: Tensor) -> Any:
        with use_manual_gradients():
            return ALIASES[name](x)

    x = tensors()["x"]
    assert difference(outcome_of(inside, [x]), outcome_of(ALIASES[name], [x])) is None


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "reduction": "none"}, {"reduction": "sum"}])
@pytest.mark.parametrize("places", [(), (2,), (2, 5)], ids=str)
@pytest.mark.parametrize("probabilities", [False, True], ids=["classes", "probabilities"])
def test_a_loss_of_a_layer_is_that_of_its_scores(
    probabilities: bool, places: tuple[int, ...], options: dict[str, Any]
) -> None:
    """As with the twin of later PyTorch: several losses for each input, and class probabilities."""
    x, W, b = randn(5, 3), randn(7, *places, 3), randn(7, *places)
    classes = labels(5, *places, classes=7)
    q = randn(5, 7, *places).softmax(1)
    target = q if probabilities else classes

    def ours(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        return F.linear_cross_entropy(x, W, target, linear_bias=b, **options)

    def due(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        z = torch.tensordot(x, W, dims=([1], [W.dim() - 1])) + b
        return torch.nn.functional.cross_entropy(z, target, **options)

    given = [t.requires_grad_() for t in (x, W, b)]
    assert difference(outcome_of(ours, given), outcome_of(due, given)) is None
