"""A mistake raises what the twin raises, and the message names what was given and what was expected."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F

five_scores = torch.zeros(5, 3)
classes = torch.tensor([0, 1, 2, 0, 1])

MISTAKES: tuple[tuple[Callable[[Any], Tensor], str], ...] = (
    (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 4)), r"\(5, 3\).*\(7, 4\)"),
    (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), torch.zeros(5)), r"\(7,\).*got \(5,\)"),
    (lambda f: f.linear(torch.zeros(3), torch.zeros(7, 3), torch.zeros(4, 7)), r"\(7,\).*got \(4, 7\)"),
    (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(2, 7, 3)), r"weight \(2, 7, 3\)"),
    (lambda f: f.linear(torch.zeros(()), torch.zeros(7, 3)), r"input \(\)"),
    (lambda f: f.linear(torch.zeros(5, 3).double(), torch.zeros(7, 3)), "input is torch.float64"),
    (
        lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), torch.zeros(7).double()),
        "bias is torch.float64",
    ),
    (lambda f: f.linear([1.0], torch.zeros(7, 3)), "input must be a Tensor, not list"),
    (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), 1.0), "bias must be a Tensor, not float"),
    (lambda f: f.relu([1.0]), "input must be a Tensor, not list"),
    (lambda f: f.relu(torch.ones(2, dtype=torch.bool)), "not torch.bool"),
    (lambda f: f.relu(torch.ones(2, dtype=torch.complex64)), "not torch.complex64"),
    (lambda f: f.relu(torch.ones(2, requires_grad=True), inplace=True), "leaf"),
    (lambda f: f.log_softmax(five_scores, 2), r"from -2 to 1 for input \(5, 3\), got 2"),
    (lambda f: f.log_softmax(five_scores, -3), r"got -3"),
    (lambda f: f.log_softmax(five_scores, 0.5), "dim must be an int, not float"),
    (lambda f: f.log_softmax(five_scores.long(), 1), "got torch.int64"),
    (lambda f: f.log_softmax(five_scores, 1, dtype=torch.long), "got torch.int64"),
    (lambda f: f.log_softmax(five_scores + 0j, 1), "got torch.complex64"),
    *(
        mistake
        for name in ("nll_loss", "cross_entropy")
        for mistake in (
            (lambda f, n=name: getattr(f, n)(five_scores, classes[:3]), r"\(5, 3\) and target \(3,\)"),
            (lambda f, n=name: getattr(f, n)(five_scores[:1], torch.tensor(1)), r"\(1, 3\) and target \(\)"),
            (lambda f, n=name: getattr(f, n)(five_scores, classes[:, None]), r"expected target \(5,\)"),
            (
                lambda f, n=name: getattr(f, n)(torch.zeros(5, 3, 2), torch.zeros(5, 7).long()),
                r"expected target \(5, 2\).*\(5, 7\)",
            ),
            (lambda f, n=name: getattr(f, n)(five_scores, classes + 1), "target 3 is out of bounds.*0 to 2"),
            (lambda f, n=name: getattr(f, n)(five_scores, classes - 1), "target -1 is out of bounds"),
            (lambda f, n=name: getattr(f, n)(five_scores[:, :0], classes), "out of bounds for 0 classes"),
            (lambda f, n=name: getattr(f, n)(five_scores, classes.int()), "int64 or uint8, got torch.int32"),
            (lambda f, n=name: getattr(f, n)(five_scores, classes.float()), "got torch.float32"),
            (lambda f, n=name: getattr(f, n)(five_scores, classes > 0), "got torch.bool"),
            (lambda f, n=name: getattr(f, n)(five_scores.long(), classes), "got torch.int64"),
            (
                lambda f, n=name: getattr(f, n)(five_scores, classes, torch.ones(4)),
                r"3 classes, got weight \(4,\)",
            ),
            (lambda f, n=name: getattr(f, n)(five_scores, classes, torch.ones(1, 3)), r"got weight \(1, 3\)"),
            (
                lambda f, n=name: getattr(f, n)(five_scores, classes, torch.ones(3).double()),
                "weight is torch.float64, but input is torch.float32",
            ),
            (
                lambda f, n=name: getattr(f, n)(
                    five_scores.requires_grad_(), classes, torch.ones(3, requires_grad=True)
                ),
                "weight is a constant",
            ),
            (
                lambda f, n=name: getattr(f, n)(five_scores, classes, reduction="avg"),
                "'mean' or 'sum', not 'avg'",
            ),
            (lambda f, n=name: getattr(f, n)([1.0], classes), "input must be a Tensor, not list"),
            (lambda f, n=name: getattr(f, n)(five_scores, [1]), "target must be a Tensor, not list"),
            (
                lambda f, n=name: getattr(f, n)(five_scores, classes, [1.0]),
                "weight must be a Tensor, not list",
            ),
        )
    ),
    (lambda f: f.nll_loss(torch.tensor(0.0), torch.tensor(0)), r"got shape \(\)"),
    (lambda f: f.cross_entropy(torch.tensor(0.0), torch.tensor(0)), r"shape of the input, \(\)"),
    (lambda f: f.cross_entropy(five_scores, classes, label_smoothing=1.5), "not 1.5"),
    (lambda f: f.cross_entropy(five_scores, five_scores.long()), "probabilities.*not torch.int64"),
    (lambda f: f.cross_entropy(five_scores, five_scores, ignore_index=1), "ignore_index=1"),
    (lambda f: f.cross_entropy(five_scores, five_scores, torch.ones(4)), r"got weight \(4,\)"),
    (lambda f: f.cross_entropy(five_scores, torch.zeros(5, 4)), r"expected target \(5,\)"),
)


@pytest.mark.parametrize(("call", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_raise_as_the_twin_does(call: Callable[[Any], Tensor], message: str) -> None:
    with pytest.raises(Exception) as due:  # noqa: PT011
        call(T)
    with pytest.raises(due.type, match=message):
        call(F)


def test_sigmoid_wants_a_tensor() -> None:
    with pytest.raises(TypeError, match="input must be a Tensor, not float"):
        F.sigmoid(3.0)  # type: ignore[arg-type]


def test_negative_smoothing_is_an_error() -> None:
    """The twin takes it for none; the documented range is 0 to 1."""
    with pytest.raises(RuntimeError, match=r"not -0\.1"):
        F.cross_entropy(five_scores, classes, label_smoothing=-0.1)
