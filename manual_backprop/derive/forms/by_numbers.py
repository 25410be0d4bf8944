"""The derivatives of a function that cannot be looked into: from its values alone.

For each number xⱼ of its inputs, the column ∂f/∂xⱼ of the Jacobian is Im f(x + i h eⱼ) / h, where the
function takes complex numbers and is analytic: nothing is subtracted, so h may be 1e-30 and rounding is all
that is left (Squire and Trapp, SIAM Review 40, 1998). Elsewhere it is the central difference
(f(x + h eⱼ) − f(x − h eⱼ)) / 2h for two steps, with the terms in h² taken out (Richardson).
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Function = Callable[..., Tensor]
TINY = 1e-30
STEPS = (1e-3, 1e-4, 1e-5)
PRECISION = 1e-6
"""The relative error of central differences that is taken for their own, also where they are better."""
LEAST_PRECISE = 1e-3
SETTLED = 1e-7
AGREES = 1e-5  # relative, of the complex step with differences, along a random direction


def jacobian(function: Function, inputs: Sequence[Tensor]) -> tuple[list[Tensor], float]:
    """∂f/∂x for each input of real numbers, of shape (*f.shape, *x.shape), and its relative precision."""
    errors = []

    def by_differences(function: Function, inputs: Sequence[Tensor], place: Mapping[int, Tensor]) -> Tensor:
        found, error = slope_and_error(function, inputs, place)
        errors.append(error)
        return found

    with torch.no_grad():
        exact = _is_analytic(function, inputs)
        column = _complex_column if exact else by_differences
        found = [_of_input(function, inputs, at, column) for at in random_directions(inputs)]
    if exact:
        return found, 0.0
    size = max(map(_largest, found), default=0.0)
    return found, min(max(PRECISION, max(errors, default=0.0) / size if size else 0.0), LEAST_PRECISE)


def _of_input(function: Function, inputs: Sequence[Tensor], at: int, column: Callable[..., Tensor]) -> Tensor:
    x = inputs[at]
    columns = []
    for place in range(x.numel()):
        direction = torch.zeros_like(x)
        direction.view(-1)[place] = 1
        columns.append(column(function, inputs, {at: direction}))
    if not columns:
        return torch.zeros((*function(*inputs).shape, *x.shape), dtype=x.dtype)
    whole = torch.stack(columns, -1)
    return whole.reshape((*whole.shape[:-1], *x.shape))


def _moved(inputs: Sequence[Tensor], directions: Mapping[int, Tensor], step: complex) -> list[Tensor]:
    return [x + step * directions[i] if i in directions else x for i, x in enumerate(inputs)]


def _complex_column(function: Function, inputs: Sequence[Tensor], directions: Mapping[int, Tensor]) -> Tensor:
    complex_inputs = [x + 0j if x.is_floating_point() else x for x in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part that is dropped
        value = function(*_moved(complex_inputs, directions, 1j * TINY))
    return value.imag / TINY


def slope(function: Function, inputs: Sequence[Tensor], directions: Mapping[int, Tensor]) -> Tensor:
    """The derivative of every output along directions of inputs, by central differences."""
    return slope_and_error(function, inputs, directions)[0]


def slope_and_error(
    function: Function, inputs: Sequence[Tensor], directions: Mapping[int, Tensor]
) -> tuple[Tensor, float]:
    """The same, and what it is uncertain by: how much it changes when the step is halved, and rounding.

    Of a few steps, that is taken at which this is least: kinks may be near.
    """

    def difference(h: float) -> tuple[Tensor, float]:
        above, below = (function(*_moved(inputs, directions, step)) for step in (h, -h))
        rounding = torch.finfo(above.dtype).eps * _largest(above) / h
        return (above.double() - below.double()) / (2 * h), rounding

    best, least = None, torch.inf
    for step in STEPS:
        (coarse, _), (fine, rounding) = difference(step), difference(step / 2)
        better = (4 * fine - coarse) / 3
        change = _largest(better - fine)
        if best is None or change + rounding < least:
            best, least = better, change + rounding
        if change <= SETTLED * max(1.0, _largest(better)):
            break
    assert best is not None
    return best, least


def random_directions(inputs: Sequence[Tensor]) -> dict[int, Tensor]:
    """One for each input of real numbers, always the same."""
    generator = torch.Generator("cpu").manual_seed(0)
    return {
        at: torch.randn(x.shape, generator=generator, dtype=x.dtype)
        for at, x in enumerate(inputs)
        if x.is_floating_point()
    }


def _largest(x: Tensor) -> float:
    return float(x.abs().max()) if x.numel() else 0.0


def _is_analytic(function: Function, inputs: Sequence[Tensor]) -> bool:
    """Whether the function takes complex numbers, and its complex step is its slope."""
    directions = random_directions(inputs)
    try:
        by_complex = _complex_column(function, inputs, directions)
        by_difference = slope(function, inputs, directions)
    except (Exception, SystemExit):  # the function is the user's, and need not take complex numbers
        return False
    return _largest(by_complex - by_difference) <= AGREES * max(_largest(by_difference), 1.0)


class ByNumbers(torch.autograd.Function):
    """A function of tensors whose backward is made of its values."""

    @staticmethod
    def forward(ctx: Any, function: Function, *inputs: Tensor) -> Tensor:
        """The function's value."""
        ctx.function = function
        ctx.save_for_backward(*inputs)
        return function(*inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        """grad_output times the Jacobian."""
        return None, *ctx.function.gradients(ctx.saved_tensors, grad_output)
