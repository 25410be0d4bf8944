"""What `relu` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import AT_THE_KINK, ELEMENTWISE, Mutant, Row, indices


def relu(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] if z[at] > 0 else 0.0
    return (grad,)


MASKED = "return gate(grad_output, a)"

ROW = Row(
    name="relu",
    function=F.relu,
    twin=T.relu,
    derivation=relu,
    keeps=frozenset({"output"}),
    samples=(*ELEMENTWISE, AT_THE_KINK),
    mutants=(
        Mutant(
            "gradient 1 at 0", "keep(ctx, output)  # step 3", "keep(ctx, output + (inputs[0] == 0))  # step 3"
        ),
        Mutant("mask inverted", MASKED, "return grad_output.masked_fill(a > 0, 0)"),
        Mutant("no mask", MASKED, "return grad_output"),
        Mutant("upstream ignored", MASKED, MASKED.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("the output instead of the slope", MASKED, "return grad_output * a"),
        Mutant("mask of the upstream's sign", MASKED, "return grad_output.clamp(min=0)"),
        Mutant("NaN masked", MASKED, "return grad_output.masked_fill(~(a > 0), 0)"),
        Mutant(
            "tangent not masked", "return input_tangent.masked_fill(a <= 0, 0)", "return input_tangent * 1"
        ),
    ),
    mistakes=(
        (lambda f: f.relu([1.0]), "input must be a Tensor, got list"),
        (lambda f: f.relu(torch.ones(2, dtype=torch.bool)), "got torch.bool"),
        (lambda f: f.relu(torch.ones(2, dtype=torch.complex64)), "got torch.complex64"),
        (lambda f: f.relu(torch.ones(2, requires_grad=True), inplace=True), "leaf"),
    ),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
