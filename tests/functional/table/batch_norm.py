"""What `batch_norm` is held to; its running statistics are tested in `test_batch_norm`."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation.batch_norm import batch_norm
from tests.functional.drawn import Drawn, channels
from tests.functional.normalised import pulled_back, right_under_vmap
from tests.functional.samples import Mutant, Row, Sample, inf, nan, randn, strided, transposed


def adapted(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` with what is differentiated first, and the running statistics by name."""

    def called(
        x: Tensor, *parameters: Tensor, mean: Tensor | None = None, var: Tensor | None = None, **options: Any
    ) -> Tensor:
        return function(x, mean, var, *parameters, training=mean is None, **options)

    return called


def derivation(
    grad_output: Tensor,
    x: Tensor,
    w: Tensor | None = None,
    b: Tensor | None = None,
    *,
    mean: Tensor | None = None,
    var: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, ...]:
    grad_x, grad_w, grad_b = torch.zeros(x.shape).double(), randn(x.shape[1]), randn(x.shape[1])
    for j in range(x.shape[1]):
        column, g = x[:, j].reshape(-1), grad_output[:, j].reshape(-1)
        due = g if w is None else g * w.reshape(-1)[j]
        if mean is None or var is None:
            rows = pulled_back([*due], [*column], eps) if len(column) else ([], [])
            pulled, hat = (torch.stack(row) if row else column for row in rows)
        else:
            s = (var[j] + eps).sqrt()
            pulled, hat = due / s, (column - mean[j]) / s
        grad_x[:, j] = pulled.reshape(grad_x[:, j].shape)
        grad_w[j], grad_b[j] = (g * hat).sum(), g.sum()
    shapes = [x.shape if p is None else p.shape for p in (x, w, b)]
    gradients = zip((grad_x, grad_w, grad_b), shapes, (x, w, b), strict=True)
    return tuple(due.reshape(shape) for due, shape, given in gradients if given is not None)


def composed(
    x: Tensor,
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> Tensor:
    examples, channels = (0, *range(2, x.dim())), (x.shape[1], *(1,) * (x.dim() - 2))
    mean = x.mean(examples) if mean is None else mean
    var = x.var(examples, correction=0) if var is None else var
    y = (x - mean.reshape(channels)) / (var.reshape(channels) + eps).sqrt()
    y = y if weight is None else y * weight.reshape(channels)
    return y if bias is None else y + bias.reshape(channels)


RUNNING = {"mean": randn(3, seed="mean"), "var": randn(3, seed="var").square()}
SAMPLES = (
    Sample("training", (randn(5, 3), randn(3)), {"eps": 0.5, "bias": randn(3)}),
    Sample("evaluation", (randn(5, 3), randn(3), randn(3, seed="b")), RUNNING),
    Sample("training, x alone", (randn(5, 3),), {"eps": 1.0}),
    Sample("evaluation, x alone", (randn(5, 3),), {**RUNNING, "eps": 0.1}),
    Sample("training, a sequence", (randn(2, 3, 5), randn(3)), {"eps": 0.5}),
    Sample("evaluation, a bias without a weight", (randn(2, 3, 5),), {**RUNNING, "bias": randn(3)}),
    Sample(
        "training, images, reversed strides",
        (transposed(randn(2, 3, 2, 5)), strided(randn(3))),
        {"eps": 0.5, "bias": randn(3)},
    ),
    Sample("evaluation, volumes", (randn(2, 3, 1, 2, 2), randn(3), randn(3, seed="b")), RUNNING),
    Sample("evaluation, one example", (randn(1, 3), randn(3), randn(3, seed="b")), RUNNING),
    Sample("training, expanded", (randn(5, 1).expand(5, 3), randn(3), randn(3)), smooth=False),
    Sample("no examples", (randn(0, 3), randn(3), randn(3)), RUNNING),
    Sample("training, ±1e4", (1e4 * randn(5, 3).sign(), randn(3), randn(3)), smooth=False),
    Sample(
        "training, infinities and NaN",
        (torch.tensor([[inf, 0.0, 1.0], [1.0, nan, 2.0], [2.0, 1.0, -1.0]]).double(),),
        {"eps": 1.0},
        smooth=False,
        finite=False,
    ),
)

THROUGH = "with_sums(g, x_hat, scale, of_g, of_gx, n)"
SCALE = "scale = r if weight is None else r * along_channels(widen(weight), g)"
GRAD_W = "of_gx.reshape(weight.shape)"
GRAD_B = "of_g.reshape(shape)"
x, r = torch.zeros(5, 3), torch.ones(3)

ROW = Row(
    name="batch_norm",
    function=adapted(batch_norm),
    twin=adapted(right_under_vmap(T.batch_norm, composed)),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1", "mean", "var"}),
    samples=SAMPLES,
    adapt=adapted,
    mutants=(
        Mutant("training with evaluation's gradient", THROUGH, "g * scale"),
        Mutant("evaluation with training's gradient", "in_training = mean is None", "in_training = True"),
        Mutant("the way through s forgotten", THROUGH, "(g - of_g / n) * scale"),
        Mutant("the way through μ forgotten", THROUGH, "(g - x_hat * of_gx / n) * scale"),
        Mutant("plus for minus", THROUGH, "(g - of_g / n + x_hat * of_gx / n) * scale"),
        Mutant("times s in evaluation", "else g * scale", "else g * scale / r.square()"),
        Mutant("means over the features", THROUGH, "through_normalise(g, x_hat, scale, (1,))"),
        Mutant("w forgotten in ∂L/∂x", SCALE, "scale = r"),
        Mutant("∂L/∂w with x for x̂", GRAD_W, "(g * widen(input)).sum(examples).reshape(weight.shape)"),
        Mutant("∂L/∂w averaged over the examples", GRAD_W, f"({GRAD_W} / n)"),
        Mutant("∂L/∂b not summed over the positions", GRAD_B, "g.sum(0).reshape(3, -1)[:, 0].reshape(shape)"),
        Mutant(
            "x̂ detached: second derivative lost", THROUGH, THROUGH.replace("x_hat, s", "x_hat.detach(), s")
        ),
        Mutant("tangent without the means", "if mean is None else u * r", "if False else u * r"),
    ),
    mistakes=(
        (lambda f: f.batch_norm([1.0], r, r), "input must be a Tensor, got list"),
        (lambda f: f.batch_norm(x, r, r, 1.0), "weight must be a Tensor, got float"),
        (lambda f: f.batch_norm(x, r, r, momentum=None), "momentum must be a number, got NoneType"),
        (lambda f: f.batch_norm(x[0], None, None, training=True), r"\(N, C\) or \(N, C, \*\), got \(3,\)"),
        (lambda f: f.batch_norm(x[:1], r, r, training=True), r"more than one value.*\(1, 3\)"),
        (lambda f: f.batch_norm(x, r, r, training=True, eps=0.0), "eps must be positive, got 0.0"),
        (lambda f: f.batch_norm(x, r, r, eps=-1.0), "eps must be at least 0, got -1.0"),
        (lambda f: f.batch_norm(x, None, None), "running_mean must be a Tensor, got None"),
        (lambda f: f.batch_norm(x, r, None), "running_var must be a Tensor, got None"),
        (lambda f: f.batch_norm(x, r, None, training=True), "both running_mean and running_var"),
        (lambda f: f.batch_norm(x, r[:2], r), "running_mean must have 3 elements.*got 2"),
        (lambda f: f.batch_norm(x, r, r, None, r[:2]), "bias must have 3 elements.*got 2"),
        (lambda f: f.batch_norm(x, r, r, r.double()), "weight must be torch.float32.*got torch.float64"),
        (lambda f: f.batch_norm(x, r.clone().requires_grad_(), r), "running_mean is no input to differ"),
        (lambda f: f.batch_norm(x.long(), r, r), "got torch.int64"),
    ),
    drawn=Drawn(
        channels(grouped=False),
        finite_upstream="which of ∞ − ∞ and ∞ comes out of its sums is a matter of their order",
    ),
)
