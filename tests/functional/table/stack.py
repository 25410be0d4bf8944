"""What `stack` is held to."""

import torch
from torch import Tensor

from manual_backprop.functional.shapes.stack import stack
from tests.functional.drawn import ANY, JOINED, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed
from tests.functional.table.cat import one_by_one


def derivation(grad_output: Tensor, *xs: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    grads = []
    for n, x in enumerate(xs):
        grad = torch.zeros_like(x)
        for at in indices(x):
            place = list(at)
            place.insert(dim % (x.dim() + 1), n)
            grad[at] = grad_output[tuple(place)]
        grads.append(grad)
    return tuple(grads)


SLICES = "grad_output.unbind(ctx.dim)"
PART = "part.to(dtype) if needed else None for part"

ROW = Row(
    name="stack",
    function=one_by_one(stack),
    twin=one_by_one(torch.stack),
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("in front", (randn(5, 3), randn(5, 3, seed="b"))),
        Sample("behind, reversed strides", (transposed(randn(5, 3)), randn(5, 3, seed="b")), {"dim": -1}),
        Sample("between, as many as there are rows", (randn(2, 3), randn(2, 3, seed="b")), {"dim": 1}),
        Sample("numbers", (randn(), randn(seed="b"), randn(seed="c"))),
        Sample("one alone", (randn(5, 3),)),
        Sample("no examples", (randn(0, 3), randn(0, 3))),
    ),
    mutants=(
        Mutant("in the reverse order", SLICES, "reversed(grad_output.unbind(ctx.dim))"),
        Mutant(
            "the first slice for all", SLICES, "[grad_output.select(ctx.dim, 0)] * grad_output.shape[ctx.dim]"
        ),
        Mutant("sign", PART, PART.replace("part.to", "-part.to")),
        Mutant("upstream ignored", PART, PART.replace("part.to", "torch.ones_like(part).to")),
        Mutant(
            "shared among the inputs", SLICES, "(grad_output / grad_output.shape[ctx.dim]).unbind(ctx.dim)"
        ),
        Mutant("gradients where none is needed", PART, "part.to(dtype) for part"),
        Mutant("tangents of the first only", "else t for t", "else t if t is example else 0 * t for t"),
    ),
    mistakes=(
        (lambda f: f.stack([torch.zeros(5, 3), torch.zeros(5, 2)]), "equal size"),
        (lambda f: f.stack([torch.zeros(5, 3)], 3), "got 3"),
        (lambda f: f.stack([]), "non-empty"),
        (lambda f: f.stack([torch.zeros(3), 1.0]), "Tensor"),
    ),
    adapt=one_by_one,
    drawn=Drawn(calls(JOINED, ANY, dim=(0, 1, -1, 3)), each_by_itself=True),
)
