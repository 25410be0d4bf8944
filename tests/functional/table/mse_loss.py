"""What `mse_loss` is held to."""

from collections.abc import Callable

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import REDUCTION, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed


def mse_loss(
    grad_output: Tensor, x: Tensor, t: Tensor, w: Tensor | None = None, reduction: str = "mean"
) -> tuple[Tensor, ...]:
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(x)
    weights = torch.ones_like(x) if w is None else w
    S = float(sum(weights[at] for at in indices(x))) if reduction == "mean" else 1.0
    out = sum(float(weights[at] * (x[at] - t[at]) ** 2) for at in indices(x)) / S
    for at in indices(x):
        g = float(grad_output[at] if reduction == "none" else grad_output) / S
        grad_x[at] = 2 * g * weights[at] * (x[at] - t[at])
        grad_w[at] = g * ((x[at] - t[at]) ** 2 - (out if reduction == "mean" else 0))
    return (grad_x, -grad_x) if w is None else (grad_x, -grad_x, grad_w)


def with_weight(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, t, w=None, **options: loss(x, t, weight=w, **options)


MSE_LOSS = (
    *(
        Sample(f"{reduction}{', weighted' * weighted}", (x, t, *(w,) * weighted), {"reduction": reduction})
        for reduction in ("mean", "sum", "none")
        for weighted in (False, True)
        for x, t, w in [(randn(5, 3), randn(5, 3, seed="t"), randn(5, 3, seed="w").abs())]
    ),
    Sample("numbers", (randn(), randn(seed="t"))),
    Sample("reversed and expanded", (transposed(randn(2, 5, 3)), randn(3).expand(2, 5, 3)), smooth=False),
    Sample("no examples", (randn(0, 3), randn(0, 3)), smooth=False),
    Sample("no examples, sum", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
    Sample("±1e4", (1e4 * randn(5).sign(), randn(5)), smooth=False),
)


MSE_SLOPE = "slope = scaled(error, 2 * g if weight is None else 2 * g * widen(weight), overwrites)"
MSE_G = "g = grad_of_losses(widen(grad_output), ctx.reduction, divisor)"

ROW = Row(
    name="mse_loss",
    function=with_weight(F.mse_loss),
    twin=with_weight(T.mse_loss),
    derivation=mse_loss,
    keeps=frozenset({"input 0", "input 1", "input 2"}),
    samples=MSE_LOSS,
    mutants=(
        Mutant("factor 2 forgotten", MSE_SLOPE, MSE_SLOPE.replace("2 * g", "g")),
        Mutant("target minus prediction", MSE_SLOPE, MSE_SLOPE.replace("2 * g", "-2 * g")),
        Mutant("weights left out", MSE_SLOPE, "slope = 2 * g * error"),
        Mutant("the square for the error", MSE_SLOPE, MSE_SLOPE.replace("error", "error.square()")),
        Mutant("forgotten mean", MSE_G, "g = widen(grad_output)"),
        Mutant(
            "mean over the batch only",
            MSE_G,
            MSE_G.replace("divisor", "max((*error.shape, 1)[0], 1)"),
        ),
        Mutant("the target's sign", "back_to(like(target), -slope)", "back_to(like(target), slope)"),
    ),
    adapt=with_weight,
    drawn=Drawn(
        calls("3 3 | 23 23 | - - | 03 03 | 23 23 23 | 11 11", reduction=(*REDUCTION, "avg")),
        not_finite="the smallest numbers, divided by n before the factor ∞, are 0 to the twin",
    ),
)
