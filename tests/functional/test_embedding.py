"""What is particular to the embedding: options that change the gradient or the table, and long sums."""

from typing import Any

import pytest
import torch
import torch.nn.functional as T

from manual_backprop.functional.affine.embedding import embedding
from manual_backprop.functional.operation import TWINS
from tests.functional.checks import assert_same
from tests.functional.samples import labels, randn

text = labels(7, classes=4)
OPTIONS = [{"padding_idx": 1}, {"padding_idx": -4}, {"scale_grad_by_freq": True}]


@pytest.mark.parametrize("options", OPTIONS)
def test_options_under_torch_func_and_compile(options: dict[str, Any]) -> None:
    tables = torch.stack((randn(5, 3), 2 * randn(5, 3)))

    def gradient(f: Any) -> Any:
        return torch.func.grad(lambda W: f(text, W, **options).square().sum())

    assert_same(
        "a gradient for each table",
        *(torch.func.vmap(gradient(f))(tables) for f in (embedding, T.embedding)),
    )
    _, tangent = torch.func.jvp(lambda W: embedding(text, W, **options), (tables[0],), (tables[1],))
    assert_same("the tangent of the output, which no option changes", tangent, tables[1][text])
    torch.compiler.reset()
    compiled = torch.compile(embedding, fullgraph=True, backend="aot_eager")
    results = []
    for f in (compiled, T.embedding):
        W = tables[0].clone().requires_grad_()
        results.append(torch.autograd.grad(f(text, W, **options).square().sum(), W)[0])
    assert_same("compiled", *results)


@pytest.mark.parametrize("norm_type", [1.0, 2.0])
def test_max_norm_changes_the_table_as_the_twin_does(norm_type: float) -> None:
    results = []
    for f in (embedding, T.embedding):
        W = randn(5, 3).requires_grad_()
        y = f(text.reshape(7, 1), W, max_norm=0.5, norm_type=norm_type)
        results.append((y.detach(), W.detach(), *torch.autograd.grad(y.square().sum(), W)))
    for actual, due in zip(*results, strict=True):
        assert_same("max_norm", actual, due)


def test_a_mistake_leaves_the_table_as_it_was() -> None:
    W = randn(5, 3)
    with pytest.raises(AssertionError):
        embedding(text, W, padding_idx=9, max_norm=0.1)
    assert torch.equal(W, randn(5, 3))


def test_a_sparse_gradient_is_pytorchs_own() -> None:
    W = randn(5, 3).requires_grad_()
    (grad,) = torch.autograd.grad(embedding(text, W, sparse=True).sum(), W)
    assert grad.is_sparse


def test_a_long_sum_in_half_precision_is_rounded_once() -> None:
    W = randn(2, 3).bfloat16().requires_grad_()
    (grad,) = torch.autograd.grad(embedding(torch.zeros(1000).long(), W).sum(), W)
    assert grad[0].tolist() == [1000] * 3


def test_texts_may_be_vmapped() -> None:
    texts, W = labels(2, 7, classes=5), randn(5, 3)
    for f in (embedding, torch.func.grad(lambda i, W: embedding(i, W).square().sum(), 1)):
        due = torch.stack([f(one, W) for one in texts])
        assert_same("texts", torch.func.vmap(f, (0, None))(texts, W), due)


def test_torch_embedding_has_a_twin_too() -> None:
    W = randn(5, 3)
    assert_same("value", TWINS[torch.embedding](W, text, 1), torch.embedding(W, text, 1))
