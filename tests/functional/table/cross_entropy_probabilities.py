"""What `cross_entropy_probabilities` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.classified import example_gradients, examples, softmax
from tests.functional.drawn import REDUCTION, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, randn, transposed


def cross_entropy_probabilities(
    grad_output: Tensor,
    z: Tensor,
    q: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Tensor, ...]:
    grad_z, grad_q = torch.zeros_like(z), torch.zeros_like(q)
    grad_w = torch.zeros(z.shape[1 if z.dim() > 1 else 0], dtype=z.dtype)
    (rows, at), (beliefs, _), (out_z, _), (out_q, _) = (examples(tensor) for tensor in (z, q, grad_z, grad_q))
    classes = range(rows.shape[-1])
    w = [1.0] * len(classes) if weight is None else weight.tolist()
    for n, g in example_gradients(grad_output, dict.fromkeys(at, 1.0), reduction).items():
        p = softmax(rows[n])
        smoothed = [(1 - label_smoothing) * float(b) + label_smoothing / len(classes) for b in beliefs[n]]
        for i in classes:
            out_z[n][i] = g * -sum(w[k] * smoothed[k] * ((k == i) - p[i]) for k in classes)
            out_q[n][i] = -g * (1 - label_smoothing) * w[i] * math.log(p[i])
            grad_w[i] += -g * smoothed[i] * math.log(p[i])
    return (grad_z, grad_q) if weight is None else (grad_z, grad_q, grad_w)


PROBABILITIES = tuple(
    Sample(name, inputs, options)
    for name, inputs, options in (
        ("mean", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {}),
        ("sum", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {"reduction": "sum"}),
        ("none", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {"reduction": "none"}),
        ("weighted", (randn(5, 3), randn(5, 3, seed="q").softmax(1), randn(3).abs()), {}),
        (
            "weighted, smoothed, none",
            (randn(5, 3), randn(5, 3, seed="q").softmax(1), randn(3).abs()),
            {"label_smoothing": 0.3, "reduction": "none"},
        ),
        ("not summing to 1", (randn(5, 3), randn(5, 3, seed="q").abs()), {"label_smoothing": 0.3}),
        ("one example (C,)", (randn(3), randn(3, seed="q").softmax(0), randn(3).abs()), {}),
        (
            "images (N, C, d1, d2)",
            (transposed(randn(2, 3, 5, 7)), randn(2, 3, 5, 7, seed="q").softmax(1), randn(3).abs()),
            {"label_smoothing": 0.3},
        ),
        ("no examples", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
    )
)


SOFT_Z = "torch.addcmul(t, p, t.sum(dim, keepdim=True), value=-1)"
SOFT_Q = "grad_q = grad_t if epsilon == 0 else (1 - epsilon) * grad_t"
SOFT_T = "grad_t = torch.log_softmax(widen(input), dim) * h"
SOFT_W = "terms.sum_to_size(class_weights(weight, terms).shape)"
SOFT_H = "h = widen(grad_output) / _divisor(input, dim, reduction)"

ROW = Row(
    name="cross_entropy_probabilities",
    function=F.cross_entropy,
    twin=T.cross_entropy,
    derivation=cross_entropy_probabilities,
    keeps=frozenset({"input 0", "input 1", "input 2"}),
    samples=PROBABILITIES,
    mutants=(
        Mutant("target minus softmax", SOFT_Z, "-" + SOFT_Z),
        Mutant("t taken to sum to 1", SOFT_Z, "(t - p)"),
        Mutant("forgotten mean", SOFT_H, "h = -widen(grad_output)"),
        Mutant(
            "mean over all numbers",
            SOFT_H,
            f"{SOFT_H} / (input.shape[dim] if reduction == 'mean' else 1)",
        ),
        Mutant(
            "upstream ignored",
            SOFT_H,
            SOFT_H.replace("widen(grad_output)", "torch.ones_like(widen(grad_output))"),
        ),
        Mutant("smoothing left out of ∂L/∂q", SOFT_Q, "grad_q = grad_t"),
        Mutant("class weights left out of ∂L/∂q", "_weigh(grad_q, weight, dim)", "grad_q"),
        Mutant("p for log p in ∂L/∂q", SOFT_T, SOFT_T.replace("log_softmax", "softmax")),
        Mutant(
            "∂L/∂w of the last example only", SOFT_W, "terms.movedim(dim, -1).reshape(-1, weight.numel())[-1]"
        ),
    ),
    drawn=Drawn(
        calls(
            "23 23 | 23 23 3 | 3 3 | 232 232 | 03 03 | 11 11 | 23 23 2",
            reduction=REDUCTION,
            label_smoothing=(0.3,),
        ),
        not_finite="the twin has 0 · ∞ of a weight or a share of 0 and an infinite gradient",
    ),
)
