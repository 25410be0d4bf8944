"""What `permute` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.shapes.permute import permute
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at in indices(x):
        grad[at] = grad_output[tuple(at[d] for d in dims)]
    return (grad,)


INVERSE = "inverse = sorted(range(len(ctx.dims)), key=lambda j: ctx.dims[j])"
BACK = "return grad_output.permute(inverse), None"

ROW = Row(
    name="permute",
    function=permute,
    twin=torch.permute,
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("a matrix", (randn(5, 3),), {"dims": (1, 0)}),
        Sample("a circle of three", (randn(2, 3, 5),), {"dims": (2, 0, 1)}),
        Sample("a circle of three equal sizes", (randn(3, 3, 3),), {"dims": (2, 0, 1)}),
        Sample("negative dimensions", (transposed(randn(2, 3, 5)),), {"dims": (-1, 0, -2)}),
        Sample("unmoved", (randn(5, 3),), {"dims": (0, 1)}),
        Sample("a number", (randn(),), {"dims": ()}),
        Sample("no elements", (randn(0, 3),), {"dims": (1, 0)}),
    ),
    mutants=(
        Mutant("the order itself for its inverse", INVERSE, "inverse = ctx.dims"),
        Mutant("not moved back", INVERSE, "inverse = tuple(range(len(ctx.dims)))"),
        Mutant("reversed", INVERSE, "inverse = tuple(reversed(range(len(ctx.dims))))"),
        Mutant("sign", BACK, BACK.replace("grad_output", "-grad_output")),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant(
            "reshaped instead", BACK, "return grad_output.reshape(grad_output.permute(inverse).shape), None"
        ),
        Mutant("tangent not moved", "return input_tangent.permute(ctx.dims)", "return input_tangent * 1"),
    ),
    mistakes=(
        (lambda f: f.permute(torch.zeros(5, 3), (0, 2)), "got 2"),
        (lambda f: f.permute(torch.zeros(5, 3), (0, 0)), "duplicate|repeated|unique"),
        (lambda f: f.permute(torch.zeros(5, 3), (0,)), "is not equal to len"),
        (lambda f: f.permute([1.0], (0,)), "must be.* Tensor, got list"),
    ),
    is_view=True,
    drawn=Drawn(
        calls(ONE, ANY, always={"dims": ((), (0,), (1, 0), (0, 1), (-1, 0), (2, 0, 1), (0, 0))}),
        each_by_itself=True,
    ),
)
