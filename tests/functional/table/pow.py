"""What `pow` is held to."""

import math

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.pow import pow
from tests.functional.drawn import ANY, TWO, Drawn, calls
from tests.functional.pairs import broadcast_loop
from tests.functional.samples import Mutant, Row, Sample, randn, strided, transposed


def derivation(grad_output: Tensor, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return broadcast_loop(lambda x, t: (t * x ** (t - 1), x**t * math.log(x)), grad_output, x, t)


GRAD_X = "back_to(ctx.like[0], along_base(grad_output, conj(x), conj(p)))"
GRAD_P = "grad_output * conj(y * _log(x, p))"
BASE = "(g * (p * x ** (p - 1))).masked_fill_(p == 0, 0)"
ABOVE_0 = randn(5, 3).abs(), randn(5, 3, seed="p")

ROW = Row(
    name="pow",
    function=pow,
    twin=torch.pow,
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1", "output"}),
    samples=(
        Sample("two matrices", ABOVE_0),
        Sample("a column and a row", (randn(5, 1).abs(), randn(3))),
        Sample("reversed strides", (transposed(randn(5, 3)).abs(), strided(randn(3)))),
        Sample("two numbers", (randn().abs(), randn(seed="p"))),
        Sample("no examples", (randn(0, 3), randn(3))),
        Sample(
            "zeros",
            (torch.tensor([0.0, 0.0, 0.0, 2.0]).double(), torch.tensor([0.0, 2.0, 1.0, 0.0]).double()),
            smooth=False,
        ),
        Sample(
            "±1e4", (torch.tensor([1e4, 1e-4]).double(), torch.tensor([2.0, -2.0]).double()), smooth=False
        ),
    ),
    mutants=(
        Mutant("exponent not lowered", BASE, BASE.replace("(p - 1)", "p")),
        Mutant("p forgotten", BASE, BASE.replace("p * x", "x")),
        Mutant("0 · ∞ at p = 0", BASE, "g * (p * x ** (p - 1))"),
        Mutant("sign", GRAD_X, GRAD_X.replace("grad_output", "-grad_output")),
        Mutant("log forgotten", GRAD_P, "grad_output * conj(y)"),
        Mutant("y forgotten", GRAD_P, "grad_output * conj(_log(x, p))"),
        Mutant("upstream ignored", GRAD_P, "torch.ones_like(grad_output) * conj(y * _log(x, p))"),
        Mutant("tangent of the base only", "exponent_tangent * y * _log(x, p)", "0 * exponent_tangent * y"),
    ),
    mistakes=(
        (lambda f: f.pow(torch.zeros(5, 3), torch.zeros(5)), r"size of tensor a \(3\).*\(5\)"),
        (lambda f: f.pow([1.0], torch.zeros(5)), "list"),
        (lambda f: f.pow(2, 3), "int"),
    ),
    drawn=Drawn(calls(TWO, ANY), each_by_itself=True),
)
