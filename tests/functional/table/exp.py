"""What `exp` is held to."""

import math

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.exp import exp
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[at] * math.exp(x[at])
    return (grad,)


BACK = "return grad_output * y.conj()"

ROW = Row(
    name="exp",
    function=exp,
    twin=torch.exp,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("sign", BACK, "return -grad_output * y.conj()"),
        Mutant("e^x − 1", BACK, "return grad_output * (y - 1)"),
        Mutant("the output's own exponential", BACK, "return grad_output * y.exp()"),
        Mutant("slope forgotten", BACK, "return grad_output * 1"),
        Mutant("upstream ignored", BACK, "return y * 1"),
        Mutant("y detached: second derivative lost", BACK, "return grad_output * y.detach()"),
        Mutant("the logarithm's slope", BACK, "return grad_output / y"),
        Mutant("tangent without its slope", "return input_tangent * y", "return input_tangent * 1"),
    ),
    mistakes=((lambda f: f.exp([1.0]), "must be.* Tensor, got list"),),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
