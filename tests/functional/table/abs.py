"""What `abs` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.abs import abs
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import AT_THE_KINK, ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[at] if x[at] > 0 else -grad_output[at] if x[at] < 0 else 0
    return (grad,)


GRAD = "return grad_output * x.sgn()"

ROW = Row(
    name="abs",
    function=abs,
    twin=torch.abs,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(*ELEMENTWISE, AT_THE_KINK),
    mutants=(
        Mutant("no sign", GRAD, "return grad_output"),
        Mutant("the wrong sign", GRAD, "return -grad_output * x.sgn()"),
        Mutant("1 at 0", GRAD, "return grad_output.where(x >= 0, -grad_output)"),
        Mutant("0 to the left of 0", GRAD, "return grad_output * (x > 0)"),
        Mutant("x for its sign", GRAD, "return grad_output * x"),
        Mutant("upstream ignored", GRAD, "return 0 * grad_output + x.sgn()"),
        Mutant(
            "tangent without the sign",
            "return (input_tangent * x.sgn().conj()).real",
            "return input_tangent",
        ),
    ),
    mistakes=(
        (lambda f: f.abs(torch.zeros(5) > 0), "expected numbers, got torch.bool"),
        (lambda f: f.abs(1.0), "input must be a Tensor, got float"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
