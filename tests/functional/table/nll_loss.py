"""What `nll_loss` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.classified import (
    UNUSUAL,
    classified,
    example_gradients,
    examples,
    mistakes_with_classes,
)
from tests.functional.drawn import Drawn, of_classes
from tests.functional.samples import Mutant, Row, Sample, randn


def nll_loss(
    grad_output: Tensor,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    out, at = examples(grad)
    y = {n: int(target.reshape(out.shape[:-1])[n]) for n in at}
    w = {n: 1.0 if weight is None else float(weight[y[n]]) for n in at if y[n] != ignore_index}
    for n, g in example_gradients(grad_output, w, reduction).items():
        out[n][y[n]] = -g * w[n]  # −gₙ w_{yₙ} [k = yₙ]
    return (grad,)


NLL_LOSS = tuple(
    Sample(name, inputs, options, smooth=name not in UNUSUAL)
    for name, (inputs, options) in classified(randn(5, 3).log_softmax(1)).items()
)


SLOPE = "slope = labels.weigh(v / E).expand(target.shape).unsqueeze(ctx.dim)"
NLL_E = 'E = ctx.E if hasattr(ctx, "E") else labels.minus_divisor() if ctx.reduction == "mean" else -1.0'
PLAIN = "(v / ctx.E).expand(column.shape)"
COUNT_IGNORED = "(0 if labels.ignored is None else labels.ignored.sum())"

ROW = Row(
    name="nll_loss",
    function=F.nll_loss,
    twin=T.nll_loss,
    derivation=nll_loss,
    keeps=frozenset({"target", "weight"}),
    samples=NLL_LOSS,
    mutants=(
        Mutant("dropped minus, plain", PLAIN, PLAIN.replace("v /", "-v /")),
        Mutant("forgotten mean, plain", PLAIN, PLAIN.replace("/ ctx.E", "* -1")),
        Mutant("dropped minus", SLOPE, SLOPE.replace("v / E", "-v / E")),
        Mutant("forgotten mean", NLL_E, "E = -1.0"),
        Mutant("`ignore_index` counted in the mean", NLL_E, f"E = ({NLL_E[4:]}) - {COUNT_IGNORED}"),
        Mutant(
            "class weights left out of the divisor",
            NLL_E,
            f'E = {COUNT_IGNORED} - labels.column.numel() if ctx.reduction == "mean" else -1.0',
        ),
        Mutant("class weights left out of the gradient", SLOPE, SLOPE.replace("weigh", "clear")),
        Mutant(
            "ignored examples not left out",
            SLOPE,
            SLOPE.replace("labels.weigh", "labels._replace(ignored=None).weigh"),
        ),
        Mutant("upstream ignored", SLOPE, SLOPE.replace("v / E", "torch.ones_like(v) / E")),
        Mutant("divided by the number of classes", SLOPE, f"{SLOPE} / ctx.shape[ctx.dim]"),
        Mutant("all ignored: 0 · ∞", SLOPE, SLOPE.replace("v / E)", "torch.ones_like(v)) * (v / E)")),
    ),
    mistakes=(
        *mistakes_with_classes("nll_loss"),
        (lambda f: f.nll_loss(torch.tensor(0.0), torch.tensor(0)), r"got shape \(\)"),
    ),
    drawn=Drawn(of_classes()),
)
