"""What `broadcast_to` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.shapes.broadcast_to import broadcast_to
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, size: tuple[int, ...]) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(grad_output):
        own = at[len(at) - x.dim() :]
        grad[tuple(0 if n == 1 else i for i, n in zip(own, x.shape, strict=True))] += grad_output[at]
    return (grad,)


BACK = "return unbroadcast(grad_output, ctx.shape), None"
SUM = "grad_output.sum([*range(added), *repeated], keepdim=True)"

ROW = Row(
    name="broadcast_to",
    function=broadcast_to,
    twin=torch.broadcast_to,
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("a bias over the examples", (randn(3),), {"size": (5, 3)}),
        Sample("a size of one", (randn(5, 1),), {"size": (5, 3)}),
        Sample("both", (randn(3, 1),), {"size": (2, 3, 5)}),
        Sample("kept by −1", (randn(3, 1),), {"size": (-1, 5)}),
        Sample("reversed strides", (transposed(randn(2, 1, 3)),), {"size": (2, 5, 3)}),
        Sample("a number", (randn(),), {"size": (2, 3)}),
        Sample("as it is", (randn(5, 3),), {"size": (5, 3)}),
        Sample("over no examples", (randn(1, 3),), {"size": (0, 3)}),
        Sample("no elements", (randn(0, 1),), {"size": (2, 0, 3)}),
    ),
    mutants=(
        Mutant("not summed", BACK, "return grad_output, None"),
        Mutant("averaged", SUM, SUM.replace(".sum(", ".mean(")),
        Mutant("the largest use only", SUM, SUM.replace(".sum(", ".amax(")),
        Mutant("only added dimensions summed", SUM, SUM.replace(", *repeated", "")),
        Mutant("sign", BACK, BACK.replace("unbroadcast", "-unbroadcast")),
        Mutant("upstream ignored", BACK, BACK.replace("(grad_output", "(torch.ones_like(grad_output)")),
        Mutant(
            "tangent not repeated",
            "return input_tangent.expand(ctx.output_shape)",
            "return input_tangent * 1",
        ),
    ),
    mistakes=(
        (lambda f: f.broadcast_to(torch.zeros(5, 3), (5, 4)), r"expanded size .*\(4\).*\(3\)"),
        (lambda f: f.broadcast_to(torch.zeros(5, 3), (3,)), "must be greater or equal"),
        (lambda f: f.broadcast_to([1.0], (1,)), "must be.* Tensor, got list"),
    ),
    is_view=True,
    drawn=Drawn(
        calls(ONE, ANY, always={"size": ((3,), (2, 3), (0, 3), (2, 2, 3), (-1, 3), (1, 1))}),
        each_by_itself=True,
    ),
)
