"""What `reshape` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.shapes.reshape import reshape
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, shape: tuple[int, ...]) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for at, place in zip(indices(x), indices(grad_output), strict=True):  # both row by row
        grad[at] = grad_output[place]
    return (grad,)


BACK = "return grad_output.reshape(ctx.shape), None"

ROW = Row(
    name="reshape",
    function=reshape,
    twin=torch.reshape,
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("a matrix as a vector", (randn(5, 3),), {"shape": (15,)}),
        Sample("what is left", (randn(2, 3, 5),), {"shape": (5, -1)}),
        Sample("reversed strides: a copy", (transposed(randn(2, 3, 5)),), {"shape": (6, 5)}),
        Sample("a number", (randn(),), {"shape": (1, 1)}),
        Sample("to a number", (randn(1),), {"shape": ()}),
        Sample("no elements", (randn(0, 3),), {"shape": (3, 0, 2)}),
        Sample("expanded", (randn(3, 1).expand(3, 5),), {"shape": (5, 3)}, smooth=False),
    ),
    mutants=(
        Mutant(
            "the rows in the reverse order",
            BACK,
            BACK.replace("grad_output.", "grad_output.flip(0)."),
        ),
        Mutant("sign", BACK, BACK.replace("grad_output", "-grad_output")),
        Mutant("not reshaped back", BACK, "return grad_output, None"),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("averaged", BACK, BACK.replace("grad_output", "(grad_output / max(grad_output.numel(), 1))")),
        Mutant("a view, which need not exist", BACK, "return grad_output.view(ctx.shape), None"),
        Mutant(
            "tangent not reshaped",
            "return input_tangent.reshape(ctx.output_shape)",
            "return input_tangent * 1",
        ),
    ),
    mistakes=(
        (lambda f: f.reshape(torch.zeros(5, 3), (4, 4)), "invalid for input of size 15"),
        (lambda f: f.reshape(torch.zeros(5, 3), (-1, -1)), "only one dimension can be inferred"),
        (lambda f: f.reshape([1.0], (1,)), "must be.* Tensor, got list"),
    ),
    is_view=True,
    drawn=Drawn(
        calls(ONE, ANY, always={"shape": ((), (-1,), (1, -1), (3, 1), (6,), (3, 2), (0, 7), (-1, -1))}),
        each_by_itself=True,
    ),
)
