"""What `binary_cross_entropy_with_logits` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.losses.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits,
)
from tests.functional.drawn import Drawn, yes_or_no
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derived(
    grad_output: Tensor,
    x: Tensor,
    t: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: str = "mean",
) -> tuple[Tensor, Tensor]:
    grad_x, grad_t = torch.zeros_like(x), torch.zeros_like(x)
    w, p = (torch.ones_like(x) if v is None else v.expand(x.shape) for v in (weight, pos_weight))
    for at in indices(x):
        g = float(grad_output[at] if reduction == "none" else grad_output) * float(w[at])
        g = g / x.numel() if reduction == "mean" else g
        yes = 1 / (1 + math.exp(-x[at]))
        grad_x[at] = -g * (p[at] * t[at] * (1 - yes) - (1 - t[at]) * yes)
        grad_t[at] = -g * (p[at] * math.log(yes) - math.log(1 - yes))
    return grad_x, grad_t


x, t = randn(5, 3), randn(5, 3, seed="t").sigmoid()
weight, pos_weight = randn(5, 1, seed="w").abs(), 2 * randn(3, seed="p").abs()
zeros = torch.zeros(5, 3)

BINARY = (
    *(
        Sample(f"{reduction}{', weighted' * weighted}", (x, t), {"reduction": reduction, **options})
        for reduction in ("mean", "sum", "none")
        for weighted, options in ((False, {}), (True, {"weight": weight, "pos_weight": pos_weight}))
    ),
    Sample("a weight for yes", (x, t), {"pos_weight": pos_weight}),
    Sample("numbers", (randn(), randn(seed="t").sigmoid()), {"reduction": "none"}),
    Sample("strides", (transposed(x), t[:, :1].expand(5, 3)), smooth=False),
    Sample("no examples", (x[:0], t[:0]), smooth=False),
    Sample("no examples, sum", (x[:0], t[:0]), {"reduction": "sum"}, smooth=False),
    Sample(
        "±1e4 and zero",
        (torch.tensor([-1e4, 1e4, -1e4, 1e4, 0.0]).double(), torch.tensor([0, 0, 1, 1, 1]).double()),
        {"reduction": "none", "pos_weight": torch.tensor(3.0).double()},
        smooth=False,
    ),
    Sample(
        "infinities and NaN",
        (torch.tensor([-inf, inf, nan]).double(), torch.tensor([0.5, 0.5, 0.5]).double()),
        {"reduction": "none"},
        smooth=False,
        finite=False,
    ),
)

GRAD_X = "grad_input = narrow(_weigh(scaled(slope, h, overwrites), w), input.dtype)"
GRAD_T = "grad_target = narrow(_weigh(slope_in_t(x, p) * h, w), target.dtype)"
BELIEVED = "believed = torch.sigmoid(x)"
SLOPE_X = "torch.sub(_weigh(t, p), share(believed, t, p), out"
SLOPE_T = "p * T.logsigmoid(x) - T.logsigmoid(-x)"
H = "h = widen(grad_output) / ctx.E"

ROW = Row(
    name="binary_cross_entropy_with_logits",
    function=binary_cross_entropy_with_logits,
    twin=T.binary_cross_entropy_with_logits,
    derivation=derived,
    keeps=frozenset({"input 0", "input 1", "weight", "pos_weight"}),
    samples=BINARY,
    mutants=(
        Mutant("prediction minus target", GRAD_X, GRAD_X.replace("slope, h", "slope, -h")),
        Mutant("sigmoid left out", BELIEVED, "believed = x * 1"),
        Mutant(
            "squared error's factor σ (1 − σ)",
            GRAD_X,
            GRAD_X.replace("slope, h", "slope, torch.sigmoid(x) * torch.sigmoid(-x) * h"),
        ),
        Mutant(
            "yes weighs in the target only", SLOPE_X, SLOPE_X.replace("share(believed, t, p)", "believed")
        ),
        Mutant("yes weighs in the prediction only", SLOPE_X, SLOPE_X.replace("_weigh(t, p)", "t")),
        Mutant("weights left out", GRAD_X, GRAD_X.replace(", w)", ", None)")),
        Mutant("the target's gradient has the wrong sign", GRAD_T, GRAD_T.replace("* h", "* -h")),
        Mutant("log σ without its sign", SLOPE_T, SLOPE_T.replace("T.logsigmoid(-x)", "T.logsigmoid(x)")),
        Mutant("forgotten mean", H, "h = -widen(grad_output)"),
        Mutant(
            "mean over the batch only",
            H,
            f"{H} * (x[0].numel() if ctx.E != -1 and x.dim() else 1)",
        ),
        Mutant("upstream ignored", H, H.replace("widen(grad_output)", "torch.ones_like(grad_output)")),
    ),
    mistakes=(
        (lambda f: f.binary_cross_entropy_with_logits(zeros, zeros[0]), r"\(5, 3\) and \(3,\)"),
        (lambda f: f.binary_cross_entropy_with_logits(zeros.long(), zeros.long()), "got torch.int64"),
        (lambda f: f.binary_cross_entropy_with_logits(zeros, zeros.long()), "target, got torch.int64"),
        (lambda f: f.binary_cross_entropy_with_logits(zeros, zeros, reduction="avg"), "got 'avg'"),
        (lambda f: f.binary_cross_entropy_with_logits(zeros, zeros, [1.0]), "weight must be a Tensor"),
        (
            lambda f: f.binary_cross_entropy_with_logits(zeros, zeros, torch.ones(5)),
            r"weight \(5,\) does not",
        ),
        (
            lambda f: f.binary_cross_entropy_with_logits(zeros, zeros, pos_weight=torch.ones(2, 5, 3)),
            r"pos_weight \(2, 5, 3\) does not broadcast",
        ),
        (
            lambda f: f.binary_cross_entropy_with_logits(
                zeros.clone().requires_grad_(), zeros, torch.ones(3, requires_grad=True)
            ),
            "weight is a constant",
        ),
    ),
    drawn=Drawn(yes_or_no()),
)
