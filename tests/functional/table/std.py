"""What `std` is held to."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.reductions.std import std
from tests.functional.deviations import DEVIATIONS, gradients_of_variance, mistakes_of
from tests.functional.drawn import DIMS, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, randn


def derivation(grad_output: Tensor, x: Tensor, **options: Any) -> tuple[Tensor]:
    s = torch.std(x, **options)
    return gradients_of_variance(grad_output.where(s != 0, 0) / (2 * s.where(s != 0, 1)), x, **options)


SHARE = "over(widen(grad_output), widen(s)) / freedom(x, ctx.dim, ctx.correction)"

ROW = Row(
    name="std",
    function=std,
    twin=torch.std,
    derivation=derivation,
    keeps=frozenset({"input 0", "output"}),
    samples=(
        *DEVIATIONS,
        Sample("differences whose squares float32 cannot hold", (1e-25 * randn(5),), smooth=False),
        Sample(
            "at the kink, all equal",
            (torch.tensor([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0]]).double(),),
            {"dim": 1},
            smooth=False,
        ),
    ),
    mutants=(
        Mutant("the variance's slope", SHARE, "2 * widen(grad_output) / freedom(x, ctx.dim, ctx.correction)"),
        Mutant("a factor of 2", SHARE, f"2 * {SHARE}"),
        Mutant(
            "times s", SHARE, SHARE.replace("over(widen(grad_output), widen(s))", "widen(grad_output * s)")
        ),
        Mutant("correction forgotten", SHARE, SHARE.replace("ctx.correction", "0")),
        Mutant("0/0 where all are equal", "value / T.threshold(s, 0.0, math.inf)", "value / s"),
        Mutant(
            "x for its difference",
            "spread(share, ctx) * differences(widen(x), ctx.dim)",
            "spread(share, ctx) * widen(x)",
        ),
        Mutant("upstream ignored", SHARE, SHARE.replace("widen(grad_output)", "torch.ones_like(widen(s))")),
        Mutant("s detached: second derivative lost", SHARE, SHARE.replace("widen(s)", "widen(s.detach())")),
    ),
    mistakes=mistakes_of("std"),
    drawn=Drawn(
        calls(ONE, dim=DIMS, keepdim=(True, False), correction=(0, 1, 0.5)),
        not_finite="in float64 the twin squares differences of any size; for one number see var",
        finite_upstream="at the kink the twin's 0 · ∞ is 0",
    ),
)
