"""What `max_pool2d` is held to."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution.max_pool2d import max_pool2d
from tests.functional.drawn import ANY, IMAGES, KERNEL, POOLING, Drawn, calls
from tests.functional.pooled import mistakes_of_pooling, window, x
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def with_places(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is kept for backward is an output then."""
    return partial(function, return_indices=True)


def derivation(
    grad_output: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    for i in indices(grad_output):
        seen = window(i, x, kernel_size, stride, padding, dilation)
        largest = max(seen, key=lambda w: float(x[w]))  # the first of several
        grad[largest] += grad_output[i]
    return (grad,)


ties = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, -1.0, 1.0, 2.0], [-0.0, 0.0, -3.0, -3.0]]).double()

MAX_POOL2D = (
    Sample("windows side by side", (randn(2, 3, 4, 6),), {"kernel_size": 2}),
    Sample("windows that overlap", (randn(2, 1, 5, 7),), {"kernel_size": 3, "stride": 2, "padding": 1}),
    Sample(
        "every option",
        (randn(1, 2, 7, 5),),
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 3), "ceil_mode": True},
    ),
    Sample("rows left over", (randn(1, 2, 5, 7),), {"kernel_size": 2, "stride": 3}),
    Sample("rows left over, with a window", (randn(1, 2, 5, 6),), {"kernel_size": 2, "ceil_mode": True}),
    Sample("one image without a batch dimension", (randn(2, 5, 3),), {"kernel_size": 2, "stride": 1}),
    Sample("reversed strides", (transposed(randn(2, 3, 4, 5)),), {"kernel_size": 2, "stride": 1}),
    Sample("expanded", (randn(1, 3, 4, 5).expand(2, 3, 4, 5),), {"kernel_size": 2}, smooth=False),
    Sample("no examples", (randn(0, 3, 4, 5),), {"kernel_size": 2}),
    Sample("the kink: equal numbers", (ties[None],), {"kernel_size": 2, "stride": 1}, smooth=False),
    Sample(
        "infinities and NaN",
        (torch.tensor([[-inf, -inf, nan, 1e4], [-inf, -inf, inf, -1e4]]).double()[None],),
        {"kernel_size": 2, "stride": 1},
        smooth=False,
        finite=False,
    ),
)


SCATTERED = "nothing.scatter_add_(-1, _in_a_row(places), _in_a_row(g))"
PUSHED = "_in_a_row(input_tangent).gather(-1, _in_a_row(places))"

ROW = Row(
    name="max_pool2d",
    function=with_places(max_pool2d),
    twin=with_places(T.max_pool2d),
    derivation=derivation,
    keeps=frozenset({"output 1"}),
    samples=MAX_POOL2D,
    adapt=with_places,
    mutants=(
        Mutant(
            "the last window wins where several meet",
            SCATTERED,
            SCATTERED.replace("scatter_add_", "scatter_"),
        ),
        Mutant("dropped minus", SCATTERED, "-" + SCATTERED),
        Mutant(
            "upstream ignored", SCATTERED, SCATTERED.replace("_in_a_row(g)", "_in_a_row(torch.ones_like(g))")
        ),
        Mutant(
            "the neighbour's place",
            SCATTERED,
            SCATTERED.replace("_in_a_row(places)", "(_in_a_row(places) + 1) % (H * W)"),
        ),
        Mutant("images read column by column", "return image.reshape(", "return image.mT.reshape("),
        Mutant("averaged over the windows", SCATTERED, f"{SCATTERED} / max(places[..., 0, 0].numel(), 1)"),
        Mutant(
            "the gradient spread evenly, as of a mean",
            SCATTERED,
            "nothing + g.sum((-2, -1))[..., None] / (H * W)",
        ),
        Mutant(
            "the largest of the tangent", PUSHED, PUSHED.replace("_in_a_row(places)", "_in_a_row(places) * 0")
        ),
    ),
    mistakes=(
        *mistakes_of_pooling("max_pool2d"),
        (lambda f: f.max_pool2d(x, 2, dilation=0), r"dilation must be at least 1, got \(0, 0\)"),
        (lambda f: f.max_pool2d(x[0, 0], 2), r"expected input .*\(7, 5\)"),
        (lambda f: f.max_pool2d(x, 3, dilation=4), r"no window fits.*dilation=\(4, 4\)"),
    ),
    drawn=Drawn(calls(IMAGES, ANY, always=KERNEL, **POOLING, dilation=(1, 2))),
)
