"""What `leaky_relu` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.leaky_relu import leaky_relu
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import AT_THE_KINK, ELEMENTWISE, Mutant, Row, Sample, indices, randn


def derivation(grad_output: Tensor, z: Tensor, negative_slope: float = 0.01) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] if z[at] > 0 else negative_slope * grad_output[at]
    return (grad,)


BACK = "widen(grad_output) * step(widen(kept), ctx.negative_slope)"

ROW = Row(
    name="leaky_relu",
    function=leaky_relu,
    twin=T.leaky_relu,
    derivation=derivation,
    keeps=frozenset({"output", "input 0"}),
    samples=(
        *ELEMENTWISE,
        AT_THE_KINK,
        Sample("another slope", (randn(5, 3),), {"negative_slope": 0.3}),
        Sample("no slope", (randn(5, 3),), {"negative_slope": 0.0}),
        Sample("a negative slope", (randn(5, 3),), {"negative_slope": -0.3}),
    ),
    mutants=(
        Mutant("ReLU's slope", BACK, BACK.replace("ctx.negative_slope", "0.0")),
        Mutant("exchanged", BACK, "widen(grad_output) * torch.where(kept > 0, ctx.negative_slope, 1.0)"),
        Mutant("slope 1 at 0", BACK, "widen(grad_output) * torch.where(kept >= 0, 1.0, ctx.negative_slope)"),
        Mutant("the sign of the upstream", BACK, BACK.replace("kept", "grad_output")),
        Mutant("the upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(kept)")),
        Mutant("the default for each slope", BACK, BACK.replace("ctx.negative_slope", "0.01")),
        Mutant(
            "the sign of the output for each slope",
            "output if ctx.negative_slope >= 0 else input",
            "output",
        ),
        Mutant("tangent without its slope", "widen(input_tangent) * step", "1 + 0 * step"),
    ),
    mistakes=(
        (lambda f: f.leaky_relu([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.leaky_relu(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.leaky_relu(torch.zeros(2) + 0j), "got torch.complex64"),
        (lambda f: f.leaky_relu(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, ANY, negative_slope=(0.3, 0.0, -0.3, 2)), each_by_itself=True),
)
