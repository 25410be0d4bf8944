"""What `linear_sigmoid` is held to."""

import torch
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import LAYERS, Drawn, calls
from tests.functional.samples import Mutant, Row
from tests.functional.table.linear import LINEAR, linear, weighted_sums
from tests.functional.table.linear_relu import after_linear
from tests.functional.table.sigmoid import sigmoid


def linear_sigmoid(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    return linear(*sigmoid(grad_output, weighted_sums(x, W, b)), x, W, b)


SLOPE_OF_A = "slope = widen(a) * (1 - widen(a))"
PULLED = "narrow(widen(grad_output) * slope, a.dtype)"

ROW = Row(
    name="linear_sigmoid",
    function=F.linear_sigmoid,
    twin=after_linear(torch.sigmoid),
    derivation=linear_sigmoid,
    keeps=frozenset({"input 0", "input 1", "output"}),
    samples=tuple(sample for sample in LINEAR if sample.name != "leading dimensions"),
    mutants=(
        Mutant("1 − a forgotten", SLOPE_OF_A, "slope = widen(a)"),
        Mutant("a forgotten", SLOPE_OF_A, "slope = 1 - widen(a)"),
        Mutant("σ′ of the activation", SLOPE_OF_A, "slope = a.sigmoid() * (1 - a.sigmoid())"),
        Mutant("tanh's slope", SLOPE_OF_A, "slope = (1 - a) * (1 + a)"),
        Mutant("dropped minus", PULLED, f"-{PULLED}"),
        Mutant("upstream ignored", PULLED, PULLED.replace("widen(grad_output) * ", "")),
    ),
    drawn=Drawn(calls(LAYERS)),
)
