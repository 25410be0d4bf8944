"""What `gelu` is held to."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.gelu import gelu
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, Sample, indices, inf, nan, randn


def derivation(grad_output: Tensor, z: Tensor, approximate: str = "none") -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    root = math.sqrt(2 / math.pi)
    for at in indices(z):
        x = float(z[at])
        if approximate == "none":
            P, density = (1 + math.erf(x / math.sqrt(2))) / 2, math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        else:
            t = math.tanh(root * (x + 0.044715 * x**3))
            P, density = (1 + t) / 2, (1 - t**2) / 2 * root * (1 + 3 * 0.044715 * x**2)
        grad[at] = grad_output[at] * (P + x * density)
    return (grad,)


BACK = "grad_input = widen(grad_output) * slope(widen(z), ctx.approximate)"
SLOPE = "return distribution(z, approximate) + z * density(z, approximate)"
NORMAL = "torch.exp(-z * z / 2) / sqrt(2 * pi)"
TANH = "return 2 * s * (1 - s) * sqrt(2 / pi) * (1 + 3 * C * z * z)"

ROW = Row(
    name="gelu",
    function=gelu,
    twin=T.gelu,
    derivation=derivation,
    keeps=frozenset({"input 0"}),
    samples=(
        *(sample for sample in ELEMENTWISE if sample.finite),
        Sample(  # of ∞ the twin makes NaN in float32, and ∞ in float64
            "−∞ and NaN", (torch.tensor([-inf, nan, 1.0]).double(),), smooth=False, finite=False
        ),
        Sample("by tanh", (3 * randn(5, 3),), {"approximate": "tanh"}),
        Sample(
            "by tanh, infinities and NaN",
            (torch.tensor([-inf, inf, nan, -1e4, 1e4]).double(),),
            {"approximate": "tanh"},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant("the product rule's first term only", SLOPE, "return distribution(z, approximate)"),
        Mutant("z forgotten in the second", SLOPE, SLOPE.replace("z * density", "density")),
        Mutant("minus for plus", SLOPE, SLOPE.replace(" + ", " - ")),
        Mutant("2π without its root", NORMAL, NORMAL.replace("sqrt(2 * pi)", "(2 * pi)")),
        Mutant("½ forgotten in the exponent", NORMAL, NORMAL.replace("z * z / 2", "z * z")),
        Mutant("3 forgotten", TANH, TANH.replace("3 * C", "C")),
        Mutant("2 of σ(2u) forgotten", TANH, TANH.replace("2 * s *", "s *")),
        Mutant("u′ forgotten", TANH, "return 2 * s * (1 - s)"),
        Mutant(
            "the density of the normal distribution for both",
            'if approximate == "none":\n        return torch.exp',
            "if True:\n        return torch.exp",
        ),
        Mutant("upstream ignored", BACK, BACK.replace("widen(grad_output)", "torch.ones_like(z)")),
        Mutant("z detached: second derivative lost", BACK, BACK.replace("widen(z)", "widen(z.detach())")),
    ),
    mistakes=(
        (lambda f: f.gelu([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.gelu(torch.zeros(2), approximate="sigmoid"), "'none' or 'tanh', got 'sigmoid'"),
        (lambda f: f.gelu(torch.zeros(2).long()), "got torch.int64"),
        (lambda f: f.gelu(torch.zeros(2) + 0j), "got torch.complex64"),
    ),
    drawn=Drawn(
        calls(ONE, ANY, approximate=("none", "tanh", "exact")),
        each_by_itself=True,
        not_finite="in float32 the twin makes ∞ of numbers close to the largest, and NaN of ∞",
        flat="its slope is 0 at −0.75, and the twin's 1 + erf cancels to the left of that",
    ),
)
