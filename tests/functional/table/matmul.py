"""What `matmul` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.affine.matmul import matmul
from tests.functional.drawn import Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, strided, transposed


def derivation(grad_output: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    A = a.unsqueeze(0) if a.dim() == 1 else a
    B = b.unsqueeze(-1) if b.dim() == 1 else b
    N, D, M = *A.shape[-2:], B.shape[-1]
    batch = torch.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    g = grad_output.reshape(*batch, N, M)
    A, B = A.expand(*batch, N, D), B.expand(*batch, D, M)
    grads = torch.zeros(a.numel(), dtype=a.dtype), torch.zeros(b.numel(), dtype=b.dtype)
    numbers_of_a = torch.arange(a.numel()).reshape(a.shape).expand(*batch, N, D)
    numbers_of_b = torch.arange(b.numel()).reshape(*b.shape, *(1,) * (b.dim() == 1)).expand(*batch, D, M)
    for *k, n, m in indices(g):
        for i in range(D):
            row, column = (*k, n, i), (*k, i, m)
            grads[0][numbers_of_a[row]] += g[(*k, n, m)] * B[column]  # Σₘ gₙₘ bᵢₘ
            grads[1][numbers_of_b[column]] += A[row] * g[(*k, n, m)]  # Σₙ aₙᵢ gₙₘ
    return grads[0].reshape(a.shape), grads[1].reshape(b.shape)


GRAD_A = "g @ transposed(b)"
GRAD_B = "transposed(_stacked(a)) @ _stacked(g)"

PRODUCTS = (
    "23 32 | 3 3 | 23 3 | 3 32 | 223 31 | 23 231 | 2123 232 | 03 32 | 20 02 | 11 11 | 0 0 | 23 23"
    "| 223 332 | - 3"
)

ROW = Row(
    name="matmul",
    function=matmul,
    twin=torch.matmul,
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=(
        Sample("two matrices", (randn(5, 3), randn(3, 2))),
        Sample("square", (randn(3, 3), randn(3, 3, seed="B"))),
        Sample("two vectors", (randn(5), strided(randn(5, seed="b")))),
        Sample("matrix · vector", (transposed(randn(5, 3)), randn(3))),
        Sample("vector · matrix", (randn(3), randn(3, 2))),
        Sample("a batch · one matrix", (randn(2, 5, 3), transposed(randn(3, 2)))),
        Sample("one matrix · a batch", (randn(5, 3), randn(2, 3, 7))),
        Sample("two batches", (transposed(randn(2, 5, 3)), randn(2, 3, 7))),
        Sample("broadcast both ways", (randn(2, 1, 5, 3), randn(3, 3, 2))),
        Sample("a batch · vector", (randn(2, 5, 3), randn(3))),
        Sample("vector · a batch", (randn(3), randn(2, 3, 5))),
        Sample("expanded", (randn(1, 3).expand(5, 3), randn(3, 1).expand(3, 2)), smooth=False),
        Sample("no examples", (randn(0, 3), randn(3, 2))),
        Sample("nothing to sum", (randn(5, 0), randn(0, 2))),
    ),
    mutants=(
        Mutant(
            "the sign of ∂L/∂A, plain", "grad_output @ transposed(other)", "-grad_output @ transposed(other)"
        ),
        Mutant(
            "the sign of ∂L/∂B, plain", "transposed(input) @ grad_output", "-transposed(input) @ grad_output"
        ),
        Mutant("B not transposed", GRAD_A, "g @ b.reshape(transposed(b).shape)"),
        Mutant(
            "B as it is where it fits",
            "grad_output @ transposed(other)",
            "grad_output @ (other if other.shape[-2] == other.shape[-1] else transposed(other))",
        ),
        Mutant("A not transposed", GRAD_B, "_stacked(a).reshape(_stacked(a).mT.shape) @ _stacked(g)"),
        Mutant("the product the other way round", GRAD_B, "(_stacked(g).mT @ _stacked(a)).reshape(shape)"),
        Mutant("averaged over the rows", GRAD_B, f"{GRAD_B} / max(_stacked(g).shape[0], 1)"),
        Mutant("upstream ignored", GRAD_A, "torch.ones_like(g) @ transposed(b)"),
        Mutant(
            "only one use of a broadcast matrix",
            "return unbroadcast(transposed(a) @ g, shape)",
            "return (transposed(a) @ g)[(0,) * (a.dim() - len(shape))]",
        ),
        Mutant("B detached: second derivative lost", GRAD_A, "g @ transposed(b.detach())"),
        Mutant(
            "tangent of A alone",
            "torch.matmul(input, other_tangent)",
            "0 * torch.matmul(input, other_tangent)",
        ),
        Mutant(
            "computed where none is needed",
            "input if needs_other else None, other if needs_input else None",
            "input, other",
        ),
    ),
    mistakes=(
        (lambda f: f.matmul(torch.zeros(5, 3), torch.zeros(4, 2)), r"same D, got .*\(5, 3\).*\(4, 2\)"),
        (lambda f: f.matmul(torch.zeros(5, 3), torch.zeros(5)), r"input \(5, 3\) and other \(5,\)"),
        (lambda f: f.matmul(torch.zeros(3), torch.zeros(5)), r"input \(3,\) and other \(5,\)"),
        (
            lambda f: f.matmul(torch.zeros(2, 5, 3), torch.zeros(3, 3, 5)),
            r"must broadcast, got .*\(2, 5, 3\)",
        ),
        (lambda f: f.matmul(torch.zeros(()), torch.zeros(3, 3)), r"at least one dimension.*input \(\)"),
        (
            lambda f: f.matmul(torch.zeros(5, 3).double(), torch.zeros(3, 5)),
            "torch.float64 and torch.float32",
        ),
        (lambda f: f.matmul(torch.zeros(5, 3), [1.0]), "other must be a Tensor, got list"),
    ),
    rounds_on_the_way=True,
    drawn=Drawn(calls(PRODUCTS)),
)
