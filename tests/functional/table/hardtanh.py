"""What `hardtanh` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.hardtanh import hardtanh
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row, Sample, indices, inf, randn


def derivation(grad_output: Tensor, z: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] if min_val < z[at] < max_val else 0.0
    return (grad,)


CORNERS = torch.tensor([-1.0, 1.0, 0.0, -2.0, 2.0]).double()
BACK = "return gate(grad_output, ~outside(a, *ctx.bounds)), None, None"
OUTSIDE = "return (a <= min_val) | (a >= max_val)"

ROW = Row(
    name="hardtanh",
    function=hardtanh,
    twin=T.hardtanh,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=(
        *ELEMENTWISE,
        Sample("at the kinks", (CORNERS,), smooth=False),
        Sample("from 0 to 6", (5 * randn(5, 3),), {"min_val": 0.0, "max_val": 6.0}),
        Sample(
            "bounds that no type but float64 holds",
            (randn(5, 3),),
            {"min_val": -0.3, "max_val": 0.1},
        ),
        Sample("an interval of one number", (randn(5),), {"min_val": 0.5, "max_val": 0.5}),
    ),
    mutants=(
        Mutant("no mask", BACK, "return grad_output * 1, None, None"),
        Mutant("mask inverted", OUTSIDE, "return (a > min_val) & (a < max_val)"),
        Mutant("ReLU's mask", OUTSIDE, "return a <= 0"),
        Mutant("slope 1 at the corners", OUTSIDE, "return (a < min_val) | (a > max_val)"),
        Mutant("no upper end", OUTSIDE, "return a <= min_val"),
        Mutant("no lower end", OUTSIDE, "return a >= max_val"),
        Mutant("NaN masked", OUTSIDE, "return ~((a > min_val) & (a < max_val))"),
        Mutant("sign", BACK, BACK.replace("grad_output", "-grad_output")),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant(
            "tangent not masked",
            "return input_tangent.masked_fill(outside(a, *ctx.bounds), 0)",
            "return input_tangent * 1",
        ),
    ),
    mistakes=(
        (lambda f: f.hardtanh([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.hardtanh(torch.zeros(2), 2.0, 1.0), "min_val=2.0 is greater than max_val=1.0"),
        (lambda f: f.hardtanh(torch.ones(2, dtype=torch.bool)), "got torch.bool"),
        (lambda f: f.hardtanh(torch.ones(2, dtype=torch.complex64)), "got torch.complex64"),
        (
            lambda f: f.hardtanh(torch.ones(2, dtype=torch.uint8)),
            "min_val=-1.0 does not fit into torch.uint8",
        ),
        (lambda f: f.hardtanh(torch.ones(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(
        calls(ONE, ANY, min_val=(-1.0, -0.3, 0.0, 2.0, -inf), max_val=(1.0, 0.1, 6.0, inf)),
        each_by_itself=True,
    ),
)
