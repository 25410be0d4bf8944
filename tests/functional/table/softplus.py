"""What `softplus` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.softplus import softplus
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, Sample, indices, randn


def derivation(grad_output: Tensor, z: Tensor, beta: float = 1.0, threshold: float = 20.0) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        e = math.exp(beta * z[at])
        grad[at] = grad_output[at] * (1.0 if beta * z[at] > threshold else e / (1 + e))
    return (grad,)


BACK = "grad_input = widen(grad_output) * slope(widen(z), ctx.beta, ctx.threshold)"
SLOPE = "slope = torch.sigmoid(scaled)"
ABOVE = "return slope.masked_fill(scaled > threshold, 1)"

ROW = Row(
    name="softplus",
    function=softplus,
    twin=T.softplus,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *ELEMENTWISE,
        Sample("sharper", (randn(5, 3),), {"beta": 3}),
        Sample("a negative β", (randn(5, 3),), {"beta": -2.0}),
        Sample("some above the threshold", (randn(5, 3),), {"beta": 2.0, "threshold": 1}),
        Sample("at the threshold", (torch.tensor([0.5, 1.0]).double(),), {"threshold": 0.5}, smooth=False),
    ),
    mutants=(
        Mutant("β once too often", SLOPE, SLOPE.replace("= ", "= beta * ")),
        Mutant("β forgotten", SLOPE, SLOPE.replace("sigmoid(scaled", "sigmoid(z")),
        Mutant("the sigmoid's slope", BACK, BACK.replace("slope(", "(lambda s: s * (1 - s))(slope(") + ")"),
        Mutant("σ(−βz)", SLOPE, SLOPE.replace("sigmoid(", "sigmoid(-")),
        Mutant("no threshold", ABOVE, "return slope"),
        Mutant("the threshold of z", ABOVE, ABOVE.replace("fill(scaled", "fill(z")),
        Mutant("slope 1 at the threshold", ABOVE, ABOVE.replace(">", ">=")),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.softplus([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.softplus(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.softplus(torch.zeros(2) + 0j), "got torch.complex64"),
    ),
    drawn=Drawn(calls(ONE, ANY, beta=(3, -2.0, 0.5), threshold=(1, 0.5, 1000.0)), each_by_itself=True),
)
