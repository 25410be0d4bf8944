"""What `softsign` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import AT_THE_KINK, ELEMENTWISE, Mutant, Row, Sample, indices, nan


def derivation(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        x = float(z[at])
        sign = (x > 0) - (x < 0)
        grad[at] = grad_output[at] * ((1 + abs(x)) - x * sign) / (1 + abs(x)) ** 2  # the quotient rule
    return (grad,)


BACK = "return narrow(sloped(widen(grad_output), widen(z)), z.dtype)"
SLOPED = "return g / d / d"

ROW = Row(
    name="softsign",
    function=F.softsign,
    twin=T.softsign,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *(sample for sample in ELEMENTWISE if sample.finite),
        AT_THE_KINK,
        Sample("NaN", (torch.tensor([nan, 1.0]).double(),), smooth=False, finite=False),
    ),
    mutants=(
        Mutant("|z| taken for a constant", SLOPED, "return g / d"),
        Mutant("one factor too many", SLOPED, "return g / d / d / d"),
        Mutant("sign(z) forgotten: 1 + |z| − z", SLOPED, "return g * (d - z) / d / d"),
        Mutant("the sign of |z|'s part", SLOPED, "return g * (d + z.abs()) / d / d"),
        Mutant("1 − a² for (1 − |a|)²", SLOPED, "return g * (1 - (z / d) ** 2)"),
        Mutant("0 at the kink", SLOPED, "return (g / d / d).masked_fill(z == 0, 0)"),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("upstream used twice", BACK, BACK.replace("widen(grad_output)", "widen(grad_output) ** 2")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
        Mutant("tangent without its slope", "sloped(widen(input_tangent), widen(z))", "widen(input_tangent)"),
    ),
    mistakes=((lambda f: f.softsign(torch.zeros(2).bool()), "abs|got torch.bool"),),
    drawn=Drawn(
        calls(ONE, ANY),
        each_by_itself=True,
        not_finite="of ∞ the twin makes ∞/∞",
        flat="the twin's gradient is a difference of two quotients, which cancels for large z",
    ),
)
