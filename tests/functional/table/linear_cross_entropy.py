"""What `linear_cross_entropy` is held to."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.classified import UNUSUAL, classified
from tests.functional.drawn import Drawn, of_classes
from tests.functional.samples import Mutant, Row, Sample, labels, randn
from tests.functional.table.cross_entropy import cross_entropy
from tests.functional.table.linear import linear, weighted_sums


def linear_cross_entropy(
    grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None, **options: Any
) -> tuple[Tensor, ...]:
    (delta,) = cross_entropy(grad_output, weighted_sums(x, W, b), **options)
    return linear(delta, x, W, b)


def with_bias(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, W, b=None, **options: loss(x, W, linear_bias=b, **options)


def twin_of_linear_cross_entropy(x: Tensor, W: Tensor, b: Tensor | None = None, **options: Any) -> Tensor:
    return T.cross_entropy(T.linear(x, W, b), **options)


HEAD = (randn(5, 7), randn(3, 7, seed="W"), randn(3))


LINEAR_CROSS_ENTROPY = (
    Sample("no bias", HEAD[:2], {"target": labels(5, classes=3)}),
    *(
        Sample(
            name,
            (HEAD[0][: len(options["target"])] if options["target"].dim() else HEAD[0][0], *HEAD[1:]),
            options,
            smooth=name not in UNUSUAL,
        )
        for name, (_, options) in classified(randn(5, 3)).items()
        if "images" not in name
    ),
    *(
        Sample(f"smoothed: {name}", HEAD, {**options, "label_smoothing": 0.3})
        for name, (_, options) in classified(randn(5, 3)).items()
        if name in ("mean", "none", "weighted, ignoring −100")
    ),
    Sample(
        "logits of some hundreds", (300 * HEAD[0], *HEAD[1:]), {"target": labels(5, classes=3)}, smooth=False
    ),
)


G_OF_ALL = "grad_of_losses(v, reduction, divisor).expand"
G = "g = slope_of_losses(reduction, divisor if several else of_chunk)"
GRAD_W = "grad_W = delta.T @ x if grad_W is None else torch.addmm(grad_W, delta.T, x)"
KEPT_W = "torch.addmm(grad_W, delta.T, x, beta=int(self.done > 0), out=grad_W)"
TRANSPOSED = "(x.T @ delta).reshape(grad_W.shape)"

ROW = Row(
    name="linear_cross_entropy",
    function=with_bias(F.linear_cross_entropy),
    twin=twin_of_linear_cross_entropy,
    derivation=linear_cross_entropy,
    keeps=frozenset({"input 0", "input 1", "input 2", "target", "weight"}),
    samples=LINEAR_CROSS_ENTROPY,
    mutants=(
        Mutant("dropped minus in ∂L/∂x", "delta @ W)", "-delta @ W)"),
        Mutant("dropped minus in ∂L/∂x, kept", "torch.mm(delta,", "torch.mm(-delta,", file="_chunks"),
        Mutant("∂L/∂W transposed", GRAD_W, "grad_W = (x.T @ delta).reshape(W.shape)"),
        Mutant("∂L/∂W transposed, kept", KEPT_W, f"grad_W.copy_({TRANSPOSED})", file="_chunks"),
        Mutant("averaged bias gradient", "grad_b = delta.sum(0) if", "grad_b = delta.mean(0) if"),
        Mutant(
            "averaged bias gradient, kept",
            "self.b = delta.sum(0) if",
            "self.b = delta.mean(0) if",
            file="_chunks",
        ),
        Mutant("forgotten mean", G_OF_ALL, "v.expand"),
        Mutant("forgotten mean, kept", G, "g = torch.ones_like(of_chunk)"),
        Mutant("upstream ignored", "self.matrix * v", "self.matrix * 1", file="_chunks"),
        Mutant("log p for p", "p = torch.exp(log_p, out=place)", "p = log_p"),
    ),
    adapt=with_bias,
    drawn=Drawn(
        of_classes(smoothed=True, layer=True),
        not_finite="the smallest upstream gradients are 0 to one of them before they meet ∞",
        finite_upstream="formed before the upstream gradient is known, its zeros meet that factor last",
    ),
)
