"""What `sum` is held to."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.reductions.sum import sum
from tests.functional.drawn import DIMS, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(
    grad_output: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> tuple[Tensor]:
    dims = (
        range(x.dim())
        if dim in (None, ())
        else [d % x.dim() for d in ((dim,) if isinstance(dim, int) else dim)]
    )
    n = 1
    for d in dims:
        n *= x.shape[d]
    grad = torch.zeros_like(x)
    for at in indices(x):
        place = [0 if d in dims else i for d, i in enumerate(at) if keepdim or d not in dims]
        grad[at] = grad_output[tuple(place)]
    return (grad,)


BACK = "return spread(grad_output, ctx).to(ctx.dtype), None, None, None"
SPREAD = "spread(grad_output, ctx)"

ROW = Row(
    name="sum",
    function=sum,
    twin=torch.sum,
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("over everything", (randn(5, 3),)),
        Sample("over the last dimension", (randn(5, 3),), {"dim": -1}),
        Sample("over two, kept", (transposed(randn(2, 3, 5)),), {"dim": (0, 2), "keepdim": True}),
        Sample("over one of two equal ones", (randn(3, 3),), {"dim": 0}),
        Sample("over an empty list: everything", (randn(5, 3),), {"dim": ()}),
        Sample("computed in float64", (randn(5, 3),), {"dim": 1, "dtype": torch.float64}),
        Sample("a number", (randn(),)),
        Sample("one element", (randn(1, 1),), {"dim": 1}),
        Sample("no classes", (randn(3, 0),), {"dim": 0}),
        Sample("expanded", (randn(3, 1).expand(3, 5),), {"dim": 0}, smooth=False),
        Sample(
            "infinities and NaN",
            (torch.tensor([[inf, 1.0], [nan, 1.0]]).double(),),
            {"dim": 1},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant("sign", BACK, BACK.replace(SPREAD, "(-1 * spread(grad_output, ctx))")),
        Mutant("upstream ignored", BACK, BACK.replace(SPREAD, "torch.ones_like(spread(grad_output, ctx))")),
        Mutant("detached", BACK, BACK.replace(SPREAD, "spread(grad_output, ctx).detach()")),
        Mutant("zero", BACK, BACK.replace(SPREAD, "(0 * spread(grad_output, ctx))")),
        Mutant(
            "upstream summed",
            BACK,
            BACK.replace(SPREAD, "(0 * spread(grad_output, ctx) + grad_output.sum())"),
        ),
        Mutant(
            "averaged", BACK, BACK.replace(SPREAD, "(spread(grad_output, ctx) / max(ctx.shape[-1:] or (2,)))")
        ),
        Mutant(
            "along the last dimension",
            "sorted(summed(ctx.dim, len(ctx.shape)))",
            "[-1] * len(summed(ctx.dim, len(ctx.shape)))",
        ),
    ),
    mistakes=(
        (lambda f: f.sum(torch.zeros(5, 3), 2), "got 2"),
        (lambda f: f.sum(torch.zeros(5, 3), (0, 0)), "multiple times|appears"),
        (lambda f: f.sum([1.0]), "must be.* Tensor, got list"),
    ),
    drawn=Drawn(
        calls(ONE, always={"dim": DIMS}, keepdim=(True, False), dtype=(None, torch.float64)) | calls(ONE)
    ),
)
