"""What cannot be written out is named, with the line and the expression of the forward that it stands in."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from manual_backprop.derive import Underivable, derive


def cumulative(x: Tensor) -> Tensor:
    return torch.cumprod(x, 0) * 2  # here


def eigenvalues(x: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(x)  # here


def gamma_deep_inside(x: Tensor) -> Tensor:
    def inner(x: Tensor) -> Tensor:
        return torch.lgamma(x) + 1  # here

    return inner(x) * 2


def branch_on_values(x: Tensor) -> Tensor:
    if x.sum() > 0:  # here
        return x * 2
    return x


def scaled_by_item(x: Tensor) -> Tensor:
    return x / x.abs().sum().item()  # here


def loop_over_values(x: Tensor) -> Tensor:
    for _ in range(int(x.detach().abs().sum())):  # here
        x = x * 2
    return x


def values_as_list(x: Tensor) -> Tensor:
    return x * len(x.detach().flatten().tolist())  # here


def rows_by_mask(x: Tensor) -> Tensor:
    return x[x > 0] * 2  # here


def written_by_mask(x: Tensor) -> Tensor:
    y = x * 2
    y[x > 0] = 0  # here
    return y


def noise(x: Tensor) -> Tensor:
    return x + torch.randn_like(x)  # here


def noise_of_a_shape(x: Tensor) -> Tensor:
    return x + torch.rand(3, 3)  # here


def dropped(x: Tensor) -> Tensor:
    return F.dropout(x, 0.5)  # here


@pytest.mark.parametrize(
    ("forward", "expression", "reason"),
    [
        (cumulative, "torch.cumprod(x, 0)", "cumprod has no hand-written backward"),
        (eigenvalues, "torch.linalg.eigvalsh(x)", "eigvalsh has no hand-written backward"),
        (gamma_deep_inside, "torch.lgamma(x)", "lgamma has no hand-written backward"),
        (branch_on_values, "x.sum() > 0", "reads a value"),
        (scaled_by_item, "x.abs().sum().item()", "item reads a value"),
        (loop_over_values, "int(x.detach().abs().sum())", "reads a value"),
        (values_as_list, "x.detach().flatten().tolist()", "tolist reads a value"),
        (rows_by_mask, "x[x > 0]", "indexing with a mask"),
        (noise, "torch.randn_like(x)", "randn_like draws random numbers"),
        (noise_of_a_shape, "torch.rand(3, 3)", "rand draws random numbers"),
        (dropped, "F.dropout(x, 0.5)", "dropout draws random numbers"),
    ],
)
def test_the_step_is_named_with_its_line(forward: Callable[..., Any], expression: str, reason: str) -> None:
    with pytest.raises(Underivable) as raised:
        derive(forward, shapes=[(3, 3)])
    message = str(raised.value)
    lines, start = inspect.getsourcelines(forward)
    line = start + next(i for i, text in enumerate(lines) if "# here" in text)
    place, said = message.split(": ", 1)
    assert place == f"{__file__}:{line}"
    assert expression in said
    assert reason in said
    assert "\n" not in message


def test_a_mask_that_is_written_over_is_no_choice_of_size() -> None:
    derivation = derive(written_by_mask, shapes=[(3, 3)])
    assert "output[mask] = 0" in derivation.source()


def test_an_operation_in_a_module_is_named_with_the_module_s_line() -> None:
    class Gamma(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.lgamma(x)

    with pytest.raises(Underivable, match=r"test_underivable\.py:\d+: torch\.lgamma\(x\): lgamma has no"):
        derive(Gamma(), shapes=[(3,)])


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda x: (x, x), "must return one Tensor, got tuple"),
        (lambda x: {"y": x}, "must return one Tensor, got dict"),
        (lambda x: None, "must return one Tensor, got NoneType"),
        (lambda x: 3.0, "must return one Tensor, got float"),
        (lambda x: torch.ones(3), "no differentiable step"),
        (lambda x: x.detach() * 2, "no differentiable step"),
        (lambda x: x > 0, "must return real numbers, got torch.bool"),
    ],
)
def test_an_output_without_a_gradient_is_told(forward: Callable[..., Any], said: str) -> None:
    with pytest.raises(Underivable, match=said):
        derive(forward, shapes=[(3,)])


def test_what_numpy_has_no_words_for_is_named_with_its_line() -> None:
    def forward(x: Tensor, W: Tensor) -> Tensor:
        order = torch.argsort(W.detach(), stable=True)
        return x * order

    derivation = derive(forward, shapes=[(3,), (3,)])
    assert "argsort" in derivation.source()
    with pytest.raises(Underivable, match=r"test_underivable\.py:\d+: torch\.argsort.*: argsort has no form"):
        derivation.source("numpy")


def test_a_source_of_another_kind_is_refused() -> None:
    derivation = derive(lambda x: x * 2, shapes=[(3,)])
    with pytest.raises(ValueError, match="source must be one of torch, numpy, function, got 'jax'"):
        derivation.source("jax")
