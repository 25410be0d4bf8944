"""What the operations of two operands are tested with in common: pairs, and a derivation from two slopes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Sample, indices, inf, nan, randn, strided, transposed

Function = Callable[..., Any]


def by_place(function: Function) -> Function:
    """An option `first` or `second` is an operand that is not differentiated: a number, or a tensor."""

    def call(*inputs: Any, first: Any = None, second: Any = None, **options: Any) -> Any:
        given = [x for x in (first, *inputs, second) if x is not None]
        return function(*given, **options)

    return call


def broadcast_loop(
    slopes: Callable[..., tuple[float, ...]], grad_output: Tensor, *operands: Tensor
) -> tuple[Tensor, ...]:
    """Sums ∂L/∂zᵢ · slope over the places i where an operand was used; `slopes` of the numbers used there."""
    grads = [torch.zeros(x.shape, dtype=torch.float64) for x in operands]
    places = [torch.arange(x.numel()).reshape(x.shape).expand(grad_output.shape) for x in operands]
    for at in indices(grad_output):
        used = [int(place[at]) for place in places]
        numbers = [float(x.reshape(-1)[k]) for x, k in zip(operands, used, strict=True)]
        for grad, k, slope in zip(grads, used, slopes(*numbers), strict=True):
            grad.view(-1)[k] += grad_output[at] * slope
    return tuple(grads)


def derivation_from(slopes: Callable[..., tuple[float, float]]) -> Callable[..., tuple[Tensor, ...]]:
    """The derivation, for a function that is called `by_place`, from `slopes(x, y)`: ∂z/∂x and ∂z/∂y."""

    def derivation(
        grad_output: Tensor, *inputs: Tensor, second: Any = None, **options: Any
    ) -> tuple[Tensor, ...]:
        operands = inputs if second is None else (*inputs, torch.as_tensor(second))
        return broadcast_loop(partial(slopes, **options), grad_output, *operands)[: len(inputs)]

    return derivation


def pair(*shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Two operands with random numbers, none within ½ of zero, so that they can be divisors."""
    drawn = (randn(*shape, seed=seed) for shape, seed in zip(shapes, "xy", strict=True))
    return tuple(x + 0.5 * x.sign() for x in drawn)


COUNTS = torch.tensor([2, -1, 3])
"""An operand of integers: the result is of the other one's type."""

PAIRS = (
    Sample("two matrices", pair((5, 3), (5, 3))),
    Sample("a bias over the examples", pair((5, 3), (3,))),
    Sample("a column and a row", pair((5, 1), (3,))),
    Sample("more dimensions on the right", pair((3, 1), (2, 1, 5))),
    Sample("two numbers", pair((), ())),
    Sample("a matrix and a number", pair((5, 3), ())[:1], {"second": 2.5}),
    Sample("a matrix and integers", pair((5, 3), ())[:1], {"second": COUNTS}),
    Sample(
        "reversed and skipping strides",
        (transposed(pair((5, 3), (5, 3))[0]), strided(pair((5, 3), (5, 3))[1])),
    ),
    Sample("no examples", pair((0, 3), (1, 3))),
    Sample("expanded", (pair((3, 1), ())[0].expand(3, 5), pair((), (5,))[1].expand(3, 5)), smooth=False),
    Sample(
        "infinities, zeros and NaN",
        (
            torch.tensor([inf, -inf, 1.0, 0.0, nan]).double(),
            torch.tensor([inf, 2.0, -inf, 0.0, 1.0]).double(),
        ),
        smooth=False,
        finite=False,
    ),
    Sample("±1e4", (torch.tensor([-1e4, 1e4, 1.0]).double(), torch.tensor([1e4, 1.0, -1e4]).double())),
)

WITH_ALPHA = Sample("α times the second", pair((5, 3), (3,)), {"alpha": 2.5})

NUMBER_FIRST = Sample("a number and a matrix", pair((5, 3), ())[:1], {"first": -2})
"""Of such a call `backward` returns the None of the number first: only what goes through the engine fits."""
