"""What `avg_pool2d` is held to."""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution.avg_pool2d import avg_pool2d
from tests.functional.drawn import IMAGES, KERNEL, POOLING, Drawn, calls
from tests.functional.pooled import mistakes_of_pooling, two, window, x
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def derivation(
    grad_output: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    p, q = two(padding)
    with_padding = torch.zeros(*x.shape[:-2], x.shape[-2] + 2 * p, x.shape[-1] + 2 * q)
    for i in indices(grad_output):
        seen = window(i, x, kernel_size, stride, padding)
        counted = window(i, with_padding, kernel_size, stride, 0) if count_include_pad else seen
        for w in seen:
            grad[w] += grad_output[i] / (divisor_override or len(counted))
    return (grad,)


overlapping = {"kernel_size": 3, "stride": 2, "padding": 1}

AVG_POOL2D = (
    Sample("windows side by side", (randn(2, 3, 4, 6),), {"kernel_size": 2}),
    Sample("windows that overlap", (randn(2, 1, 5, 7),), overlapping),
    Sample("padding not counted", (randn(2, 1, 5, 7),), {**overlapping, "count_include_pad": False}),
    Sample("a divisor of its own", (randn(2, 1, 5, 7),), {**overlapping, "divisor_override": -5}),
    Sample(
        "every option",
        (randn(1, 2, 7, 6),),
        {"kernel_size": (3, 4), "stride": (3, 2), "padding": (1, 2), "ceil_mode": True},
    ),
    Sample(
        "every option, padding not counted",
        (randn(1, 2, 7, 6),),
        {
            "kernel_size": (3, 4),
            "stride": (3, 2),
            "padding": (1, 2),
            "ceil_mode": True,
            "count_include_pad": False,
        },
    ),
    Sample("rows left over", (randn(1, 2, 5, 7),), {"kernel_size": 2, "stride": 3}),
    Sample("rows left over, with a window", (randn(1, 2, 5, 6),), {"kernel_size": 2, "ceil_mode": True}),
    Sample("one image without a batch dimension", (randn(2, 5, 3),), {"kernel_size": 2, "stride": 1}),
    Sample("reversed strides", (transposed(randn(2, 3, 4, 5)),), {"kernel_size": 2, "stride": 1}),
    Sample("expanded", (randn(1, 3, 4, 5).expand(2, 3, 4, 5),), {"kernel_size": 2}, smooth=False),
    Sample("no examples", (randn(0, 3, 4, 5),), {"kernel_size": 2}),
    Sample(
        "infinities and NaN",
        (torch.tensor([[-inf, 1.0, nan, 1e4], [0.0, 1.0, 2.0, -1e4]]).double()[None],),
        {"kernel_size": 2, "stride": 1},
        smooth=False,
        finite=False,
    ),
)


SHARE = "added_up(g / D, -1"
ADDED = "rows[..., u : u + (o - 1) * s + 1 : s].add_(g)"
BACK = "return narrow(grad_input, grad_output.dtype), "
BESIDE = "grad_input = narrow(shared_out(g, kernel, number, ctx.size), grad_output.dtype)"
NUMBER = "number = divisor_override or prod(kernel)"
COUNTED = "(first + k).clamp(max=high) - first.clamp(min=low)"
BOUNDS = "(-p, n + p) if count_include_pad else (0, n)"
WHOLE = "low == -p and (windows - 1) * s - p + k <= high"

ROW = Row(
    name="avg_pool2d",
    function=avg_pool2d,
    twin=T.avg_pool2d,
    derivation=derivation,
    keeps=frozenset(),
    samples=AVG_POOL2D,
    mutants=(
        Mutant("the sum's gradient", SHARE, SHARE.replace("g / D", "g")),
        Mutant("the sum's gradient, of windows side by side", NUMBER, "number = 1"),
        Mutant("dropped minus", BACK, BACK.replace("grad_input", "-grad_input")),
        Mutant("dropped minus, of windows side by side", BESIDE, BESIDE.replace("narrow", "-narrow")),
        Mutant("upstream ignored", SHARE, SHARE.replace("g / D", "torch.ones_like(g) / D")),
        Mutant("k² at the border too", COUNTED, "first * 0 + k"),
        Mutant("padding always counted", BOUNDS, "(-p, n + p)"),
        Mutant("padding never counted", BOUNDS, "(0, n)"),
        Mutant("window of `ceil_mode` counted whole", COUNTED, COUNTED.replace(".clamp(max=high)", "")),
        Mutant("only the first window looked at", WHOLE, "low == -p"),
        Mutant("rows for columns", "(rows[:, None]", "(rows.flip(0)[:, None]"),
        Mutant("`divisor_override` ignored", "if D is None:", "if D is None or True:"),
        Mutant("all of it in one corner", ADDED, ADDED.replace("u : u", "0 : 0"), file="_windows"),
        Mutant(
            "tangent not divided",
            "return AvgPool2d.forward(input_tangent, ",
            "return 4 * AvgPool2d.forward(input_tangent, ",
        ),
    ),
    mistakes=(
        *mistakes_of_pooling("avg_pool2d"),
        (lambda f: f.avg_pool2d(x, 2, count_include_pad="no"), "count_include_pad must be a bool, got 'no'"),
        (lambda f: f.avg_pool2d(x, 2, divisor_override=1.5), "divisor_override must be an integer, got 1.5"),
        (lambda f: f.avg_pool2d(x, 2, divisor_override=0), "divisor_override must not be 0"),
        (lambda f: f.avg_pool2d(x.int(), 2), "torch.int32"),
    ),
    drawn=Drawn(
        calls(IMAGES, always=KERNEL, **POOLING, count_include_pad=(False,), divisor_override=(3, -2)),
        refusals={
            (IndexError, RuntimeError): "the twin looks for the channels of a matrix before it looks at it",
        },
    ),
)
