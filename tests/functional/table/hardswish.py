"""What `hardswish` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.hardswish import hardswish
from tests.functional.drawn import NUMBERS, ONE, Drawn, calls
from tests.functional.samples import WITHOUT_NAN, Mutant, Row, Sample, indices, randn


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        x = float(z[at])
        grad[at] = grad_output[at] * (0.0 if x <= -3 else 1.0 if x >= 3 else (2 * x + 3) / 6)
    return (grad,)


BACK = "sloped(widen(grad_output), widen(z))"
RIGHT = "torch.threshold(-z, -3, -1.5)"
BETWEEN = "torch.rsub(until, 0.5, alpha=1 / 3)"
LEFT = "T.hardsigmoid(z)"

ROW = Row(
    name="hardswish",
    function=hardswish,
    twin=T.hardswish,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *WITHOUT_NAN,
        Sample("on all sides", (4 * randn(5, 3),)),
        Sample("at the kinks", (torch.tensor([-3.0, 3.0, 0.0]).double(),), smooth=False),
    ),
    mutants=(
        Mutant("the product rule's first term only", BETWEEN, BETWEEN.replace("1 / 3", "1 / 6")),
        Mutant("the hard sigmoid's slope", BETWEEN, "(1 / 6)"),
        Mutant("minus for plus", BETWEEN, BETWEEN.replace("0.5", "-0.5")),
        Mutant("no right side", RIGHT, "-z"),
        Mutant("slope 3/2 at 3", RIGHT, "torch.where(z > 3, -1.5, -z)"),
        Mutant("no left side", LEFT, "torch.ones_like(z)"),
        Mutant("slope −½ at −3", LEFT, "z >= -3"),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.hardswish([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.hardswish(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.hardswish(torch.zeros(2) + 0j), "got torch.complex64"),
        (lambda f: f.hardswish(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, NUMBERS), each_by_itself=True, flat="its slope is 0 at −1.5"),
)
