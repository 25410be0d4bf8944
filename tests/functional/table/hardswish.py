"""What `hardswish` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.hardswish import hardswish
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, Sample, indices, randn


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        x = float(z[at])
        grad[at] = grad_output[at] * (0.0 if x <= -3 else 1.0 if x >= 3 else (2 * x + 3) / 6)
    return (grad,)


BACK = "sloped(widen(grad_output), widen(z))"
BETWEEN = "torch.where(z < 3, g * (z / 3 + 0.5), g)"
LEFT = "return between.masked_fill(z <= -3, 0)"

ROW = Row(
    name="hardswish",
    function=hardswish,
    twin=T.hardswish,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *ELEMENTWISE,
        Sample("on all sides", (4 * randn(5, 3),)),
        Sample("at the kinks", (torch.tensor([-3.0, 3.0, 0.0]).double(),), smooth=False),
    ),
    mutants=(
        Mutant("the product rule's first term only", BETWEEN, BETWEEN.replace("z / 3", "z / 6")),
        Mutant("the hard sigmoid's slope", BETWEEN, BETWEEN.replace("(z / 3 + 0.5)", "1 / 6")),
        Mutant("minus for plus", BETWEEN, BETWEEN.replace("+ 0.5", "- 0.5")),
        Mutant("no right side", BETWEEN, "g * (z / 3 + 0.5)"),
        Mutant("slope 3/2 at 3", BETWEEN, BETWEEN.replace("z < 3", "z <= 3")),
        Mutant("no left side", LEFT, "return between"),
        Mutant("slope −½ at −3", LEFT, LEFT.replace("<=", "<")),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.hardswish([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.hardswish(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.hardswish(torch.zeros(2) + 0j), "got torch.complex64"),
        (lambda f: f.hardswish(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True, flat="its slope is 0 at −1.5"),
)
