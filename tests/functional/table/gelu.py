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
NORMAL = "return torch.addcmul(P, z, torch.exp(z * z * -0.5), value=1 / sqrt(2 * pi))"
TANH = "return torch.addcmul(P, P * cubic(z, 3 * C), 1 - P, value=K)"

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
        Mutant("the product rule's first term only", NORMAL, "return P"),
        Mutant("the first term only, by tanh", TANH, "return P"),
        Mutant("z forgotten in the second", NORMAL, NORMAL.replace("P, z,", "P, torch.ones_like(z),")),
        Mutant("minus for plus", NORMAL, NORMAL.replace("value=1", "value=-1")),
        Mutant("minus for plus, by tanh", TANH, TANH.replace("value=K", "value=-K")),
        Mutant("2π without its root", NORMAL, NORMAL.replace("sqrt(2 * pi)", "(2 * pi)")),
        Mutant("½ forgotten in the exponent", NORMAL, NORMAL.replace("* -0.5", "* -1")),
        Mutant("3 forgotten", TANH, TANH.replace("3 * C", "C")),
        Mutant("2 of tanh u = 2 σ(2u) − 1 forgotten", TANH, TANH.replace("value=K", "value=K / 2")),
        Mutant("v′ forgotten", TANH, TANH.replace("P * cubic(z, 3 * C)", "P * z").replace("=K", "=1")),
        Mutant(
            "the density of the normal distribution for both",
            'if approximate == "none":\n        return torch.addcmul',
            "if True:\n        return torch.addcmul",
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
