"""What `logsigmoid` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] * (1 - 1 / (1 + math.exp(-z[at])))  # 1 − σ(z)
    return (grad,)


BACK = "grad_input = widen(grad_output) * -torch.expm1(widen(a))"

ROW = Row(
    name="logsigmoid",
    function=F.logsigmoid,
    twin=T.logsigmoid,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("σ for 1 − σ", BACK, BACK.replace("-torch.expm1(", "torch.exp(")),
        Mutant("e^a − 1: the sign", BACK, BACK.replace("-torch.expm1", "torch.expm1")),
        Mutant(
            "1 − a: the output taken for σ", BACK, BACK.replace("-torch.expm1(widen(a))", "(1 - widen(a))")
        ),
        Mutant("1/σ: the sigmoid's slope forgotten", BACK, BACK.replace("-torch.expm1(", "torch.exp(-")),
        Mutant("σ (1 − σ): the logarithm forgotten", BACK, BACK.replace("* -", "* torch.exp(widen(a)) * -")),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(a)")),
        Mutant("upstream used twice", BACK, BACK.replace("widen(grad_output)", "widen(grad_output) ** 2")),
        Mutant("a detached: second derivative lost", BACK, BACK.replace("widen(a)", "widen(a.detach())")),
        Mutant("tangent without its slope", "-torch.expm1(widen(a)) * widen(input_", "widen(input_"),
    ),
    mistakes=(
        (lambda f: f.logsigmoid([1.0]), "must be.* Tensor, (got|not) list"),
        (lambda f: f.logsigmoid(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.logsigmoid(torch.zeros(2) + 0j), "got torch.complex64"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
