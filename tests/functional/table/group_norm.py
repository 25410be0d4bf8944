"""What `group_norm` is held to."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation.group_norm import group_norm
from tests.functional.drawn import Drawn, channels
from tests.functional.normalised import pulled_back, right_under_vmap
from tests.functional.samples import Mutant, Row, Sample, inf, nan, randn, strided, transposed


def adapted(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` with what is differentiated first, and the number of groups by name."""

    def called(x: Tensor, *parameters: Tensor, groups: int, **options: Any) -> Tensor:
        return function(x, groups, *parameters, **options)

    return called


def derivation(
    grad_output: Tensor,
    x: Tensor,
    w: Tensor | None = None,
    b: Tensor | None = None,
    *,
    groups: int,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, ...]:
    C = x.shape[1]
    grad_x, grad_w, grad_b = torch.zeros(x.shape).double(), torch.zeros(C).double(), torch.zeros(C).double()
    for n in range(len(x)):
        for group in range(groups):
            channels = range(group * C // groups, (group + 1) * C // groups)
            g, numbers, due = [], [], []
            for j in channels:
                g += [*grad_output[n, j].reshape(-1)]
                numbers += [*x[n, j].reshape(-1)]
                due += [*(grad_output[n, j].reshape(-1) * (1 if w is None else w[j]))]
            pulled, hat = pulled_back(due, numbers, eps)
            size = len(g) // len(channels)
            for i, j in enumerate(channels):
                at = slice(i * size, (i + 1) * size)
                grad_x[n, j] = torch.stack(pulled[at]).reshape(grad_x[n, j].shape)
                grad_w[j] += sum(v * h for v, h in zip(g[at], hat[at], strict=True))
                grad_b[j] += sum(g[at])
    return tuple(due for due, p in zip((grad_x, grad_w, grad_b), (x, w, b), strict=True) if p is not None)


def composed(
    x: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    grouped = x.reshape(x.shape[0], groups, -1)
    var, mean = torch.var_mean(grouped, -1, correction=0, keepdim=True)
    y = ((grouped - mean) / (var + eps).sqrt()).reshape(x.shape)
    channels = (x.shape[1], *(1,) * (x.dim() - 2))
    y = y if weight is None else y * weight.reshape(channels)
    return y if bias is None else y + bias.reshape(channels)


SAMPLES = (
    Sample("x, w and b", (randn(3, 4, 5), randn(4), randn(4, seed="b")), {"groups": 2, "eps": 0.5}),
    Sample("x alone", (randn(3, 4),), {"groups": 2, "eps": 1.0}),
    Sample("no bias, one group", (randn(2, 3, 5), randn(3)), {"groups": 1, "eps": 0.5}),
    Sample("a bias without a weight", (randn(2, 6),), {"groups": 3, "bias": randn(6), "eps": 0.5}),
    Sample("a channel a group", (randn(2, 3, 5), randn(3)), {"groups": 3, "bias": randn(3), "eps": 0.5}),
    Sample(
        "images, reversed strides",
        (transposed(randn(2, 6, 1, 3)), strided(randn(6)), strided(randn(6, seed="b"))),
        {"groups": 2, "eps": 0.5},
    ),
    Sample("expanded", (randn(1, 4, 5).expand(3, 4, 5), randn(4), randn(4)), {"groups": 2}, smooth=False),
    Sample("no examples", (randn(0, 4, 5), randn(4), randn(4)), {"groups": 2}),
    Sample("±1e4", (1e4 * randn(2, 4, 5).sign(), randn(4), randn(4)), {"groups": 2}, smooth=False),
    Sample(
        "infinities and NaN",
        (torch.tensor([[[inf, 0.0, 1.0], [nan, 1.0, 2.0], [2.0, 1.0, -1.0]]]).double(),),
        {"groups": 3, "eps": 1.0},
        smooth=False,
        finite=False,
    ),
)

GRAD_X = "with_sums(h, x_hat, r, of_g, of_gx, x.shape[2] * x.shape[3])"
SUMS = "(sums if w is None else sums * w).sum(3, keepdim=True)"
SHIFT, ALONG = "of_g / h[0, 0].numel()", "x_hat * of_gx / h[0, 0].numel()"
WEIGHT = "w = None if weight is None else widen(weight).reshape(*g.shape[1:3], 1)"
GRAD_W = "narrow(grad_w[0], "
GRAD_B = "narrow(grad_b, "
x, w = torch.zeros(3, 4, 5), torch.ones(4)

ROW = Row(
    name="group_norm",
    function=adapted(group_norm),
    twin=adapted(right_under_vmap(T.group_norm, composed)),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=SAMPLES,
    adapt=adapted,
    mutants=(
        Mutant("μ and s taken for constants", GRAD_X, "h * r"),
        Mutant("the way through s forgotten", GRAD_X, f"(h - {SHIFT}) * r"),
        Mutant("the way through μ forgotten", GRAD_X, f"(h - {ALONG}) * r"),
        Mutant("plus for minus", GRAD_X, f"(h - {SHIFT} + {ALONG}) * r"),
        Mutant("means over all groups", SUMS, f"{SUMS}.mean(2, keepdim=True)"),
        Mutant("means over each channel alone", GRAD_X, "through_normalise(h, x_hat, r, (3,))"),
        Mutant("w forgotten in ∂L/∂x", WEIGHT, "w = None"),
        Mutant("∂L/∂w with x for x̂", GRAD_W, "narrow((g * x).sum((0, 3)).reshape(-1), "),
        Mutant("∂L/∂w averaged over the examples", GRAD_W, "narrow(grad_w[0] / max(len(g), 1), "),
        Mutant("upstream ignored in ∂L/∂b", GRAD_B, "narrow(torch.ones_like(g).sum((0, 3)).reshape(-1), "),
        Mutant("x̂ detached: second derivative lost", GRAD_X, GRAD_X.replace("x_hat, r", "x_hat.detach(), r")),
        Mutant("tangent without w", "(u if weight is None else", "(u if True else"),
    ),
    mistakes=(
        (lambda f: f.group_norm(x, 2, 1.0), "weight must be a Tensor, got float"),
        (lambda f: f.group_norm(x, 2.0), "num_groups must be an integer, got 2.0"),
        (lambda f: f.group_norm(x, 3), r"divide the 4 channels of input \(3, 4, 5\), got 3"),
        (lambda f: f.group_norm(x, -2), r"got -2"),
        (lambda f: f.group_norm(x[0, 0], 2), r"\(N, C\) or \(N, C, \*\).*got \(5,\)"),
        (lambda f: f.group_norm(x[:, :, :0], 2), r"one channel and position, got \(3, 4, 0\)"),
        (lambda f: f.group_norm(x[:1, :, 0], 4), r"more than one value in each of 4 groups"),
        (lambda f: f.group_norm(x, 2, w[:3]), r"weight must have the shape \(4,\), got \(3,\)"),
        (lambda f: f.group_norm(x, 2, None, w[None]), r"bias must have the shape \(4,\), got \(1, 4\)"),
        (lambda f: f.group_norm(x, 2, w.double()), "weight must be torch.float32.*got torch.float64"),
        (lambda f: f.group_norm(x.long(), 2), "got torch.int64"),
    ),
    drawn=Drawn(channels(grouped=True), finite_upstream="as of batch_norm"),
)
