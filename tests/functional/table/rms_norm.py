"""What `rms_norm` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation.rms_norm import rms_norm
from tests.functional.drawn import Drawn, features
from tests.functional.normalised import at_features, features_derived
from tests.functional.samples import Mutant, Row, Sample, inf, nan, randn, strided, transposed


def derivation(
    grad_output: Tensor,
    x: Tensor,
    w: Tensor | None = None,
    *,
    shape: tuple[int, ...],
    eps: float | None = None,
) -> tuple[Tensor, ...]:
    eps = torch.finfo(torch.float64).eps if eps is None else eps
    return features_derived(grad_output, x, w, None, shape, eps, centred=False)


SAMPLES = (
    Sample("x and w", (randn(5, 3), randn(3)), {"shape": (3,)}),
    Sample("x alone", (randn(5, 3),), {"shape": (3,), "eps": 1.0}),
    Sample("two dimensions", (randn(2, 3, 5), randn(3, 5)), {"shape": (3, 5)}),
    Sample("one example", (randn(7), randn(7, seed="w")), {"shape": (7,), "eps": 0.1}),
    Sample(
        "leading dimensions, strides in any order",
        (transposed(randn(2, 3, 5)), strided(randn(5))),
        {"shape": (5,), "eps": 1e-3},
    ),
    Sample("expanded", (randn(1, 5).expand(3, 5), randn(5)), {"shape": (5,)}, smooth=False),
    Sample("no examples", (randn(0, 3), randn(3)), {"shape": (3,)}),
    Sample("no features", (randn(3, 0), randn(0)), {"shape": (0,)}),
    Sample("one feature", (randn(5, 1), randn(1)), {"shape": (1,), "eps": 1.0}),
    Sample("all zero: ε alone", (torch.zeros(2, 3).double(), randn(3)), {"shape": (3,), "eps": 0.1}),
    Sample("±1e4", (1e4 * randn(3, 5).sign(), randn(5)), {"shape": (5,)}, smooth=False),
    Sample(
        "infinities and NaN",
        (torch.tensor([[inf, 0.0, 1.0], [nan, 1.0, 2.0], [2.0, 1.0, -1.0]]).double(),),
        {"shape": (3,), "eps": 1.0},
        smooth=False,
        finite=False,
    ),
)

GRAD_X = "with_sums(h, x_hat, r, None, sum_of_columns(gx, w), h.shape[1])"
WEIGHT = "w = None if weight is None else weight.to(g.dtype).reshape(-1)"
GRAD_W = "sum_of_rows(gx)"
ALONG = "x_hat * sum_of_columns(gx, w) / max(h.shape[1], 1)"
x = torch.zeros(5, 3)

ROW = Row(
    name="rms_norm",
    function=at_features(rms_norm),
    twin=at_features(T.rms_norm),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=SAMPLES,
    adapt=at_features,
    mutants=(
        Mutant("s taken for a constant", GRAD_X, "h * r"),
        Mutant("layer normalisation's gradient", GRAD_X, GRAD_X.replace("None", "sum_of_columns(g, w)")),
        Mutant("plus for minus", GRAD_X, f"(h + {ALONG}) * r"),
        Mutant("a sum for the mean", GRAD_X, f"(h - {ALONG} * h.shape[1]) * r"),
        Mutant("times s instead of 1/s", GRAD_X, f"(h - {ALONG}) / r"),
        Mutant("w forgotten in ∂L/∂x", WEIGHT, "w = None"),
        Mutant("∂L/∂w with x for x̂", GRAD_W, GRAD_W.replace("gx", "g * as_rows(widen(input), ctx.shape)")),
        Mutant("∂L/∂w averaged over the examples", GRAD_W, f"({GRAD_W} / max(len(input), 1))"),
        Mutant("∂L/∂w not summed", f"{GRAD_W}.reshape(ctx.shape)", "gx"),
        Mutant("x̂ detached: second derivative lost", GRAD_X, GRAD_X.replace("x_hat, r", "x_hat.detach(), r")),
        Mutant("tangent without ẇ", "moved + widen(weight_tangent) * x_hat", "moved"),
        Mutant("tangent without w", "(x_hat_tangent if weight is None else", "(x_hat_tangent if True else"),
    ),
    mistakes=(
        (lambda f: f.rms_norm([1.0], (1,)), "input must be a Tensor, got list"),
        (lambda f: f.rms_norm(x, (3,), 1.0), "weight must be a Tensor, got float"),
        (lambda f: f.rms_norm(x, 3), "tuple of ints, got 3"),
        (lambda f: f.rms_norm(x, ()), r"at least one dimension, got \(\)"),
        (lambda f: f.rms_norm(x, (5,)), r"input \(\*, 5\), got \(5, 3\)"),
        (lambda f: f.rms_norm(x, (3,), x[0, :2]), r"weight must have the shape \(3,\), got \(2,\)"),
        (lambda f: f.rms_norm(x.long(), (3,)), "got torch.int64"),
    ),
    drawn=Drawn(features(1), finite_upstream="as of batch_norm"),
)
