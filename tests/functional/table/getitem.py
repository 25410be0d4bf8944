"""What `getitem` is held to."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.shapes.getitem import getitem
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, inf, nan, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, index: Any) -> tuple[Tensor]:
    numbers = torch.arange(x.numel()).reshape(x.shape)[index]
    grad = torch.zeros(x.numel(), dtype=x.dtype)
    for place, g in zip(numbers.flatten().tolist(), grad_output.flatten().tolist(), strict=True):
        grad[place] += g
    return (grad.reshape(x.shape),)


PUT = "grad_input[index] = grad_output"
ADD = "grad_input.index_add(0, places, grad_output.reshape(places.shape))"
VECTOR = "return add(dim, places, grad_output)"
ROWS_TWICE = torch.tensor([2, 0, 2])

INDICES = (
    *(0, -1, 3, slice(1, None), slice(0, 0), (), ..., None, (..., 0), (slice(None), 1), [0, 0]),
    *(torch.tensor([1, 0, 1]), torch.tensor([0, 5])),
)

ROW = Row(
    name="getitem",
    function=getitem,
    twin=lambda x, index: x[index],
    derivation=derivation,
    keeps=frozenset({"index"}),
    samples=(
        Sample("a row", (randn(5, 3),), {"index": 1}),
        Sample("the last column", (randn(5, 3),), {"index": (slice(None), -1)}),
        Sample("steps, None and …", (transposed(randn(2, 3, 5)),), {"index": (None, ..., slice(0, 4, 2))}),
        Sample("a row twice", (randn(5, 3),), {"index": ROWS_TWICE}),
        Sample("pairs of places", (randn(5, 3),), {"index": (ROWS_TWICE, torch.tensor([1, 1, 1]))}),
        Sample("places between slices", (randn(2, 5, 3),), {"index": (slice(1, 2), ROWS_TWICE, [0, 2, 2])}),
        Sample("where true", (randn(5, 3),), {"index": randn(5, 3) > 0}, smooth=False),
        Sample("rows in a list", (randn(5, 3),), {"index": [0, 0]}),
        Sample("all", (randn(5, 3),), {"index": ()}),
        Sample("no rows", (randn(5, 3),), {"index": slice(3, 3)}),
        Sample("of no elements", (randn(0, 3),), {"index": (slice(None), 1)}),
        Sample(
            "infinities and NaN",
            (torch.tensor([-inf, nan, 1.0]).double(),),
            {"index": slice(0, 2)},
            smooth=False,
            finite=False,
        ),
    ),
    mutants=(
        Mutant(
            "the last of two ways only",
            ADD,
            "grad_input.index_copy(0, places, grad_output.reshape(places.shape))",
        ),
        Mutant("sign, of a vector", VECTOR, VECTOR.replace("grad_output", "-grad_output")),
        Mutant("the last place of a vector for the others", "zeros.index_add_ if", "zeros.index_copy_ if"),
        Mutant("to every place", PUT, "grad_input[...] = grad_output.sum()"),
        Mutant("sign", PUT, PUT.replace("= ", "= -")),
        Mutant("upstream ignored", PUT, PUT.replace("= ", "= 1 + 0 * ")),
        Mutant("all indices taken for basic ones", "if is_basic(index):", "if True:"),
        Mutant("sign, of places", ADD, ADD.replace("grad_output.", "-grad_output.")),
        Mutant("averaged over the ways", ADD, f"({ADD} / max(len(places), 1))"),
        Mutant("tangent as it is", "return input_tangent[kept_index(ctx)]", "return input_tangent * 1"),
    ),
    is_view=True,
    drawn=Drawn(calls(ONE, ANY, always={"index": INDICES}), each_by_itself=True),
)
