"""What `log` is held to."""

from dataclasses import replace

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.log import log
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[at] / x[at]
    return (grad,)


BACK = "return grad_output / x.conj()"
ABOVE_0 = tuple(replace(s, inputs=(s.inputs[0].abs(),)) for s in ELEMENTWISE)

ROW = Row(
    name="log",
    function=log,
    twin=torch.log,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=ABOVE_0,
    mutants=(
        Mutant("sign", BACK, "return -grad_output / x.conj()"),
        Mutant("times for divided by", BACK, "return grad_output * x.conj()"),
        Mutant("the logarithm's own inverse", BACK, "return grad_output / x.log()"),
        Mutant("slope forgotten", BACK, "return grad_output * 1"),
        Mutant("upstream ignored", BACK, "return 1 / x"),
        Mutant("x detached: second derivative lost", BACK, "return grad_output / x.detach()"),
        Mutant("the logarithm to base 2", BACK, "return grad_output / x / 0.6931471805599453"),
        Mutant("tangent without its slope", "return input_tangent / x", "return input_tangent * 1"),
    ),
    mistakes=((lambda f: f.log([1.0]), "must be.* Tensor, got list"),),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
