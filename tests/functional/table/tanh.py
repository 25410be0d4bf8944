"""What `tanh` is held to."""

import math

import torch
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def tanh(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        s, c = math.exp(z[at]) - math.exp(-z[at]), math.exp(z[at]) + math.exp(-z[at])
        grad[at] = grad_output[at] * (c * c - s * s) / c**2
    return (grad,)


GRAD_TANH = "return grad_output * ((1 - a) * (1 + a)).conj()"

ROW = Row(
    name="tanh",
    function=F.tanh,
    twin=torch.tanh,
    derivation=tanh,
    keeps=frozenset({"output"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("dropped minus", GRAD_TANH, GRAD_TANH.replace("return ", "return -")),
        Mutant("1 − a for 1 − a²", GRAD_TANH, "return grad_output * (1 - a)"),
        Mutant("1 + a² for 1 − a²", GRAD_TANH, "return grad_output * (1 + a * a)"),
        Mutant("the sigmoid's slope", GRAD_TANH, "return grad_output * a * (1 - a)"),
        Mutant("tanh′ of the activation", GRAD_TANH, "return grad_output * (1 - a.tanh() ** 2)"),
        Mutant("upstream ignored", GRAD_TANH, GRAD_TANH.replace("grad_output", "torch.ones_like(a)")),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
