"""What `l1_loss` is held to."""

from collections.abc import Callable

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import REDUCTION, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(
    grad_output: Tensor, x: Tensor, t: Tensor, w: Tensor | None = None, reduction: str = "mean"
) -> tuple[Tensor, ...]:
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(x)
    weights = torch.ones_like(x) if w is None else w
    S = float(sum(weights[at] for at in indices(x))) if reduction == "mean" else 1.0
    out = sum(float(weights[at] * abs(x[at] - t[at])) for at in indices(x)) / S
    for at in indices(x):
        g = float(grad_output[at] if reduction == "none" else grad_output) / S
        grad_x[at] = g * weights[at] * ((x[at] > t[at]) * 1.0 - (x[at] < t[at]) * 1.0)
        grad_w[at] = g * (abs(x[at] - t[at]) - (out if reduction == "mean" else 0))
    return (grad_x, -grad_x) if w is None else (grad_x, -grad_x, grad_w)


def with_weight(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, t, w=None, **options: loss(x, t, weight=w, **options)


zeros = torch.zeros(5, 3)
SIGN = "sign = error.sgn_() if overwrites else error.sgn()"
SLOPE = "slope = scaled(sign, g if weight is None else g * widen(weight), overwrites)"
G = "g = grad_of_losses(widen(grad_output), ctx.reduction, divisor)"
SHARE = 'grad_weight = grad_weight - grad * weighted(losses, weight, "mean")'

ROW = Row(
    name="l1_loss",
    function=with_weight(F.l1_loss),
    twin=with_weight(T.l1_loss),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1", "input 2"}),
    samples=(
        *(
            Sample(
                f"{reduction}{', weighted' * weighted}", (x, t, *(w,) * weighted), {"reduction": reduction}
            )
            for reduction in ("mean", "sum", "none")
            for weighted in (False, True)
            for x, t, w in [(randn(5, 3), randn(5, 3, seed="t"), randn(5, 3, seed="w").abs())]
        ),
        Sample("numbers", (randn(), randn(seed="t"))),
        Sample("reversed and expanded", (transposed(randn(2, 5, 3)), randn(3).expand(2, 5, 3)), smooth=False),
        Sample("no examples", (randn(0, 3), randn(0, 3)), smooth=False),
        Sample("no examples, sum", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
        Sample("at the kink", (randn(5), randn(5) * torch.tensor([1, 0, 1, 2, 1])), smooth=False),
        Sample("±1e4", (1e4 * randn(5).sign(), randn(5)), smooth=False),
        Sample(
            "infinities and NaN",
            (torch.tensor([inf, -inf, 1.0, nan]).double(), torch.tensor([0.0, 0.0, inf, 0.0]).double()),
            {"reduction": "none"},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant("the error for its sign", SIGN, "sign = error"),
        Mutant("target minus prediction", SLOPE, SLOPE.replace("g if", "-g if").replace("else g", "else -g")),
        Mutant("weights left out", SLOPE, "slope = g * sign"),
        Mutant("1 at the target", SIGN, "sign = torch.where(error < 0, -1.0, 1.0)"),
        Mutant("forgotten mean", G, "g = widen(grad_output)"),
        Mutant("weighted mean over the number of losses", G, G.replace("divisor", "ctx.count")),
        Mutant("upstream ignored", G, G.replace("widen(grad_output)", "torch.ones_like(grad_output)")),
        Mutant("the target's sign", "back_to(like(target), -slope)", "back_to(like(target), slope)"),
        Mutant("divisor's share left out", SHARE, SHARE.replace("- grad *", "- 0 *"), file="_weighted_mean"),
        Mutant("divisor's share added", SHARE, SHARE.replace("- grad", "+ grad"), file="_weighted_mean"),
        Mutant("tangent without the sign", "moved + (widen(tangent) * slope).real", "moved + widen(tangent)"),
    ),
    mistakes=(
        (lambda f: f.l1_loss(zeros, zeros, reduction="avg"), "'none', 'mean' or 'sum', got 'avg'"),
        (lambda f: f.l1_loss(zeros, zeros, weight=torch.ones(3)), r"input, \(5, 3\), got \(3,\)"),
        (lambda f: f.l1_loss(zeros.long(), zeros.long()), "floating-point numbers, got torch.int64"),
        (lambda f: f.l1_loss(zeros.bool(), zeros), "numbers, got torch.bool and torch.float32"),
    ),
    adapt=with_weight,
    drawn=Drawn(calls("3 3 | 23 23 | - - | 03 03 | 11 11", reduction=(*REDUCTION, "avg"))),
)
