"""What `huber_loss` and `smooth_l1_loss` are held to."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import REDUCTION, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(
    grad_output: Tensor,
    x: Tensor,
    t: Tensor,
    w: Tensor | None = None,
    reduction: str = "mean",
    delta: float = 1.0,
    beta: float | None = None,
) -> tuple[Tensor, ...]:
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(x)
    bend = delta if beta is None else beta
    for at in indices(x):
        g = float(grad_output[at] if reduction == "none" else grad_output)
        g = g / x.numel() if reduction == "mean" else g
        g = g if beta is None or beta == 0 else g / beta
        e = float(x[at] - t[at])
        if abs(e) <= bend:
            slope, loss = e, e * e / 2
        else:
            slope, loss = (bend if e > 0 else -bend), bend * (abs(e) - bend / 2)
        if beta == 0:
            slope = (e > 0) - (e < 0)
        grad_x[at] = g * slope * (1.0 if w is None else float(w[at]))
        grad_w[at] = g * loss
    return (grad_x, -grad_x) if w is None else (grad_x, -grad_x, grad_w)


def either(huber: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Huber's loss, or with `beta` the smooth one of the same module, which may be a copy with a mistake."""
    smooth = huber.__globals__["smooth_l1_loss"]  # type: ignore[attr-defined]

    def loss(x: Tensor, t: Tensor, w: Tensor | None = None, **options: Any) -> Tensor:
        return smooth(x, t, **options) if "beta" in options else huber(x, t, weight=w, **options)

    return loss


x, t, w = 2 * randn(5, 3), randn(5, 3, seed="t"), randn(5, 3, seed="w").abs()
zeros = torch.zeros(5, 3)
INFINITE = (torch.tensor([inf, -inf, 1.0, nan]).double(), torch.tensor([0.0, 0.0, inf, 0.0]).double())
LARGE = (1e4 * randn(5).sign(), randn(5))

SLOPE = "slope = scaled(over(c, ctx.beta), g if weight is None else g * widen(weight), overwrites)"
G = "g = grad_of_losses(widen(grad_output), ctx.reduction, ctx.count)"
GRAD_W = "g * value(error, c, ctx.beta)"
CLIP = "(error.clamp_ if overwrites else error.clamp)(-ctx.delta, ctx.delta)"

ROW = Row(
    name="huber_loss",
    function=either(F.huber_loss),
    twin=either(T.huber_loss),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1", "input 2"}),
    samples=(
        *(
            Sample(
                f"{reduction}{', weighted' * weighted}", (x, t, *(w,) * weighted), {"reduction": reduction}
            )
            for reduction in ("mean", "sum", "none")
            for weighted in (False, True)
        ),
        *(Sample(f"δ = {delta}", (x, t), {"delta": delta}) for delta in (0.3, 2, 100.0, inf)),
        *(
            Sample(f"β = {beta}, {reduction}", (x, t), {"beta": beta, "reduction": reduction})
            for beta in (0, 0.3, 1.0, 2.0)
            for reduction in ("mean", "none")
        ),
        Sample("β = ∞", (x, t), {"beta": inf}),
        Sample("numbers", (randn(), randn(seed="t")), {"delta": 0.5}),
        Sample("reversed and expanded", (transposed(randn(2, 5, 3)), randn(3).expand(2, 5, 3)), smooth=False),
        Sample("no examples", (randn(0, 3), randn(0, 3)), smooth=False),
        Sample("no examples, sum", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
        Sample(
            "at the kinks",
            (torch.tensor([0.5, -0.5, 0.0]).double(), zeros[0].double()),
            {"delta": 0.5},
            False,
        ),
        Sample("±1e4", LARGE, smooth=False),
        Sample("±1e4, smooth", LARGE, {"beta": 1e-3}, smooth=False),
        Sample("infinities and NaN", INFINITE, {"reduction": "none"}, smooth=False, finite=False),
        Sample(
            "infinities, smooth", INFINITE, {"reduction": "none", "beta": 0.5}, smooth=False, finite=False
        ),
    ),
    mutants=(
        Mutant("never clipped", CLIP, "error"),
        Mutant("clipped at 1", CLIP, CLIP.replace("-ctx.delta, ctx.delta", "-1, 1")),
        Mutant("clipped from above only", CLIP, CLIP.replace("-ctx.delta, ", "max=")),
        Mutant("the sign everywhere", CLIP, "error.sgn()"),
        Mutant("no gradient from an outlier", CLIP, "error * (error.abs() <= ctx.delta)"),
        Mutant("factor 2, as without the 1/2", SLOPE, SLOPE.replace("over(c", "2 * over(c")),
        Mutant("not divided by β", SLOPE, SLOPE.replace("over(c, ctx.beta)", "c")),
        Mutant("weights left out", SLOPE, "slope = g * over(c, ctx.beta)"),
        Mutant("the target's sign", "back_to(like(target), -slope)", "back_to(like(target), slope)"),
        Mutant("the square for the weight's gradient", GRAD_W, "g * error.square() / 2"),
        Mutant("forgotten mean", G, "g = widen(grad_output)"),
        Mutant(
            "mean over the weights",
            G,
            G.replace("ctx.count", "ctx.count if weight is None else weight.sum()"),
        ),
        Mutant("upstream ignored", G, G.replace("widen(grad_output)", "torch.ones_like(grad_output)")),
    ),
    mistakes=(
        (lambda f: f.huber_loss(zeros, zeros, reduction="avg"), "'none', 'mean' or 'sum', got 'avg'"),
        (lambda f: f.huber_loss(zeros, zeros, delta=0.0), "greater than 0, got 0.0"),
        (lambda f: f.huber_loss(zeros, zeros, delta=nan), "greater than 0, got nan"),
        (lambda f: f.huber_loss(zeros, zeros, delta="1"), "str"),
        (lambda f: f.huber_loss(zeros, zeros, weight=torch.ones(3)), r"input, \(5, 3\), got \(3,\)"),
        (lambda f: f.huber_loss(zeros.long(), zeros), "got torch.int64 and torch.float32"),
        (lambda f: f.huber_loss(zeros.long(), zeros.long()), "floating-point numbers, got torch.int64"),
        (lambda f: f.smooth_l1_loss(zeros, zeros, reduction="avg"), "'none', 'mean' or 'sum', got 'avg'"),
        (lambda f: f.smooth_l1_loss(zeros, zeros, beta=-1.0), "at least 0, got -1.0"),
        (lambda f: f.smooth_l1_loss(zeros, zeros, beta=nan), "at least 0, got nan"),
        (lambda f: f.smooth_l1_loss(zeros, zeros, beta=None), "NoneType"),
        (lambda f: f.smooth_l1_loss(zeros.long(), zeros.long()), "floating-point numbers, got torch.int64"),
    ),
    adapt=either,
    drawn=Drawn(calls("3 3 | 23 23 | - - | 03 03 | 11 11", reduction=REDUCTION, delta=(0.3, 2, 0.0, -1.0))),
)
