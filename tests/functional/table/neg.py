"""What `neg` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.neg import neg
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = -1 * grad_output[at]
    return (grad,)


BACK = "return -grad_output"

ROW = Row(
    name="neg",
    function=neg,
    twin=torch.neg,
    derivation=derivation,
    keeps=frozenset(),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("sign", BACK, "return grad_output * 1"),
        Mutant("upstream ignored", BACK, "return -torch.ones_like(grad_output)"),
        Mutant("upstream used twice", BACK, "return -grad_output * grad_output"),
        Mutant("the size for the number", BACK, "return -grad_output.abs()"),
        Mutant("detached", BACK, "return -grad_output.detach()"),
        Mutant("averaged", BACK, "return -grad_output / max(grad_output.numel(), 1)"),
        Mutant("tangent's sign", "return -input_tangent", "return input_tangent * 1"),
    ),
    mistakes=(
        (lambda f: f.neg(torch.ones(5) > 0), "torch.bool|bool tensor"),
        (lambda f: f.neg(1.0), "must be.* Tensor, got float"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
