"""What `layer_norm` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.normalisation.layer_norm import layer_norm
from tests.functional.drawn import Drawn, features
from tests.functional.normalised import at_features, features_derived, right_under_vmap
from tests.functional.samples import Mutant, Row, Sample, inf, nan, randn, strided, transposed


def derivation(
    grad_output: Tensor,
    x: Tensor,
    w: Tensor | None = None,
    b: Tensor | None = None,
    *,
    shape: tuple[int, ...],
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, ...]:
    return features_derived(grad_output, x, w, b, shape, eps)


def composed(
    x: Tensor,
    shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    dims = tuple(range(-len(shape), 0))
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, correction=0, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


SAMPLES = (
    Sample("x, w and b", (randn(5, 3), randn(3), randn(3, seed="b")), {"shape": (3,)}),
    Sample("x alone", (randn(5, 3),), {"shape": (3,), "eps": 1.0}),
    Sample("no bias, two dimensions", (randn(2, 3, 5), randn(3, 5)), {"shape": (3, 5)}),
    Sample("a bias without a weight", (randn(5, 3),), {"shape": (3,), "bias": randn(3)}),
    Sample("one example", (randn(7), randn(7, seed="w"), randn(7, seed="b")), {"shape": (7,), "eps": 0.1}),
    Sample(
        "leading dimensions, strides in any order",
        (transposed(randn(2, 3, 5)), strided(randn(5)), strided(randn(5, seed="b"))),
        {"shape": (5,)},
    ),
    Sample("expanded", (randn(1, 5).expand(3, 5), randn(5), randn(5)), {"shape": (5,)}, smooth=False),
    Sample("no examples", (randn(0, 3), randn(3), randn(3, seed="b")), {"shape": (3,)}),
    Sample("no features", (randn(3, 0), randn(0), randn(0)), {"shape": (0,)}),
    Sample("one feature: always 0", (randn(5, 1), randn(1), randn(1, seed="b")), {"shape": (1,), "eps": 1.0}),
    Sample("±1e4", (1e4 * randn(3, 5).sign(), randn(5), randn(5)), {"shape": (5,)}, smooth=False),
    Sample(
        "infinities and NaN",
        (torch.tensor([[inf, 0.0, 1.0], [nan, 1.0, 2.0], [2.0, 1.0, -1.0]]).double(),),
        {"shape": (3,)},
        smooth=False,
        finite=False,
    ),
)

GRAD_X = "with_sums(h, x_hat, r, sum_of_columns(g, w), sum_of_columns(gx, w), h.shape[1])"
WEIGHT = "w = None if weight is None else widen(weight).reshape(-1)"
GRAD_W = "sum_of_rows(gx)"
GRAD_B = "narrow(sum_of_rows(g).reshape(ctx.shape), ctx.bias_dtype)"
OUTSIDE = GRAD_X.replace("(h,", "(g,").replace(" w)", " None)") + " * (h / g)"
MEAN = "sum_of_columns(g, w) / max(h.shape[1], 1)"
ALONG = "x_hat * sum_of_columns(gx, w) / max(h.shape[1], 1)"
x = torch.zeros(5, 3)

ROW = Row(
    name="layer_norm",
    function=at_features(layer_norm),
    twin=at_features(right_under_vmap(T.layer_norm, composed)),
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=SAMPLES,
    adapt=at_features,
    mutants=(
        Mutant("μ and s taken for constants", GRAD_X, "h * r"),
        Mutant("the way through s forgotten", GRAD_X, f"(h - {MEAN}) * r"),
        Mutant("the way through μ forgotten", GRAD_X, f"(h - {ALONG}) * r"),
        Mutant("plus for minus", GRAD_X, f"(h - {MEAN} + {ALONG}) * r"),
        Mutant("times s instead of 1/s", GRAD_X, f"(h - {MEAN} - {ALONG}) / r"),
        Mutant("w forgotten in ∂L/∂x", WEIGHT, "w = None"),
        Mutant("w outside the means", GRAD_X, OUTSIDE),
        Mutant("∂L/∂w with x for x̂", GRAD_W, GRAD_W.replace("gx", "g * as_rows(widen(input), ctx.shape)")),
        Mutant("∂L/∂w averaged over the examples", GRAD_W, f"({GRAD_W} / max(len(input), 1))"),
        Mutant("∂L/∂b not summed", GRAD_B, "narrow(g, ctx.bias_dtype)"),
        Mutant("upstream ignored in ∂L/∂b", GRAD_B, GRAD_B.replace("(g)", "(torch.ones_like(g))")),
        Mutant("x̂ detached: second derivative lost", GRAD_X, GRAD_X.replace("x_hat, r", "x_hat.detach(), r")),
        Mutant(
            "the kernel's s taken for a constant: second derivative lost",
            "torch.is_grad_enabled() or is_forward_mode()",
            "is_forward_mode()",
            file="_normalised",
        ),
        Mutant(
            "what the forward kept taken for a constant: second derivative lost",
            "torch.is_grad_enabled() or not hasattr",
            "not hasattr",
            file="_normalised",
        ),
        Mutant("tangent without ḃ", "moved + widen(bias_tangent)", "moved"),
        Mutant("tangent without w", "(x_hat_tangent if weight is None else", "(x_hat_tangent if True else"),
    ),
    mistakes=(
        (lambda f: f.layer_norm([1.0], (1,)), "input must be a Tensor, got list"),
        (lambda f: f.layer_norm(x, (3,), 1.0), "weight must be a Tensor, got float"),
        (lambda f: f.layer_norm(x, 3), "tuple of ints, got 3"),
        (lambda f: f.layer_norm(x, (3.0,)), r"tuple of ints, got \(3.0,\)"),
        (lambda f: f.layer_norm(x, ()), r"at least one dimension, got \(\)"),
        (lambda f: f.layer_norm(x, (5,)), r"input \(\*, 5\), got \(5, 3\)"),
        (lambda f: f.layer_norm(x, (2, 5, 3)), r"input \(\*, 2, 5, 3\), got \(5, 3\)"),
        (lambda f: f.layer_norm(x, (3,), x[0, :2]), r"weight must have the shape \(3,\), got \(2,\)"),
        (lambda f: f.layer_norm(x, (3,), None, x[0, :2]), r"bias must have the shape \(3,\), got \(2,\)"),
        (lambda f: f.layer_norm(x, (3,), x[0].double()), "weight must be torch.float32.*got torch.float64"),
        (lambda f: f.layer_norm(x.half(), (3,), x[0].half(), x[0]), "parameters of one type"),
        (lambda f: f.layer_norm(x.long(), (3,)), "got torch.int64"),
    ),
    drawn=Drawn(features(2), finite_upstream="as of batch_norm"),
)
