"""What `embedding` is held to."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.affine.embedding import embedding
from tests.functional.drawn import TO_ADD, Drawn, calls, places_in
from tests.functional.samples import (
    Mutant,
    Row,
    Sample,
    indices,
    inf,
    labels,
    nan,
    randn,
    strided,
    transposed,
)


def derived(grad_output: Tensor, W: Tensor, input: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(W)
    for v, j in indices(W):
        grad[v, j] = sum(float(grad_output[n][j]) for n in indices(input) if input[n] == v)  # Σₙ [v = iₙ] δₙⱼ
    return (grad,)


def of_weight(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def swapped(weight: Tensor, **options: Any) -> Tensor:
        return function(options.pop("input"), weight, **options)

    return swapped


table, text = randn(5, 3), labels(7, classes=4)  # no one says word 4

# With these options the gradient is not the derivative of the output, and no check of derivatives applies.
OPTIONS = {
    "padding": {"padding_idx": 1},
    "padding from the end": {"padding_idx": -4},
    "padding with row 0": {"padding_idx": 0},
    "by frequency": {"scale_grad_by_freq": True},
    "both": {"padding_idx": 1, "scale_grad_by_freq": True},
}

EMBEDDING = (
    Sample("a text", (table,), {"input": text}),
    Sample("two dimensions of int32", (table,), {"input": labels(2, 3, classes=5).int()}),
    Sample("one index", (table,), {"input": torch.tensor(2)}),
    Sample("one word at all places", (table,), {"input": torch.ones(2, 3).long()}),
    Sample("strides", (transposed(table),), {"input": strided(text)}),
    Sample("an expanded table", (randn(1, 3).expand(5, 3),), {"input": text}, smooth=False),
    Sample("no text", (table,), {"input": text[:0].reshape(0, 2)}, smooth=False),
    Sample("rows of no numbers", (randn(5, 0),), {"input": text}, smooth=False),
    *(
        Sample(name, (table,), {"input": text, **options}, smooth=False, finite=False)
        for name, options in OPTIONS.items()
    ),
    Sample(
        "infinities and NaN",
        (torch.tensor([[inf, -inf], [nan, 1e4]]).double(),),
        {"input": torch.tensor([1, 0, 1])},
        smooth=False,
        finite=False,
    ),
)

SCATTER = "grad_weight = add(0, i, delta)"
ADD = "add = zeros.index_add_ if may_overwrite_own(grad_output) else zeros.index_add"
DELTA = "delta = widen(grad_output).reshape(indices.numel(), D)"
PADDING = "delta = delta.masked_fill((i == ctx.padding_idx).unsqueeze(1), 0)"
PLACES = "delta = delta / places.index_select(0, i).unsqueeze(1)"

x, W = torch.tensor([1, 2]), torch.zeros(5, 3)

ROW = Row(
    name="embedding",
    function=of_weight(embedding),
    twin=of_weight(T.embedding),
    derivation=derived,
    keeps=frozenset({"input"}),
    samples=EMBEDDING,
    mutants=(
        Mutant("the last place overwrites the others", ADD, ADD.replace("index_add", "index_copy")),
        Mutant("the mean over places", SCATTER, f"{SCATTER} / max(indices.numel(), 1)"),
        Mutant("the sign", SCATTER, SCATTER.replace("i, delta", "i, -delta")),
        Mutant("upstream ignored", DELTA, f"{DELTA}.detach() * 0 + 1"),
        Mutant("upstream read in the wrong order", DELTA, DELTA.replace("indices.numel(), D)", "D, -1).t()")),
        Mutant("the padding row learns", PADDING, "pass"),
        Mutant("all rows but the padding are fixed", PADDING, PADDING.replace("==", "!=")),
        Mutant("multiplied by the frequency", PLACES, PLACES.replace("delta / ", "delta * ")),
        Mutant("the frequency left out", PLACES, "pass"),
        Mutant("the frequency of the row, not of the word", PLACES, "delta = delta / places.max()"),
        Mutant(
            "the table's gradient counted twice", "narrow(grad_weight, ctx", "narrow(grad_weight * 2, ctx"
        ),
    ),
    mistakes=(
        (lambda f: f.embedding(x.float(), W), "int64 or int32, got torch.float32"),
        (lambda f: f.embedding(x.byte(), W), "got torch.uint8"),
        (lambda f: f.embedding(x + 3, W), "index 5 is out of range for 5 rows, 0 to 4"),
        (lambda f: f.embedding(x - 2, W), "index -1 is out of range"),
        (lambda f: f.embedding(x, W[0]), r"expected weight \(V, D\), got \(3,\)"),
        (lambda f: f.embedding(x, W[None]), r"got \(1, 5, 3\)"),
        (lambda f: f.embedding(x, W, padding_idx=5), "from -5 to 4, got 5"),
        (lambda f: f.embedding(x, W, padding_idx=-6), "got -6"),
        (lambda f: f.embedding([1], W), "input must be a Tensor, got list"),
        (lambda f: f.embedding(x, [1.0]), "weight must be a Tensor, got list"),
    ),
    adapt=of_weight,
    drawn=Drawn(
        calls("23 | 31 | 20", TO_ADD, places_in),
        refusals={
            (RuntimeError, IndexError): "in a table without columns the twin finds the wrong index later",
        },
    ),
)
