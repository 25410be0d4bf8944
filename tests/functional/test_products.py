"""Matrix products as PyTorch spells them: the twin's value, gradient, type and errors, by hand."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import use_manual_gradients
from manual_backprop.functional.affine.addmm import addmm, baddbmm
from manual_backprop.functional.affine.matmul import bmm, dot, matmul, mm, mv
from tests.functional.checks import CONTRACT, Check, assert_same, upstream_for
from tests.functional.samples import Row, Sample, randn
from tests.functional.table.addmm import ROW as ADDMM
from tests.functional.table.matmul import ROW as MATMUL

OURS = SimpleNamespace(addmm=addmm, baddbmm=baddbmm, bmm=bmm, dot=dot, matmul=matmul, mm=mm, mv=mv)
VECTOR, MATRIX, BATCH = randn(3), randn(3, 3), randn(2, 3, 3)

SPELLINGS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "A @ v": lambda v, A, B: A @ v,
    "B @ A": lambda v, A, B: B @ A,
    "A.__rmatmul__(v)": lambda v, A, B: A.__rmatmul__(v),
    "A.__matmul__(v)": lambda v, A, B: A.__matmul__(v),
    "v.matmul(B)": lambda v, A, B: v.matmul(B),
    "torch.matmul(input=v, other=v)": lambda v, A, B: torch.matmul(input=v, other=v),
    "torch.linalg.matmul(A, B)": lambda v, A, B: torch.linalg.matmul(A, B),
    "A.mm(mat2=A)": lambda v, A, B: A.mm(mat2=A),
    "torch.mm(A, A)": lambda v, A, B: torch.mm(A, A),
    "B.bmm(B)": lambda v, A, B: B.bmm(B),
    "torch.bmm(B, mat2=B)": lambda v, A, B: torch.bmm(B, mat2=B),
    "A.mv(v)": lambda v, A, B: A.mv(v),
    "torch.mv(A, vec=v)": lambda v, A, B: torch.mv(A, vec=v),
    "v.dot(v)": lambda v, A, B: v.dot(v),
    "torch.dot(v, tensor=v)": lambda v, A, B: torch.dot(v, tensor=v),
    "torch.addmm(v, A, A, alpha=2)": lambda v, A, B: torch.addmm(v, A, A, alpha=2),
    "v.addmm(mat1=A, mat2=A)": lambda v, A, B: v.addmm(mat1=A, mat2=A),
    "A.baddbmm(B, B, beta=0.5)": lambda v, A, B: A.baddbmm(B, B, beta=0.5),
    "torch.baddbmm(B, batch1=B, batch2=B)": lambda v, A, B: torch.baddbmm(B, batch1=B, batch2=B),
}


def values_and_gradients(call: Callable[..., Tensor], dtype: torch.dtype) -> list[Tensor]:
    leaves = [x.to(dtype).requires_grad_() for x in (VECTOR, MATRIX, BATCH)]
    output = call(*leaves)
    used = torch.autograd.grad(output, leaves, upstream_for(output), allow_unused=True)
    return [output.detach(), *(x for x in used if x is not None)]


@pytest.mark.parametrize("name", SPELLINGS)
def test_it_is_the_twins_and_by_hand(name: str) -> None:
    due = values_and_gradients(SPELLINGS[name], torch.float64)
    with use_manual_gradients(strict=True) as coverage:
        given = values_and_gradients(SPELLINGS[name], torch.float64)
    assert coverage, coverage
    for pair in zip(given, due, strict=True):
        assert_same(name, *pair)


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.cuda,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
            ],
        ),
    ],
)
@pytest.mark.parametrize("name", ["matmul", "mm", "mv", "dot", "addmm"])
def test_the_type_under_autocast_is_the_twins(name: str, device: str) -> None:
    shapes = {"dot": [(3,)] * 2, "mv": [(5, 3), (3,)], "addmm": [(2,), (5, 3), (3, 2)]}
    inputs = [randn(*shape).float().to(device) for shape in shapes.get(name, [(5, 3), (3, 2)])]
    with torch.autocast(device, torch.bfloat16):
        assert_same(name, getattr(OURS, name)(*inputs), getattr(torch, name)(*inputs))


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_baddbmm_keeps_the_contract(check: Check) -> None:
    def derivation(g: Tensor, x: Tensor, a: Tensor, b: Tensor, **options: Any) -> tuple[Tensor, ...]:
        of_each = [
            ADDMM.derivation(gk, xk, ak, bk, **options)
            for gk, xk, ak, bk in zip(g, x.expand(g.shape), a, b, strict=True)
        ]
        grad_x, grad_a, grad_b = (torch.stack(parts) for parts in zip(*of_each, strict=True))
        return grad_x.sum_to_size(x.shape), grad_a, grad_b

    samples = (
        Sample("three batches", (randn(2, 5, 7), randn(2, 5, 3), randn(2, 3, 7))),
        Sample("a bias", (randn(7), randn(2, 5, 3), randn(2, 3, 7)), {"beta": 0.5, "alpha": -2.0}),
    )
    row = Row("addmm", baddbmm, torch.baddbmm, derivation, frozenset({"input 1", "input 2"}), samples, ())
    for sample in samples:
        check(baddbmm, row, sample)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *MATMUL.mistakes,
        *ADDMM.mistakes,
        (lambda f: f.mm(MATRIX, VECTOR), r"mat2 must have 2 dimensions, got \(3,\)"),
        (lambda f: f.mm(BATCH, BATCH), r"input must have 2 dimensions, got \(2, 3, 3\)"),
        (lambda f: f.bmm(BATCH, MATRIX), r"mat2 must have 3 dimensions"),
        (lambda f: f.bmm(BATCH, BATCH[:1]), r"as many matrices in both, got \(2, 3, 3\) and \(1, 3, 3\)"),
        (lambda f: f.mv(MATRIX, MATRIX), r"vec must have 1 dimension, got \(3, 3\)"),
        (lambda f: f.dot(MATRIX, MATRIX), r"input must have 1 dimension, got \(3, 3\)"),
        (lambda f: f.dot(VECTOR, 1.0), "tensor must be a Tensor, got float"),
        (lambda f: f.baddbmm(VECTOR, BATCH, MATRIX), r"batch2 must have 3 dimensions, got \(3, 3\)"),
        (lambda f: f.baddbmm(randn(2), BATCH, BATCH), r"broadcasts to \(2, 3, 3\), got input \(2,\)"),
        (lambda f: f.baddbmm(VECTOR, BATCH, BATCH[:1]), "do not fit"),
    ],
)
def test_mistakes_raise_as_the_twin_does(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(Exception) as due:  # noqa: PT011
        call(torch)
    with pytest.raises(due.type, match=message):
        call(OURS)


def test_complex_gradients_are_the_twins() -> None:
    A, B = (torch.complex(randn(*s), randn(*s, seed="i")) for s in ((5, 3), (3, 2)))
    factors = {"beta": 2 - 1j, "alpha": 1 + 3j}
    for ours, twin in (
        (matmul, torch.matmul),
        (lambda a, b: addmm(a[:, :1], a, b, **factors), lambda a, b: torch.addmm(a[:, :1], a, b, **factors)),
    ):
        results = []
        for f in (ours, twin):
            leaves = [A.clone().requires_grad_(), B.clone().requires_grad_()]
            results.append(torch.autograd.grad(f(*leaves).real.square().sum(), leaves))
        torch.testing.assert_close(*results)


def test_integers_are_multiplied() -> None:
    x = torch.arange(6)
    assert_same("matmul", matmul(x.reshape(3, 2), x.reshape(2, 3)), x.reshape(3, 2) @ x.reshape(2, 3))
    assert_same("dot", dot(x, x), x.dot(x))
