"""What `split` is held to."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.shapes.split import split
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, transposed


def derivation(grad_outputs: Any, x: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor]:
    grad, before = torch.zeros_like(x), 0
    for upstream in grad_outputs if isinstance(grad_outputs, tuple) else (grad_outputs,):
        for at in indices(upstream):
            place = list(at)
            place[dim] += before
            grad[tuple(place)] = upstream[at]
        before += upstream.shape[dim]
    return (grad,)


BACK = "return torch.cat(grad_outputs, ctx.dim), None, None"

ROW = Row(
    name="split",
    function=split,
    twin=torch.split,
    derivation=derivation,
    keeps=frozenset(),
    samples=(
        Sample("parts of two", (randn(5, 3),), {"split_size_or_sections": 2}),
        Sample("given sizes", (randn(5, 3),), {"split_size_or_sections": [1, 2], "dim": 1}),
        Sample(
            "equal parts, reversed strides",
            (transposed(randn(2, 6)),),
            {"split_size_or_sections": 2, "dim": -1},
        ),
        Sample("one part", (randn(5, 3),), {"split_size_or_sections": 7}),
        Sample("no examples", (randn(0, 3),), {"split_size_or_sections": 2}),
    ),
    mutants=(
        Mutant("in the reverse order", BACK, BACK.replace("grad_outputs", "grad_outputs[::-1]")),
        Mutant(
            "each part in the reverse order",
            BACK,
            BACK.replace("grad_outputs,", "[g.flip(0) for g in grad_outputs],"),
        ),
        Mutant("sign", BACK, BACK.replace("torch.cat", "-torch.cat")),
        Mutant(
            "upstream ignored", BACK, "return torch.ones_like(torch.cat(grad_outputs, ctx.dim)), None, None"
        ),
        Mutant(
            "shared among the parts",
            BACK,
            "return torch.cat(grad_outputs, ctx.dim) / len(grad_outputs), None, None",
        ),
        Mutant(
            "every part as the last",
            BACK,
            BACK.replace("grad_outputs,", "[0 * g + grad_outputs[-1].mean() for g in grad_outputs],"),
        ),
        Mutant(
            "tangents reversed",
            "return tuple(input_tangent.split(ctx.sizes, ctx.dim))",
            "return tuple(input_tangent.flip(ctx.dim).split(ctx.sizes, ctx.dim))",
        ),
    ),
    mistakes=(
        (lambda f: f.split(torch.zeros(5, 3), [2, 2]), "sum exactly to 5|sum"),
        (lambda f: f.split(torch.zeros(5, 3), -1), "non-negative|negative"),
        (lambda f: f.split(torch.zeros(5, 3), 2, 2), "got 2"),
    ),
    is_view=True,
    drawn=Drawn(
        calls(ONE, ANY, always={"split_size_or_sections": (1, 2, 7, 0, [1, 2], [3], -1)}, dim=(0, -1, 1)),
        each_by_itself=True,
    ),
)
