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


BACK = "widen(grad_output) * torch.sigmoid(-widen(z))"

ROW = Row(
    name="logsigmoid",
    function=F.logsigmoid,
    twin=T.logsigmoid,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("σ for 1 − σ", BACK, BACK.replace("-widen", "widen")),
        Mutant("the sign", BACK, BACK.replace("* ", "* -")),
        Mutant(
            "1 − z: the input taken for σ", BACK, BACK.replace("torch.sigmoid(-widen(z))", "(1 - widen(z))")
        ),
        Mutant(
            "1/σ: the sigmoid's slope forgotten", BACK, BACK.replace("* ", "/ ").replace("-widen", "widen")
        ),
        Mutant("σ (1 − σ): the logarithm forgotten", BACK, BACK + " * torch.sigmoid(widen(z))"),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("upstream used twice", BACK, BACK.replace("widen(grad_output)", "widen(grad_output) ** 2")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
        Mutant(
            "tangent without its slope",
            "widen(input_tangent) * torch.sigmoid(-widen(z))",
            "widen(input_tangent)",
        ),
    ),
    mistakes=(
        (lambda f: f.logsigmoid([1.0]), "must be.* Tensor, (got|not) list"),
        (lambda f: f.logsigmoid(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.logsigmoid(torch.zeros(2) + 0j), "got torch.complex64"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
