"""What `elu` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.elu import elu
from tests.functional.drawn import NUMBERS, ONE, Drawn, calls
from tests.functional.samples import AT_THE_KINK, WITHOUT_NAN, Mutant, Row, Sample, indices, randn


def derivation(grad_output: Tensor, z: Tensor, alpha: float = 1.0) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] * (1.0 if z[at] > 0 else alpha * math.exp(z[at]))
    return (grad,)


BACK = "sloped(widen(grad_output), widen(z), ctx.alpha)"
SLOPE = "slope = z.clamp(max=0).exp()"
TIMES_STEP = "slope * step(z, alpha)"

ROW = Row(
    name="elu",
    function=elu,
    twin=T.elu,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *WITHOUT_NAN,
        AT_THE_KINK,
        Sample("another α", (randn(5, 3),), {"alpha": 0.3}),
        Sample("another α at the kink", AT_THE_KINK.inputs, {"alpha": 0.3}, smooth=False),
        Sample("a negative α", (randn(5, 3),), {"alpha": -0.3}),
        Sample("far away", (torch.tensor([-20.0, 1e3]).double(),)),
    ),
    mutants=(
        Mutant("α forgotten", TIMES_STEP, "slope * step(z, 1)"),
        Mutant("the value for the slope", SLOPE, SLOPE.replace(".exp()", ".expm1()")),
        Mutant("e⁻ᶻ for e^z", SLOPE, SLOPE.replace("z.clamp", "(-z).clamp")),
        Mutant("exchanged", SLOPE, SLOPE.replace("max=", "min=")),
        Mutant("slope 1 at 0", TIMES_STEP, "slope * torch.where(z < 0, alpha, 1)"),
        Mutant("ReLU's slope", SLOPE, "slope = step(z, 0)"),
        Mutant("e^z overflows in the second derivative", SLOPE, SLOPE.replace(".clamp(max=0)", "")),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.elu([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.elu(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.elu(torch.zeros(2) + 0j), "got torch.complex64"),
        (lambda f: f.elu(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, NUMBERS, alpha=(0.3, -0.3, 0.0, 2)), each_by_itself=True),
)
