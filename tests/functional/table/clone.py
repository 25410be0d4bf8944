"""What `clone` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.shapes.clone import clone
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import ELEMENTWISE, Mutant, Row


def derivation(grad_output: Tensor, x: Tensor) -> tuple[Tensor]:
    return (grad_output * 1,)


BACK = "return grad_output.to(ctx.device, ctx.dtype), None, None, None"

ROW = Row(
    name="clone",
    function=clone,
    twin=torch.clone,
    derivation=derivation,
    keeps=frozenset(),
    samples=ELEMENTWISE,
    mutants=(
        Mutant("sign", BACK, BACK.replace("grad_output", "-grad_output")),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("upstream used twice", BACK, BACK.replace("grad_output", "(grad_output * grad_output)")),
        Mutant("the slope of a rounding", BACK, BACK.replace("grad_output", "(0 * grad_output)")),
        Mutant("detached", BACK, BACK.replace("grad_output", "grad_output.detach()")),
        Mutant("averaged", BACK, BACK.replace("grad_output", "(grad_output / max(grad_output.numel(), 1))")),
        Mutant("tangent of another sign", "return input_tangent.to(", "return -input_tangent.to("),
    ),
    mistakes=((lambda f: f.clone(1.0), "must be.* Tensor, got float"),),
    drawn=Drawn(calls(ONE, ANY), each_by_itself=True),
)
