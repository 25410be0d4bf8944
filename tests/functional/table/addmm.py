"""What `addmm` and `baddbmm` are held to."""

import torch
from torch import Tensor

from manual_backprop.functional.affine.addmm import addmm
from tests.functional.drawn import Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, nan, randn, transposed


def derivation(
    grad_output: Tensor, x: Tensor, a: Tensor, b: Tensor, beta: float = 1, alpha: float = 1
) -> tuple[Tensor, Tensor, Tensor]:
    grad_x, grad_a, grad_b = torch.zeros(x.numel(), dtype=x.dtype), torch.zeros_like(a), torch.zeros_like(b)
    numbers_of_x = torch.arange(x.numel()).reshape(x.shape).expand(grad_output.shape)
    for n, m in indices(grad_output):
        g = grad_output[n, m]
        grad_x[numbers_of_x[n, m]] += beta * g
        for i in range(a.shape[1]):
            grad_a[n, i] += alpha * g * b[i, m]
            grad_b[i, m] += alpha * a[n, i] * g
    return grad_x.reshape(x.shape), grad_a, grad_b


GRAD_X = "_times(beta, unbroadcast(grad_output, ctx.input_shape))"
GRAD_A = "_times(alpha, grad_output @ transposed(mat2))"
GRAD_B = "_times(alpha, transposed(mat1) @ grad_output)"

ROW = Row(
    name="addmm",
    function=addmm,
    twin=torch.addmm,
    derivation=derivation,
    keeps=frozenset({"input 1", "input 2"}),
    samples=(
        Sample("three matrices", (randn(5, 2), randn(5, 3), randn(3, 2))),
        Sample("β and α", (randn(5, 2), randn(5, 3), randn(3, 2)), {"beta": 0.5, "alpha": -3.0}),
        Sample("square", (randn(3, 3), randn(3, 3, seed="A"), randn(3, 3, seed="B")), {"alpha": 2}),
        Sample("a bias for all rows", (randn(2), randn(5, 3), randn(3, 2)), {"beta": 2.0}),
        Sample("one for each row", (randn(5, 1), transposed(randn(5, 3)), transposed(randn(3, 2)))),
        Sample("one number", (randn(), randn(5, 3), randn(3, 2))),
        Sample(
            "β = 0 and NaN",
            (torch.full((5, 2), nan).double(), randn(5, 3), randn(3, 2)),
            {"beta": 0.0},
            smooth=False,
            finite=False,
        ),
        Sample("no examples", (randn(2), randn(0, 3), randn(3, 2))),
        Sample("nothing to sum", (randn(5, 2), randn(5, 0), randn(0, 2)), {"beta": 3.0}),
    ),
    mutants=(
        Mutant("β forgotten", GRAD_X, "unbroadcast(grad_output, ctx.input_shape)"),
        Mutant("α for β", GRAD_X, GRAD_X.replace("beta", "alpha")),
        Mutant("α forgotten for A", GRAD_A, "grad_output @ transposed(mat2)"),
        Mutant("α forgotten for B", GRAD_B, "transposed(mat1) @ grad_output"),
        Mutant("B not transposed", GRAD_A, "_times(alpha, grad_output @ mat2.reshape(mat2.mT.shape))"),
        Mutant("the bias not summed", GRAD_X, "_times(beta, grad_output)"),
        Mutant("upstream ignored", GRAD_B, "_times(alpha, transposed(mat1) @ torch.ones_like(grad_output))"),
        Mutant(
            "tangent of X without β",
            "_times(ctx.beta, input_tangent).expand(ctx.output_shape)",
            "input_tangent.expand(ctx.output_shape)",
        ),
    ),
    mistakes=(
        (
            lambda f: f.addmm(torch.zeros(2), torch.zeros(5, 3), torch.zeros(4, 2)),
            r"do not fit, got .*\(5, 3\) and mat2 \(4, 2\)",
        ),
        (
            lambda f: f.addmm(torch.zeros(5), torch.zeros(5, 3), torch.zeros(3, 2)),
            r"broadcasts to \(5, 2\), got input \(5,\)",
        ),
        (
            lambda f: f.addmm(torch.zeros(2), torch.zeros(3), torch.zeros(3, 2)),
            r"mat1 must be a matrix.*\(3,\)",
        ),
        (lambda f: f.addmm(torch.zeros(2), torch.zeros(5, 3), torch.zeros(3)), r"mat2 must be a matrix"),
        (
            lambda f: f.addmm(torch.zeros(2).double(), torch.zeros(5, 3), torch.zeros(3, 2)),
            "torch.float64, torch.float32",
        ),
        (lambda f: f.addmm(1.0, torch.zeros(5, 3), torch.zeros(3, 2)), "input must be a Tensor, got float"),
    ),
    drawn=Drawn(
        calls(
            "22 23 32 | 2 23 32 | - 23 32 | 21 23 32 | 2 03 32 | 22 20 02 | 3 23 32 | 22 23 22",
            beta=(0, 2.0, -0.5),
            alpha=(0, 2, -0.5),
        )
    ),
)
