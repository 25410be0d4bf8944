"""Fused operations: what they promise beyond the contract, which is about memory, chunks and places."""

import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.checks import assert_same
from tests.functional.samples import labels, randn

CHUNKED = sys.modules["manual_backprop.functional.losses._chunks"]
OPTIONS: dict[str, dict[str, Any]] = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "weighted": {"weight": randn(3).abs()},
    "ignoring class 1": {"ignore_index": 1},
    "smoothed": {"label_smoothing": 0.3, "weight": randn(3).abs()},
}


def pulled(loss: Tensor, *leaves: Tensor) -> list[Tensor]:
    """The loss and its gradients, for an upstream gradient that is not 1."""
    return [loss.detach(), *torch.autograd.grad(3 * loss.sum(), leaves)]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rows", [1, 2, 4, 11, 1000])
def test_chunks_do_not_change_the_numbers(rows: int, reduction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CHUNKED, "CHUNK", rows * 3)
    leaves = [x.requires_grad_() for x in (randn(11, 7), randn(3, 7), randn(3))]
    options = {"target": labels(11, classes=3, ignored=-100), "reduction": reduction, "label_smoothing": 0.1}
    x, W, b = leaves
    ours = pulled(F.linear_cross_entropy(x, W, linear_bias=b, **options), *leaves)
    twins = pulled(T.cross_entropy(T.linear(x, W, b), **options), *leaves)
    for actual, expected in zip(ours, twins, strict=True):
        assert_same(f"chunks of {rows}", actual, expected, roundings=64)


def test_no_chunk_is_larger_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logits of 64 examples and 100 classes never stand in memory whole."""
    monkeypatch.setattr(CHUNKED, "CHUNK", 800)
    x, W = randn(64, 7).requires_grad_(), randn(100, 7).requires_grad_()
    with torch.profiler.profile(record_shapes=True, acc_events=True) as profile:
        F.linear_cross_entropy(x, W, labels(64, classes=100)).backward()
    rows = [e.input_shapes[0][0] for e in profile.events() if e.name == "aten::_log_softmax"]
    assert rows == [8] * 8


def test_linear_cross_entropy_can_be_pulled_back_twice() -> None:
    x, W = randn(5, 7).requires_grad_(), randn(3, 7)
    loss = F.linear_cross_entropy(x, W, labels(5, classes=3))
    first, second = (torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 5, 7)])
def test_logits_become_their_gradient(name: str, shape: tuple[int, ...]) -> None:
    y = labels(shape[0], *shape[2:], classes=3, ignored=1 if name.startswith("ignoring") else None)
    z = randn(*shape).requires_grad_()
    twins = pulled(T.cross_entropy(z, y, **OPTIONS[name]), z)
    scores = z * 1
    place = scores.data_ptr()
    loss = F.cross_entropy_(scores, y, **OPTIONS[name])
    for actual, expected in zip(pulled(loss, z), twins, strict=True):
        assert_same(name, actual, expected)
    assert scores.data_ptr() == place
    assert_same("what stands where the logits stood", scores.detach(), twins[1])


def test_without_a_gradient_there_is_still_a_loss() -> None:
    z, y = randn(5, 3), labels(5, classes=3)
    expected = T.cross_entropy(z, y)
    assert_same("loss", F.cross_entropy_(z.clone(), y), expected)


def test_whoever_kept_the_logits_is_told() -> None:
    z = randn(5, 3).requires_grad_()
    scores = z.exp()  # keeps its output
    loss = F.cross_entropy_(scores, labels(5, classes=3))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_gradient_is_there_once() -> None:
    z = randn(5, 3).requires_grad_()
    loss = F.cross_entropy_(z * 1, labels(5, classes=3))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="returned already"):
        loss.backward()


def test_there_is_no_second_derivative_to_be_wrong() -> None:
    z = randn(5, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy_(z * 1, labels(5, classes=3)), z, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated"):
        gradient.sum().backward()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((randn(5, 3).requires_grad_(), labels(5, classes=3)), {}, RuntimeError, "leaf"),
        ((randn(5, 3), labels(5, classes=3)), {"reduction": "none"}, ValueError, "'mean' or 'sum'"),
        ((randn(5, 3).half(), labels(5, classes=3)), {}, NotImplementedError, "float16"),
        ((randn(5, 3), torch.tensor([0, 1, 2, 3, 0])), {}, IndexError, "target 3"),
        ((randn(5, 3), labels(4, classes=3)), {}, ValueError, r"\(5, 3\) and target \(4,\)"),
        ((randn(5, 3), labels(5, classes=3)), {"label_smoothing": 2}, RuntimeError, "from 0 to 1"),
        ((randn(5, 3), labels(5, classes=3)), {"ignore_index": 1.0}, TypeError, "integer, got 1.0"),
        (([1.0], labels(5, classes=3)), {}, TypeError, "input must be a Tensor"),
    ],
)
def test_mistakes_leave_the_logits_as_they_are(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    before = torch.as_tensor(arguments[0]).detach().clone()
    with pytest.raises(error, match=message):
        F.cross_entropy_(*arguments, **options)
    assert torch.equal(torch.as_tensor(arguments[0]).detach(), before)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((randn(5, 7), randn(3, 8), labels(5, classes=3)), {}, RuntimeError, "same last size D"),
        (
            (randn(2, 5, 7), randn(3, 7), labels(5, classes=3)),
            {},
            RuntimeError,
            r"\(N, D\) and linear_weight \(C, d1, …, D\)",
        ),
        ((randn(5, 7), randn(3, 7), labels(4, classes=3)), {}, ValueError, r"target \(4,\)"),
        ((randn(5, 7), randn(3, 7), torch.full((5,), 9)), {}, IndexError, "target 9"),
        ((randn(5, 7), randn(3, 7), labels(5, classes=3)), {"weight": randn(4)}, RuntimeError, "3 classes"),
        ((randn(5, 7), randn(3, 7), labels(5, classes=3)), {"reduction": "all"}, ValueError, "'all'"),
        ((randn(5, 7), randn(3, 7), labels(5, classes=3)), {"ignore_index": 1.0}, TypeError, "got 1.0"),
        ((randn(5, 7).long(), randn(3, 7).long(), labels(5, classes=3)), {}, NotImplementedError, "int64"),
        ((randn(5, 7), None, labels(5, classes=3)), {}, TypeError, "linear_weight must be a Tensor"),
    ],
)
def test_mistakes_of_linear_cross_entropy_are_named(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        F.linear_cross_entropy(*arguments, **options)
