"""What `adaptive_avg_pool2d` is held to."""

import math
from itertools import product
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution.adaptive_avg_pool2d import adaptive_avg_pool2d
from tests.functional.drawn import IMAGES, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(grad_output: Tensor, x: Tensor, output_size: Any) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for *plane, i, j in indices(grad_output):
        parts = zip((i, j), x.shape[-2:], grad_output.shape[-2:], strict=True)
        rows, columns = (range(at * n // o, math.ceil((at + 1) * n / o)) for at, n, o in parts)
        for h, w in product(rows, columns):
            grad[*plane, h, w] += grad_output[*plane, i, j] / (len(rows) * len(columns))
    return (grad,)


ADAPTIVE = (
    Sample("parts that share rows", (randn(2, 3, 5, 7),), {"output_size": (3, 2)}),
    Sample("equal parts", (randn(2, 1, 6, 4),), {"output_size": 2}),
    Sample("one part of all", (randn(2, 3, 5, 4),), {"output_size": 1}),
    Sample("rows as they are", (randn(2, 1, 5, 7),), {"output_size": (None, 3)}),
    Sample("all as it is", (randn(1, 2, 3, 5),), {"output_size": (None, None)}),
    Sample("more parts than rows", (randn(1, 2, 3, 2),), {"output_size": [5, 4]}),
    Sample("one image without a batch dimension", (randn(2, 5, 3),), {"output_size": 2}),
    Sample("reversed strides", (transposed(randn(2, 3, 4, 5)),), {"output_size": (3, 2)}),
    Sample("expanded", (randn(1, 3, 4, 5).expand(2, 3, 4, 5),), {"output_size": 3}, smooth=False),
    Sample("no examples", (randn(0, 3, 4, 5),), {"output_size": 2}),
    Sample(
        "infinities and NaN",
        (torch.tensor([[-inf, 1.0, nan, 1e4], [0.0, 1.0, 2.0, -1e4]]).double()[None],),
        {"output_size": (2, 3)},
        smooth=False,
        finite=False,
    ),
)


BACK = "return narrow(grad_input, grad_output.dtype), None"
COLUMNS = "by_columns = given_back(widen(grad_output), -1, W)"
EQUAL = "(kinds / (n // c))"
SHARE = "share = kinds.narrow(dim, i, 1)"
ADDED = "grad.narrow(dim, first, end - first).add_(share, alpha=1 / (end - first))"
END = "-(-(i + 1) * n // o)"
x = torch.zeros(2, 3, 7, 5)

ROW = Row(
    name="adaptive_avg_pool2d",
    function=adaptive_avg_pool2d,
    twin=T.adaptive_avg_pool2d,
    derivation=derivation,
    keeps=frozenset(),
    samples=ADAPTIVE,
    mutants=(
        Mutant("the sum's gradient", ADDED, ADDED.replace(", alpha=1 / (end - first)", "")),
        Mutant("the sum's gradient, of equal parts", EQUAL, "kinds"),
        Mutant("dropped minus", BACK, BACK.replace("grad_input", "-grad_input")),
        Mutant(
            "upstream ignored",
            COLUMNS,
            COLUMNS.replace("widen(grad_output)", "grad_output.new_ones(grad_output.shape)"),
        ),
        Mutant("parts that share no row", END, "(i + 1) * n // o"),
        Mutant(
            "one only of the parts that a row is in",
            ADDED,
            ADDED.replace("add_(", "copy_(").replace("share, alpha=1", "share"),
        ),
        Mutant(
            "what is behind them too", ADDED, ADDED.replace("grad.narrow(dim, first, end - first)", "grad")
        ),
        Mutant(
            "divided by the largest part",
            ADDED,
            ADDED.replace("1 / (end - first)", "1 / (-(-n // o) + (n % o > 0))"),
        ),
        Mutant("parts in reverse order", SHARE, SHARE.replace("kinds", "kinds.flip(dim)")),
        Mutant(
            "tangent of the sum", "return AdaptiveAvgPool2d.forward(", "return 2 * AdaptiveAvgPool2d.forward("
        ),
    ),
    mistakes=(
        (lambda f: f.adaptive_avg_pool2d(x, (2, 2, 2)), r"two.* got \(2, 2, 2\)"),
        (lambda f: f.adaptive_avg_pool2d(x, (2,)), r"two.* got \(2,\)"),
        (lambda f: f.adaptive_avg_pool2d(x, -1), r"output_size must be at least 0, got \(-1, -1\)"),
        (lambda f: f.adaptive_avg_pool2d(x, 2.5), "got 2.5"),
        (lambda f: f.adaptive_avg_pool2d(x, (2.0, 2)), r"got \(2.0, 2\)"),
        (lambda f: f.adaptive_avg_pool2d(x, None), "got None"),
        (lambda f: f.adaptive_avg_pool2d(x.long(), 2), "got torch.int64"),
        (lambda f: f.adaptive_avg_pool2d(x + 0j, 2), "got torch.complex64"),
        (lambda f: f.adaptive_avg_pool2d(x[:, :, :0], 2), r"positive, got input \(2, 3, 0, 5\)"),
        (lambda f: f.adaptive_avg_pool2d(x[None], 2), r"got \(1, 2, 3, 7, 5\)"),
    ),
    drawn=Drawn(
        calls(IMAGES, always={"output_size": (1, 2, 5, (2, 3), (None, 1), 0, -1)}),
        refusals={
            (RuntimeError, None): "of no channels or parts the twin has a value, but no gradient",
            (None, RuntimeError): "the twin averages a matrix too where output_size is 1",
        },
    ),
)
