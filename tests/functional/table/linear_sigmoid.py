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


SLOPE_OF_A = "torch.mul(slope, wide, out=over)"
PULLED = "linear_backward(ctx, narrow(delta, a.dtype))"

ROW = Row(
    name="linear_sigmoid",
    function=F.linear_sigmoid,
    twin=after_linear(torch.sigmoid),
    derivation=linear_sigmoid,
    keeps=frozenset({"input 0", "input 1", "output"}),
    samples=tuple(sample for sample in LINEAR if sample.name != "leading dimensions"),
    mutants=(
        Mutant("1 − a forgotten", SLOPE_OF_A, "(wide * 1)"),
        Mutant("a forgotten", SLOPE_OF_A, "slope"),
        Mutant("σ′ of the activation", "wide = widen(a)", "wide = widen(a).sigmoid()"),
        Mutant("tanh's slope", SLOPE_OF_A, "(slope * (1 + wide))"),
        Mutant("dropped minus", PULLED, PULLED.replace("narrow(", "-narrow(")),
        Mutant("upstream ignored", "1 - wide, widen(grad_output)", "1 - wide, torch.ones_like(wide)"),
    ),
    drawn=Drawn(calls(LAYERS)),
)
