"""Random points to compare gradients at."""

from collections.abc import Sequence
from math import ceil, prod

import torch
from torch import Tensor

from manual_backprop.derive.arrays.code import functions_in
from manual_backprop.derive.code_syntax import clipped_to_shares
from manual_backprop.derive.numbers import away_from_zero, between_zero_and_one, near
from manual_backprop.verify.problem import Draw, Problem, Unjudged

DRAWS = 3  # a mistake is named only if it explains the gradient on every one
DRAWS_OF_FEW = 12  # where an input has only a few numbers, a fit to three draws would say little
FEW = 4
NUMBERS_TO_FIT = 18  # six for each of the three coefficients that a diagnosis fits at most


def draws_of(
    problem: Problem, given: Sequence[Tensor | tuple[int, ...]], like: Tensor, *, fresh: bool, seed: int
) -> tuple[Draw, ...]:
    """Random points: fresh numbers, of the type of `like`, or the given ones and others near them.

    Raises:
        Unjudged: the forward cannot be used; see `Problem.checked_value`.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    given = [x.clone() if isinstance(x, Tensor) and x.is_inference() else x for x in given]
    code = getattr(problem.forward, "code", (problem.forward,))
    shares = (
        {name for function in functions_in(*code) for name in clipped_to_shares(function)} if fresh else set()
    )
    few = any(0 < prod(_shape(x)) < FEW for x in given)

    def point(number: int) -> tuple[Tensor, ...]:
        if fresh:
            return _fresh_point(problem, given, shares, like, generator)
        tensors = [x for x in given if isinstance(x, Tensor)]
        judged = problem.differentiable if number else ()  # labels, masks and the like have a meaning
        return tuple(near(x, generator) if i in judged else x for i, x in enumerate(tensors))

    return tuple(
        _draw_at(problem, point(number), generator) for number in range(DRAWS_OF_FEW if few else DRAWS)
    )


def _fresh_point(
    problem: Problem,
    given: Sequence[Tensor | tuple[int, ...]],
    shares: set[str],
    like: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, ...]:
    """Numbers away from zero; between 0.1 and 0.9, as log and sqrt need them, if the forward is not finite.

    So are the `shares`, which the forward clips between 0 and 1. A tensor among the shapes is taken as it is.
    """
    numbers = (x if isinstance(x, Tensor) else away_from_zero(x, generator).to(like) for x in given)
    named = zip(problem.names, given, numbers, strict=True)
    point = tuple(
        between_zero_and_one(x) if name in shares and not isinstance(shape, Tensor) else x
        for name, shape, x in named
    )
    if is_finite_at(problem, point):
        return point
    return tuple(
        x if isinstance(shape, Tensor) else between_zero_and_one(x)
        for x, shape in zip(point, given, strict=True)
    )


def _draw_at(problem: Problem, point: tuple[Tensor, ...], generator: torch.Generator) -> Draw:
    output = problem.checked_value(point)
    if output.numel() == 0:
        raise Unjudged(
            f"the forward's output, of shape {tuple(output.shape)}, has no elements: there are no numbers to "
            "compare"
        )
    if not output.isfinite().all():
        index = [int(i) for i in (~output.isfinite()).nonzero()[0]]
        raise Unjudged(f"the forward's output is {float(output[tuple(index)])} at {index}")
    upstream = away_from_zero(tuple(output.shape), generator).to(output)
    if problem.is_loss:
        upstream = torch.ones_like(output)
    return Draw(point, upstream, output)


def draws_to_fit(numbers: int) -> int:
    """On how many of the draws a mistake in the gradient of an input with so many numbers is looked for."""
    return min(DRAWS_OF_FEW, max(DRAWS, ceil(NUMBERS_TO_FIT / numbers))) if 0 < numbers < FEW else DRAWS


def at_zero(problem: Problem, draw: Draw, at: int) -> Draw | None:
    """The point with some numbers of one input at zero, where kinks are; None if it has no value.

    There is at most one in each row, column or other line of numbers, since a function of a line, as its norm
    is, may have no derivative where all of the line is zero, and may have ties where two are.
    """
    x = draw.inputs[problem.differentiable[at]]
    places = torch.zeros(x.shape, dtype=torch.int64, device=x.device)
    for dim, size in enumerate(x.shape):
        along = torch.arange(size, device=x.device)
        places = places + along.view(-1, *[1] * (x.dim() - 1 - dim))
    return zeroed(problem, draw, at, places % max(x.shape, default=1) == 0)


def zeroed(problem: Problem, draw: Draw, at: int, mask: Tensor) -> Draw | None:
    """The point with the numbers of one input that the mask is true for at zero; None if it has no value."""
    position = problem.differentiable[at]
    x = draw.inputs[position].masked_fill(mask, 0)
    inputs = tuple(x if i == position else y for i, y in enumerate(draw.inputs))
    if not is_finite_at(problem, inputs):
        return None
    output = problem.value(inputs)
    return Draw(inputs, draw.upstream, output) if output.shape == draw.output.shape else None


def is_finite_at(problem: Problem, point: Sequence[Tensor]) -> bool:
    """Whether the forward can be computed at the point."""
    try:
        return bool(problem.value(point).isfinite().all())
    except (Exception, SystemExit):  # it is the user's own, and may raise anything
        return False


def _shape(x: tuple[int, ...] | Tensor) -> tuple[int, ...]:
    return tuple(x.shape) if isinstance(x, Tensor) else x
