"""What `rsqrt` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.arithmetic.rsqrt import rsqrt
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.positive import POSITIVE
from tests.functional.samples import Mutant, Row, indices


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[at] * -0.5 * x[at].item() ** -1.5
    return (grad,)


SLOPE = "return -0.5 * y * y * y"
GRAD = "widen(grad_output) * slope(widen(y)).conj()"

ROW = Row(
    name="rsqrt",
    function=rsqrt,
    twin=torch.rsqrt,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=POSITIVE,
    mutants=(
        Mutant("½ forgotten", SLOPE, "return -y * y * y"),
        Mutant("the minus dropped", SLOPE, "return 0.5 * y * y * y"),
        Mutant("y² for y³", SLOPE, "return -0.5 * y * y"),
        Mutant("the root's slope", GRAD, "widen(grad_output) * 0.5 * widen(y)"),
        Mutant("upstream ignored", GRAD, "torch.ones_like(widen(grad_output)) * slope(widen(y))"),
        Mutant("y detached: second derivative lost", SLOPE, "return -0.5 * y * y * y.detach()"),
    ),
    mistakes=((lambda f: f.rsqrt(1.0), "input must be a Tensor, got float"),),
    drawn=Drawn(
        calls(ONE, ANY),
        each_by_itself=True,
        not_finite="the twin's r³ overflows where g r³ does not, and 0 · ∞ is NaN",
    ),
)
