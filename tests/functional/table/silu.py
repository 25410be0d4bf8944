"""What `silu` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.silu import silu
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        x, u = float(z[at]), 1 + math.exp(-z[at])
        grad[at] = grad_output[at] * (1 / u + x * math.exp(-x) / u**2)  # σ + z σ′
    return (grad,)


BACK = "grad_input = widen(grad_output) * slope(widen(z)).conj()"
SLOPE = "return torch.addcmul(s, z * s, 1 - s)"

ROW = Row(
    name="silu",
    function=silu,
    twin=T.silu,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("the product rule's first term only", SLOPE, "return s"),
        Mutant("the second only", SLOPE, "return z * s * (1 - s)"),
        Mutant("the sigmoid's slope", SLOPE, "return s * (1 - s)"),
        Mutant("σ for 1 − σ", SLOPE, SLOPE.replace("1 - s", "s")),
        Mutant("minus for plus", SLOPE, SLOPE.replace("z * s", "-z * s")),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("upstream used twice", BACK, BACK.replace("widen(grad_output)", "widen(grad_output) ** 2")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.silu([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.silu(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.silu(torch.zeros(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True, flat="its slope is 0 at −1.28"),
)
