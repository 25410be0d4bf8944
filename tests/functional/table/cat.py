"""What `cat` is held to."""

from collections.abc import Callable

import torch
from torch import Tensor

from manual_backprop.functional.shapes.cat import cat
from tests.functional.drawn import ANY, JOINED, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, strided, transposed


def derivation(grad_output: Tensor, *xs: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    grads, before = [], 0
    for x in xs:
        grad = torch.zeros_like(x)
        for at in indices(x):
            place = list(at)
            place[dim] += before
            grad[at] = grad_output[tuple(place)]
        before += x.shape[dim] if x.dim() == grad_output.dim() else 0
        grads.append(grad)
    return tuple(grads)


def one_by_one(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *tensors, **options: function(tensors, **options)


STRETCHES = "stretches = grad_output.split(sizes, ctx.dim)"
PART = "stretch.reshape(shape).to(dtype) if needed else None"

ROW = Row(
    name="cat",
    function=one_by_one(cat),
    twin=one_by_one(torch.cat),
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("rows", (randn(2, 3), randn(5, 3))),
        Sample("columns, reversed strides", (transposed(randn(5, 3)), randn(5, 2)), {"dim": 1}),
        Sample("equal shapes", (randn(5, 3), randn(5, 3, seed="b")), {"dim": -1}),
        Sample("three vectors", (randn(2), strided(randn(3)), randn(5))),
        Sample("one alone", (randn(5, 3),)),
        Sample("an empty vector among matrices", (randn(0), randn(5, 3))),
        Sample("no examples", (randn(0, 3), randn(0, 2)), {"dim": 1}),
    ),
    mutants=(
        Mutant(
            "in the reverse order", STRETCHES, "stretches = grad_output.flip(ctx.dim).split(sizes, ctx.dim)"
        ),
        Mutant(
            "the same stretch for all",
            STRETCHES,
            "stretches = [grad_output.narrow(ctx.dim, 0, size) for size in sizes]",
        ),
        Mutant("sign", PART, PART.replace("stretch.", "-stretch.")),
        Mutant("upstream ignored", PART, PART.replace("stretch.", "torch.ones_like(stretch).")),
        Mutant("shared among the inputs", PART, PART.replace("stretch.", "(stretch / len(sizes)).")),
        Mutant("gradients where none is needed", PART, "stretch.reshape(shape).to(dtype)"),
        Mutant("tangents of the first only", "else t", "else t if t is example else 0 * t"),
    ),
    mistakes=(
        (lambda f: f.cat([torch.zeros(5, 3), torch.zeros(5, 2)]), "Sizes of tensors must match|size"),
        (lambda f: f.cat([torch.zeros(5, 3)], 2), "got 2"),
        (lambda f: f.cat([]), "non-empty"),
        (lambda f: f.cat([torch.zeros(3), 1.0]), "Tensor"),
        (lambda f: f.cat(torch.zeros(5, 3)), "tuple of Tensors"),
    ),
    adapt=one_by_one,
    drawn=Drawn(calls(JOINED, ANY, dim=(0, 1, -1, 2)), each_by_itself=True),
)
