"""What `sigmoid` is held to."""

import math

import torch
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, indices


def sigmoid(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        u = 1 + math.exp(-z[at])
        grad[at] = grad_output[at] * math.exp(-z[at]) / u**2  # ∂L/∂aᵢ · e⁻ᶻ / (1 + e⁻ᶻ)²
    return (grad,)


GRAD_Z = "return grad_output * (a * (1 - a)).conj()"

ROW = Row(
    name="sigmoid",
    function=F.sigmoid,
    twin=torch.sigmoid,
    derivation=sigmoid,
    keeps=frozenset({"output"}),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("dropped minus: a (1 + a)", GRAD_Z, GRAD_Z.replace("1 - a", "1 + a")),
        Mutant("sign", GRAD_Z, GRAD_Z.replace("return ", "return -")),
        Mutant(
            "σ′ of the activation instead of z",
            GRAD_Z,
            GRAD_Z.replace("a * (1 - a)", "torch.sigmoid(a) * (1 - torch.sigmoid(a))"),
        ),
        Mutant("upstream ignored", GRAD_Z, GRAD_Z.replace("grad_output *", "torch.ones_like(grad_output) *")),
        Mutant("upstream used twice", GRAD_Z, GRAD_Z.replace("grad_output *", "grad_output * grad_output *")),
        Mutant("local derivative left out", GRAD_Z, "return grad_output"),
        Mutant("the factor 1 − a forgotten", GRAD_Z, GRAD_Z.replace("(a * (1 - a))", "a")),
        Mutant(
            "a detached: second derivative lost",
            GRAD_Z,
            GRAD_Z.replace("a * (1 - a)", "a.detach() * (1 - a.detach())"),
        ),
        Mutant(
            "tangent without its slope", "return input_tangent * (a * (1 - a))", "return input_tangent * a"
        ),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
