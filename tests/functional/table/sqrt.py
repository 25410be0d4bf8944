"""What `sqrt` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.sqrt import sqrt
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.positive import POSITIVE
from tests.functional.samples import Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[at] * 0.5 * x[at].item() ** -0.5
    return (grad,)


GRAD = "return grad_output / (2 * y).conj()"

ROW = Row(
    name="sqrt",
    function=sqrt,
    twin=torch.sqrt,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=POSITIVE,
    mutants=(
        Mutant("2 forgotten", GRAD, "return grad_output / y"),
        Mutant("times y", GRAD, "return grad_output * y / 2"),
        Mutant("y for x", GRAD, "return grad_output / (2 * y.sqrt())"),
        Mutant("sign", GRAD, "return -grad_output / (2 * y)"),
        Mutant("upstream ignored", GRAD, "return torch.ones_like(grad_output) / (2 * y)"),
        Mutant("something small in the root's place", GRAD, "return grad_output / (2 * y + 1e-3)"),
        Mutant("y detached: second derivative lost", GRAD, "return grad_output / (2 * y.detach())"),
    ),
    mistakes=((lambda f: f.sqrt(1.0), "input must be a Tensor, got float"),),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
