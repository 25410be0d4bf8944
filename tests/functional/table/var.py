"""What `var` is held to."""

import torch

from manual_backprop.functional.reductions.var import var
from tests.functional.deviations import DEVIATIONS, gradients_of_variance, mistakes_of
from tests.functional.drawn import DIMS, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row

GRAD = "spread(share, ctx) * differences(widen(x), ctx.dim)"
SHARE = "widen(grad_output) / (freedom(x, ctx.dim, ctx.correction) / 2)  #"
MEAN = "return x - x.mean(summed(dim, x.dim()), keepdim=True)"

ROW = Row(
    name="var",
    function=var,
    twin=torch.var,
    derivation=gradients_of_variance,
    keeps=frozenset({"input 0"}),
    samples=DEVIATIONS,
    mutants=(
        Mutant("2 forgotten", SHARE, SHARE.replace(" / 2", "")),
        Mutant("x for its difference", GRAD, "spread(share, ctx) * widen(x)"),
        Mutant("sign", GRAD, f"-{GRAD}"),
        Mutant("upstream ignored", SHARE, SHARE.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant(
            "the mean's own way taken twice",
            GRAD,
            f"{GRAD} + (spread(share, ctx) * widen(x)).mean(summed(ctx.dim, x.dim()), keepdim=True)",
        ),
        Mutant("the mean of all", MEAN, "return x - x.mean()"),
        Mutant(
            "divided by n",
            "max(n - correction, 0.0)",
            "max(n, 0.0)",
        ),
        Mutant(
            "squares less the mean's square",
            "differences(x, dim).square().sum(summed(dim, x.dim()), keepdim)",
            "x.square().sum(summed(dim, x.dim()), keepdim) - x.sum(summed(dim, x.dim()), keepdim)"
            " * x.mean(summed(dim, x.dim()), keepdim)",
        ),
        Mutant("x detached: second derivative lost", GRAD, GRAD.replace("widen(x)", "widen(x.detach())")),
    ),
    mistakes=mistakes_of("var"),
    drawn=Drawn(
        calls(ONE, dim=DIMS, keepdim=(True, False), correction=(0, 1, 0.5)),
        not_finite="of a single NaN the twin's slope is ∞",
    ),
)
