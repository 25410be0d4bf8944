"""What `kl_div` is held to."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import FINITE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(
    grad_output: Tensor, x: Tensor, t: Tensor, reduction: str = "mean", log_target: bool = False
) -> tuple[Tensor, Tensor]:
    grad_x, grad_t = torch.zeros_like(x), torch.zeros_like(t)
    shape = torch.broadcast_shapes(x.shape, t.shape)
    place_x, place_t = (torch.arange(v.numel()).reshape(v.shape).expand(shape) for v in (x, t))
    divisor = {"mean": place_x.numel(), "batchmean": x.shape[0] if x.dim() else 1}.get(reduction, 1)
    for at in indices(place_x):
        i, j = int(place_x[at]), int(place_t[at])
        g = float(grad_output[at] if reduction == "none" else grad_output) / divisor
        log_q, given = float(x.reshape(-1)[i]), float(t.reshape(-1)[j])
        p = math.exp(given) if log_target else given
        grad_x.view(-1)[i] -= g * p
        grad_t.view(-1)[j] += g * (math.log(p) - log_q + 1) * (p if log_target else 1)
    return grad_x, grad_t


def unwarned(kl_div: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Without what it says of 'mean', which has a test of its own."""

    def loss(*inputs: Tensor, **options: Any) -> Tensor:
        if torch.compiler.is_compiling():  # warnings are not traced
            return kl_div(*inputs, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kl_div(*inputs, **options)

    return loss


x, t = randn(5, 3).log_softmax(1), randn(5, 3, seed="t").softmax(1)
zeros = torch.zeros(5, 3)

IN_X = "back_to(like(input), -g * _probability(t, ctx.log_target))"
IN_T = "back_to(like(target), g * _slope_in_target(x, t, ctx.log_target))"
SLOPE = "return t.exp() * (t - x + 1) if log_target else t.log() - x + 1"
G = "g = grad_of_losses(widen(grad_output), ctx.reduction, _divisor(input, shape, ctx.reduction))"

ROW = Row(
    name="kl_div",
    function=unwarned(F.kl_div),
    twin=unwarned(T.kl_div),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=(
        *(
            Sample(
                f"{reduction}{', logarithms' * log_target}",
                (x, t.log() if log_target else t),
                {"reduction": reduction, "log_target": log_target},
            )
            for reduction in ("batchmean", "mean", "sum", "none")
            for log_target in (False, True)
        ),
        Sample("numbers", (-randn().abs(), randn(seed="t").abs()), {"reduction": "batchmean"}),
        Sample("one target for all", (x, t[0]), {"reduction": "batchmean"}),
        Sample("one prediction for all", (x[0], t), {"reduction": "none"}),
        Sample("one prediction for all, divided by its own size", (x[0], t), {"reduction": "batchmean"}),
        Sample("strides", (transposed(x), t[:1].expand(5, 3)), {"reduction": "batchmean"}, smooth=False),
        Sample("no examples", (x[:0], t[:0]), {"reduction": "batchmean"}, smooth=False),
        Sample("no examples, mean", (x[:0], t[:0]), smooth=False),
        Sample("no examples, sum", (x[:0], t[:0]), {"reduction": "sum"}),
        Sample("-1e4", (x - 1e4, t), {"reduction": "batchmean"}, smooth=False),
        Sample(
            "infinities and NaN",
            (torch.tensor([-inf, inf, nan, -1.0]).double(), torch.tensor([0.5, 0.5, 0.5, nan]).double()),
            {"reduction": "none"},
            smooth=False,
            finite=False,
        ),
        Sample(
            "infinities, logarithms",
            (torch.tensor([-inf, inf, nan, -1.0]).double(), torch.tensor([-0.5, 0.0, -1.0, -1e4]).double()),
            {"reduction": "none", "log_target": True},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant("prediction minus target", IN_X, IN_X.replace("-g", "g")),
        Mutant("1 for the probability", IN_X, "back_to(like(input), -g * torch.ones_like(x - t))"),
        Mutant("logarithms taken for probabilities", IN_X, "back_to(like(input), -g * t)"),
        Mutant("probability believed for the true one", IN_X, "back_to(like(input), -g * x.exp())"),
        Mutant("log t held constant", SLOPE, SLOPE.replace(" - x + 1", " - x").replace("x + 1)", "x)")),
        Mutant("log t alone", SLOPE, SLOPE.replace("t.log() - x", "t.log()")),
        Mutant("inner derivative e^u forgotten", SLOPE, SLOPE.replace("t.exp() * ", "")),
        Mutant("the target's sign", IN_T, IN_T.replace(", g", ", -g")),
        Mutant("forgotten mean", G, "g = widen(grad_output)"),
        Mutant("mean over everything", G, G.replace("ctx.reduction))", "'mean'))")),
        Mutant("upstream ignored", G, G.replace("widen(grad_output)", "torch.ones_like(grad_output)")),
        Mutant(
            "tangent of the input with the wrong sign",
            "moved - widen(input_tangent)",
            "moved + widen(input_tangent)",
        ),
    ),
    mistakes=(
        (lambda f: f.kl_div(zeros, torch.ones(2), reduction="sum"), r"\(3\).*\(2\)|\(2\).*\(3\)"),
        (lambda f: f.kl_div(zeros, zeros, reduction="avg"), "'sum' or 'batchmean', got 'avg'"),
        (lambda f: f.kl_div(zeros, zeros.long(), reduction="sum"), "got torch.float32 and torch.int64"),
        (lambda f: f.kl_div(zeros + 0j, zeros, reduction="sum"), "got torch.complex64 and torch.float32"),
        (lambda f: f.kl_div(zeros, [1.0], reduction="sum"), "target must be a Tensor, got list"),
    ),
    adapt=unwarned,
    drawn=Drawn(
        calls(
            "3 3 | 23 23 | - - | 03 03 | 11 11",
            FINITE,
            reduction=("none", "sum"),
            always={"log_target": (True,)},
        ),
        not_finite="of an infinite gradient the twin makes ∞ − ∞",
    ),
)
