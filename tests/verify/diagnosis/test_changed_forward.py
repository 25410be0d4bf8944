"""The right gradient of another forward is recognised, and the difference is named."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from manual_backprop.derive.computation import as_function
from manual_backprop.verify.diagnosis.changed_forward import MOST_CALLS, changed_forwards, explanations
from manual_backprop.verify.diagnosis.forward_calls import calls_of
from manual_backprop.verify.diagnosis.option_changes import of_options
from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.problem import OwnBackward
from tests.verify.diagnosis.wrong import wrong_gradient

LABELS = torch.tensor([0, 2, 1, 2, 0])
WEIGHTS = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
MASK = torch.tensor([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.float64)
TEACHER = MASK.softmax(1)
CAUSAL = torch.ones(5, 5).tril().bool()
ROWS = torch.tensor([[0, 2, 2], [1, 2, 1]])
X, XW, XX = [(5, 3)], [(5, 3), (3, 4)], [(5, 3), (5, 3)]


@pytest.fixture(autouse=True)
def _forget() -> None:
    changed_forwards.cache_clear()


def said_of(
    forward: Callable[..., Tensor], other: Callable[..., Tensor], shapes: list[Any], at: int = 0
) -> Diagnosis | None:
    """What is said of the gradient of `other` that is given for that of `forward`."""
    found = list(explanations(wrong_gradient(forward, OwnBackward(other), shapes, at)))
    assert len(found) <= 1
    return found[0].diagnosis if found else None


def unit(x: Tensor, eps: float) -> Tensor:
    return x / (x.square().sum(1, keepdim=True) + eps).sqrt()


@pytest.mark.parametrize(
    ("forward", "other", "shapes", "words"),
    [
        pytest.param(
            lambda x: x / (x.square().sum(1, keepdim=True) + 0.5).sqrt(),
            lambda x: unit(x, 0.0),
            X,
            "with 0 in place of 0.5 in `x.square().sum(1, keepdim=True) + 0.5`",
            id="constant left out",
        ),
        pytest.param(
            lambda x: unit(x, 0.5),
            lambda x: x / (x.square().sum(1, keepdim=True).sqrt() + 0.5),
            X,
            "with 0.5 added outside the root",
            id="outside the root",
        ),
        pytest.param(
            lambda x: F.layer_norm(x, (3,), eps=0.3),
            lambda x: F.layer_norm(x, (3,), eps=0.0),
            X,
            "with eps 0 in place of 0.3 in `F.layer_norm(x, (3,), eps=0.3)`",
            id="eps 0",
        ),
        pytest.param(
            lambda x, w: F.batch_norm(x, None, None, w, None, True, 0.1, 0.3),
            lambda x, w: (x - x.mean(0)) / (x.var(0, correction=0).sqrt() + 0.3) * w,
            [(5, 3), (3,)],
            "with ε outside the root in `F.batch_norm(",
            id="eps of batch norm outside the root",
        ),
        pytest.param(
            lambda x: F.group_norm(x, 2, eps=1e-5),
            lambda x: (
                (x.view(3, 2, 6) - x.view(3, 2, 6).mean(2, keepdim=True))
                / (x.view(3, 2, 6).var(2, keepdim=True) + 1e-5).sqrt()
            ).view(3, 4, 3),
            [(3, 4, 3)],
            "with n − 1 in the variance",
            id="variance of a norm",
        ),
        pytest.param(
            lambda x, w: F.conv1d(x, w, dilation=2),
            lambda x, w: F.conv1d(x, w)[..., :7],
            [(2, 3, 11), (4, 3, 3)],
            "with dilation 1, torch's default, in place of 2 in `F.conv1d(x, w, dilation=2)`",
            id="dilation",
        ),
        pytest.param(
            lambda x: F.leaky_relu(x, 0.2),
            lambda x: torch.where(x > 0, x, torch.tensor(0.01).double() * x),
            X,
            "with negative_slope 0.01, torch's default, in place of 0.2",
            id="slope that is kept in float32",
        ),
        pytest.param(
            lambda x: F.gelu(x),
            lambda x: F.gelu(x, approximate="tanh"),
            X,
            "with approximate='tanh' in place of 'none'",
            id="approximation",
        ),
        pytest.param(
            lambda x: (x - x.mean(1, keepdim=True)) * x.var(1, keepdim=True),
            lambda x: (x - x.mean(1, keepdim=True)) * x.mean(),
            X,
            None,
            id="nothing that is thought of",
        ),
        pytest.param(
            lambda x: x.exp() / (1 + x.var(1, keepdim=True)),
            lambda x: x.exp() / (1 + x.var(1, keepdim=True, correction=0)),
            X,
            "with unbiased=False in place of True in `x.var(1, keepdim=True)`",
            id="correction",
        ),
        pytest.param(
            lambda x: F.cross_entropy(x, LABELS, weight=WEIGHTS),
            lambda x: F.cross_entropy(x, LABELS),
            X,
            "without weight in",
            id="class weights",
        ),
        pytest.param(
            lambda x: F.cross_entropy(x, LABELS, label_smoothing=0.1, reduction="sum"),
            lambda x: F.cross_entropy(x, LABELS, reduction="sum"),
            X,
            "with label_smoothing 0, torch's default, in place of 0.1",
            id="label smoothing",
        ),
        pytest.param(
            lambda x, w: ((x @ x.T).masked_fill(~CAUSAL, -1e9)).softmax(1) @ x @ w,
            lambda x, w: (x @ x.T).softmax(1) @ x @ w,
            XW,
            "without the mask in `(x @ x.T).masked_fill(~CAUSAL, -1e9)`",
            id="mask",
        ),
        pytest.param(
            lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True),
            lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
            X,
            "with is_causal=False in place of True",
            id="causal",
        ),
        pytest.param(
            lambda x: ((1 - torch.sigmoid(x)) ** 2 * F.logsigmoid(x)).neg(),
            lambda x: -((1 - torch.sigmoid(x)) * F.logsigmoid(x)),
            X,
            "with 1 in place of 2 in `(1 - torch.sigmoid(x)) ** 2`",
            id="exponent",
        ),
        pytest.param(
            lambda x, w: torch.tanh(x @ w / 0.5),
            lambda x, w: torch.tanh(x @ w),
            XW,
            "with 1 in place of 0.5 in `x @ w / 0.5`",
            id="temperature",
        ),
        pytest.param(
            lambda x: (2 - x.exp()).square(),
            lambda x: (-x.exp()).square(),
            X,
            "with 0 in place of 2 in `2 - x.exp()`",
            id="number on the left",
        ),
        pytest.param(
            lambda x: x.clamp(-0.5, 0.5).square(),
            lambda x: x.clamp(-1, 1).square(),
            X,
            "with the bounds -1 and 1 in place of -0.5 and 0.5",
            id="bounds",
        ),
        pytest.param(
            lambda x: F.kl_div(x.log_softmax(1), TEACHER, reduction="sum"),
            lambda x: F.kl_div(TEACHER.log(), x.softmax(1), reduction="sum"),
            X,
            "with the divergence in the other direction",
            id="direction",
        ),
        pytest.param(
            lambda x, w: (x.softmax(1) * (x.log_softmax(1) - w.log_softmax(1))).sum(),
            lambda x, w: (w.softmax(1) * (w.log_softmax(1) - x.log_softmax(1))).sum(),
            XX,
            "with x and w exchanged",
            id="inputs exchanged",
        ),
        pytest.param(
            lambda x: x - x.logsumexp(1, keepdim=True),
            lambda x: x - x.amax(1, keepdim=True),
            X,
            "with amax in place of logsumexp",
            id="another function",
        ),
    ],
)
def test_the_change_is_named(
    forward: Callable[..., Tensor], other: Callable[..., Tensor], shapes: list[Any], words: str | None
) -> None:
    said = said_of(forward, other, shapes)
    assert said is None if words is None else said
    if said and words:
        assert words in said.text
        assert said.name == "forward-option"
        assert said.certain == ("0.01" not in said.text)  # which is as exact as float32


@pytest.mark.parametrize(
    ("forward", "other", "shapes", "name", "words"),
    [
        pytest.param(
            lambda x: torch.tanh(x) * MASK,
            lambda x: torch.tanh(x) * 1,
            X,
            "more-entries",
            "without the factor `MASK`",
            id="mask as a factor",
        ),
        pytest.param(
            lambda x: torch.where(x.abs() > 1, x.sin(), x.exp()),
            lambda x: x.exp(),
            X,
            "one-case",
            "with `x.exp()` everywhere",
            id="one case",
        ),
        pytest.param(
            lambda x, w: torch.maximum(x.sin(), w.exp()),
            lambda x, w: x.sin() + w.exp(),
            XX,
            "more-entries",
            "with add in place of maximum",
            id="both get it",
        ),
        pytest.param(
            lambda x: x.softmax(1).square(),
            lambda x: x.softmax(0).square(),
            X,
            "wrong-dimension",
            "softmax along dimension 0 instead of 1",
            id="dimension",
        ),
        pytest.param(
            lambda x: x / x.norm(dim=1, keepdim=True),
            lambda x: x / x.norm(dim=1, keepdim=True).detach(),
            X,
            "forgotten-path",
            "with `x.norm(dim=1, keepdim=True)` (line ",
            id="constant",
        ),
        pytest.param(
            lambda x: torch.sin(x) + 0.1 * x**3 - torch.exp(0.5 * x),
            lambda x: torch.sin(x) + 0.1 * x**3 - torch.exp(-0.5 * x),
            X,
            "term-sign",
            "with -0.5 in place of 0.5 in `0.5 * x`",
            id="sign",
        ),
        pytest.param(
            lambda x: torch.tanh(x[ROWS]).mean(1),
            lambda x: torch.tanh(
                torch.where(torch.tensor([[1, 0, 0], [0, 1, 1]])[..., None] > 0, x[ROWS], x[ROWS].detach())
            ).mean(1),
            [(3, 4)],
            "assigned",
            "the last of several uses of a number in `x[ROWS]`",
            id="picked twice and assigned",
        ),
    ],
)
def test_changes_that_have_a_name_of_their_own(
    forward: Callable[..., Tensor],
    other: Callable[..., Tensor],
    shapes: list[Any],
    name: str,
    words: str,
) -> None:
    said = said_of(forward, other, shapes)
    assert said
    assert said.name == name
    assert words in said.text


def recurrence(x: Tensor, w: Tensor) -> Tensor:
    h = torch.zeros_like(x)
    for _ in range(3):
        h = torch.tanh(0.5 * x + h @ w)
    return h


def decayed(x: Tensor, w: Tensor, *decays: float) -> Tensor:
    h = torch.zeros_like(x)
    for decay in decays:
        h = torch.tanh(decay * x + h @ w)
    return h


def kept(x: Tensor, w: Tensor, use: int) -> Tensor:
    h = torch.zeros_like(x)
    for time in range(3):
        h = torch.tanh(0.5 * x + h @ (w if time == use else w.detach()))
    return h


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda x, w: decayed(x, w, 1, 1, 1), "with 1 in place of 0.5 in `0.5 * x` (line "),
        (lambda x, w: decayed(x, w, 0.5, 1, 0.5), ", call 2 of 3"),
        (lambda x, w: kept(x, w, 1), None),
        (lambda x, w: kept(x, w, 2), "the last of the 3 uses of `w` counts alone in `h @ w`"),
    ],
)
def test_an_expression_in_a_loop_is_changed_each_time_it_is_run_or_once(
    other: Callable[..., Tensor], words: str | None
) -> None:
    said = said_of(recurrence, other, [(5, 4), (4, 4)], at=1)
    assert bool(said) == bool(words)
    assert not said or not words or words in said.text


def test_the_options_of_a_module_are_seen_where_it_is_called() -> None:
    layer = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4, eps=0.3)).double()
    forward = as_function(layer, tuple(dict(layer.named_parameters())))

    def other(x: Tensor, w: Tensor, b: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.layer_norm(F.linear(x, w, b), (4,), scale, shift)

    said = said_of(forward, other, [(5, 3), (4, 3), (4,), (4,), (4,)])
    assert said
    assert "with eps 1e-05, torch's default, in place of 0.3" in said.text


def test_a_forward_without_source_is_named_by_its_function() -> None:
    said = said_of(torch.nn.functional.gelu, lambda x: F.gelu(x, approximate="tanh"), X)
    assert said
    assert said.text.endswith("in gelu.")


def test_of_several_numbers_that_explain_it_torchs_default_is_said() -> None:
    said = said_of(lambda x: F.elu(x, 2.0), lambda x: F.elu(x, 1.0), X)
    assert said
    assert "alpha 1, torch's default" in said.text


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda x: 2 * (x / 2).sigmoid(), id="another formula"),
        pytest.param(lambda x: 2 * (0.5 * x.sigmoid()), id="right"),
        pytest.param(lambda x: 3 * x.sigmoid(), id="a factor of all of it"),
        pytest.param(lambda x: 0 * x, id="zero"),
    ],
)
def test_nothing_is_said_of_what_no_change_explains(other: Callable[..., Tensor]) -> None:
    assert said_of(lambda x: 0.5 * (x + 0.25 - 0.25).sigmoid(), other, X) is None


def test_a_change_in_float32_is_compared_with_its_rounding() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return g * torch.where(x > 0, 1.0, 0.01)

    wrong = wrong_gradient(lambda x: F.leaky_relu(x, 0.2), backward, X, dtype=torch.float32)
    assert [e.diagnosis.name for e in explanations(wrong)] == ["forward-option"]


def test_what_is_nearly_explained_is_no_certainty() -> None:
    said = said_of(lambda x: x / (x.square() + 0.5), lambda x: x / (x.square() + 1e-11), X)
    assert said
    assert "with 0 in place of 0.5" in said.text
    assert not said.certain


def test_another_constant_and_a_factor_are_two_guesses() -> None:
    said = said_of(lambda x: torch.sin(2 * x), lambda x: 3 * torch.sin(x), X)
    assert said
    assert "with 1 in place of 2 in `2 * x` (line " in said.text
    assert said.text.endswith("in dimension 1 = the size of the output in dimension 1).")
    assert not said.certain


def test_a_part_that_is_differentiated_too_is_no_certainty() -> None:
    said = said_of(lambda x, w: (x * w).tanh() * w.exp(), lambda x, w: (x * w).tanh(), XX)
    assert said
    assert "without the factor `w.exp()`" in said.text
    assert not said.certain


@pytest.mark.parametrize("option", ["stride", "dilation", "groups"])
def test_sizes_are_never_zero_or_negative(option: str) -> None:
    forward = partial(F.conv1d, **{option: 2})
    wrong = wrong_gradient(forward, OwnBackward(forward), [(2, 4, 9), (4, 2 if option == "groups" else 4, 3)])
    ((call,), _, _) = calls_of(wrong.problem, wrong.draws[0])
    words = [other.words for other in of_options(call) if f"with {option} " in other.words]
    assert words
    assert not any(f"with {option} {size}" in text for text in words for size in ("0", "-"))


def test_the_forward_is_not_run_without_end() -> None:
    runs = 0

    def long(x: Tensor) -> Tensor:
        nonlocal runs
        runs += 1
        for _ in range(200):
            x = x + 0.01 * torch.tanh(0.9 * x - 0.1)
        return x

    wrong = wrong_gradient(long, lambda g, x: g * x, X)
    runs = 0
    assert list(explanations(wrong)) == []
    assert 1 < runs <= 2 + MOST_CALLS // 800


def test_a_forward_that_cannot_be_watched_is_left_alone() -> None:
    def forward(x: Tensor) -> Tensor:
        if torch.overrides._get_current_function_mode_stack():
            raise RuntimeError("no")
        return F.elu(x, 2.0)

    assert said_of(forward, lambda x: F.elu(x), X) is None


def test_what_the_forward_prints_and_warns_of_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    def forward(x: Tensor) -> Tensor:
        print("here")
        if x.exp().max() > 0:
            warnings.warn("there", stacklevel=1)
        return F.elu(x, 2.0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = wrong_gradient(forward, lambda g, x: g * torch.where(x > 0, 1, x.exp()), X)
    before = capsys.readouterr().out.count("here")
    assert [e.diagnosis.name for e in explanations(wrong)] == ["forward-option"]
    assert before
    assert not capsys.readouterr().out


def test_a_forward_of_large_tensors_is_run_less_often() -> None:
    runs = 0

    def large(x: Tensor) -> Tensor:
        nonlocal runs
        runs += 1
        grown = x.repeat(1, 200_000).tanh() * 0.5
        return grown.reshape(5, -1, 3).mean(1)

    wrong = wrong_gradient(large, lambda g, x: g * x, X)
    runs = 0
    list(explanations(wrong))
    assert 0 < runs <= 10
