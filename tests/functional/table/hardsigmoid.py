"""What `hardsigmoid` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.hardsigmoid import hardsigmoid
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, Sample, indices, randn


def twin(z: Tensor) -> Tensor:
    """T.hardsigmoid itself takes a float32 number for 1/6, in float64 too, and has no second derivative."""
    return torch.where(z.isnan(), z.detach(), T.relu6(z + 3)) / 6


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] / 6 if -3 < z[at] < 3 else 0.0
    return (grad,)


BACK = "return gate(grad_output / 6, (a > 0) & (a < 1))"

ROW = Row(
    name="hardsigmoid",
    function=hardsigmoid,
    twin=twin,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=(
        *ELEMENTWISE,
        Sample("on all sides", (4 * randn(5, 3),)),
        Sample("at the kinks", (torch.tensor([-3.0, 3.0, 0.0]).double(),), smooth=False),
    ),
    mutants=(
        Mutant("a third", BACK, BACK.replace("/ 6", "/ 3")),
        Mutant("everywhere", BACK, "return grad_output / 6"),
        Mutant("no right side", BACK, BACK.replace(" & (a < 1)", "")),
        Mutant("no left side", BACK, BACK.replace("(a > 0) & ", "")),
        Mutant("1/6 at −3", BACK, BACK.replace("a > 0", "a >= 0")),
        Mutant("1/6 at 3", BACK, BACK.replace("a < 1", "a <= 1")),
        Mutant("the sigmoid's slope", BACK, "return grad_output * a * (1 - a)"),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "(1 + 0 * grad_output)")),
        Mutant(
            "tangent everywhere",
            "return (input_tangent / 6).where((a > 0) & (a < 1), 0)",
            "return input_tangent / 6",
        ),
    ),
    mistakes=(
        (lambda f: f.hardsigmoid([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.hardsigmoid(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.hardsigmoid(torch.zeros(2) + 0j), "got torch.complex64"),
        (lambda f: f.hardsigmoid(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
