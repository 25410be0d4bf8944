"""What `cross_entropy` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.classified import (
    UNUSUAL,
    classes,
    classified,
    example_gradients,
    examples,
    five_scores,
    mistakes_with_classes,
    softmax,
)
from tests.functional.drawn import Drawn, of_classes
from tests.functional.samples import Mutant, Row, Sample, inf, labels, randn, strided, transposed


def cross_entropy(
    grad_output: Tensor,
    z: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    (rows, at), (out, _) = examples(z), examples(grad)
    classes = range(rows.shape[-1])
    w = [1.0] * len(classes) if weight is None else weight.tolist()
    y = {n: int(target.reshape(rows.shape[:-1])[n]) for n in at}
    counts = {n: w[y[n]] for n in at if y[n] != ignore_index}
    for n, g in example_gradients(grad_output, counts, reduction).items():
        p = softmax(rows[n])
        t = [w[k] * ((1 - label_smoothing) * (k == y[n]) + label_smoothing / len(classes)) for k in classes]
        for i in classes:
            out[n][i] = g * -sum(t[k] * ((k == i) - p[i]) for k in classes)  # −Σₖ tₖ ([k = i] − pᵢ)
    return (grad,)


CROSS_ENTROPY = (
    Sample(
        "images, reversed strides",
        (transposed(randn(2, 3, 5, 7)),),
        {"target": transposed(labels(2, 5, 7, classes=3)), "weight": strided(randn(3).abs())},
    ),
    *(
        Sample(name, inputs, options, smooth=name not in UNUSUAL)
        for name, (inputs, options) in classified(randn(5, 3)).items()
    ),
    *(
        Sample(f"smoothed: {name}", inputs, {**options, "label_smoothing": 0.3}, smooth=name != "all ignored")
        for name, (inputs, options) in classified(randn(5, 3)).items()
        if name in ("mean", "none", "weighted, ignoring −100", "images (N, C, d1, d2)", "all ignored")
    ),
    Sample("scores of ±1e4", (1e4 * randn(5, 3).sign(),), {"target": labels(5, classes=3)}, smooth=False),
    Sample(
        "−∞ for a class that is not asked for",
        (torch.tensor([[-inf, 0.0, 1.0]]).double(),),
        {"target": torch.tensor([1])},
        smooth=False,
    ),
    Sample(
        "an ignored example of −∞",
        (torch.tensor([[-inf, 0.0, 1.0], [0.5, 0.0, 2.0]]).double(),),
        {"target": torch.tensor([-100, 1])},
        smooth=False,
    ),
)


CE_G = "g = grad_of_losses(widen(grad_output), reduction, divisor)"
CE_IGNORED = "g = at_y if weight is None else labels.clear(g)"
AT_Y = "at_y = labels.weigh(g)"
SOFTMAX = "p = torch.softmax(widen(input), dim) if log_p is None else log_p.exp()"
IN_PLACE = 'p.scatter_(dim, labels.column, -1.0, reduce="add").mul_(at_y)'
PLAIN = 'p.scatter_(dim, target.long().unsqueeze(dim), -1.0, reduce="add")'
PLAIN_G = "p.mul_(grad_of_losses(widen(grad_output), reduction, ctx.divisor))"
WRITTEN_OUT = "p.scatter_add(dim, labels.column, minus_one) * at_y"
PRODUCT = "torch.mul(p, total, out=p if in_place else None)"
ONE_HOT = "grad_input.scatter_add_(dim, labels.column, (-at_y).expand(labels.column.shape))"
TOTAL = "total = at_y + g * of_all"
COUNT_IGNORED = "(0 if labels.ignored is None else labels.ignored.sum())"

ROW = Row(
    name="cross_entropy",
    function=F.cross_entropy,
    twin=T.cross_entropy,
    derivation=cross_entropy,
    keeps=frozenset({"input 0", "target", "weight"}),
    samples=CROSS_ENTROPY,
    mutants=(
        Mutant("one-hot minus softmax, plain", PLAIN_G, PLAIN_G.replace("mul_(", "mul_(-")),
        Mutant("one-hot left out, plain", PLAIN, "pass"),
        Mutant("forgotten mean, plain", PLAIN_G, "p.mul_(widen(grad_output))"),
        Mutant("one-hot minus softmax", IN_PLACE, f"{IN_PLACE}.neg_()"),
        Mutant("one-hot minus softmax, where a graph is built", WRITTEN_OUT, f"-{WRITTEN_OUT}"),
        Mutant("one-hot minus softmax, smoothed", f"{ONE_HOT}  # … − g t", f"{ONE_HOT}.neg_()"),
        Mutant("one-hot left out", IN_PLACE, "p.mul_(at_y)"),
        Mutant("one-hot left out, where a graph is built", WRITTEN_OUT, "p * at_y"),
        Mutant("one-hot left out, smoothed", ONE_HOT, "grad_input = grad_input * 1"),
        Mutant(
            "one-hot without g", IN_PLACE, IN_PLACE.replace("p.", "p.mul_(at_y).").removesuffix(".mul_(at_y)")
        ),
        Mutant("softmax left out", SOFTMAX, "p = torch.zeros_like(widen(input))"),
        Mutant(
            "log-softmax for softmax",
            SOFTMAX,
            SOFTMAX.replace("softmax", "log_softmax").replace(".exp()", ""),
        ),
        Mutant("softmax over the batch", SOFTMAX, SOFTMAX.replace(", dim)", ", 0)")),
        Mutant("forgotten mean", CE_G, "g = widen(grad_output)"),
        Mutant(
            "`ignore_index` counted in the mean",
            CE_G,
            CE_G.replace("divisor", f"divisor + {COUNT_IGNORED}"),
        ),
        Mutant(
            "class weights left out of the divisor",
            CE_G,
            CE_G.replace("divisor", f"labels.column.numel() - {COUNT_IGNORED}"),
        ),
        Mutant("class weights left out of the gradient", AT_Y, "at_y = labels.clear(g)"),
        Mutant("ignored examples get smoothing's share", CE_IGNORED, "g = g * 1"),
        Mutant(
            "upstream ignored",
            CE_G,
            CE_G.replace("widen(grad_output)", "torch.ones_like(widen(grad_output))"),
        ),
        Mutant("t taken to sum to 1", TOTAL, "total = g"),
        Mutant(
            "smoothing left out of t",
            "return grad_input.sub_(everywhere)",
            "return grad_input",
        ),
        Mutant("squared error's factor p (1 − p)", IN_PLACE, f"(p * (1 - p)).{IN_PLACE[2:]}"),
        Mutant("squared error's factor p (1 − p), smoothed", PRODUCT, "torch.mul(p * (1 - p), total)"),
    ),
    mistakes=(
        *mistakes_with_classes("cross_entropy"),
        (lambda f: f.cross_entropy(torch.tensor(0.0), torch.tensor(0)), r"shape of the input, \(\)"),
        (lambda f: f.cross_entropy(five_scores, classes, label_smoothing=1.5), "got 1.5"),
        (lambda f: f.cross_entropy(five_scores, five_scores.long()), "probabilities.*not torch.int64"),
        (lambda f: f.cross_entropy(five_scores, five_scores, ignore_index=1), "ignore_index=1"),
        (lambda f: f.cross_entropy(five_scores, five_scores, torch.ones(4)), r"got weight \(4,\)"),
        (lambda f: f.cross_entropy(five_scores, torch.zeros(5, 4)), r"expected target \(5,\)"),
    ),
    drawn=Drawn(of_classes(smoothed=True), not_finite="of an infinite gradient the twin makes ∞ − ∞"),
)
