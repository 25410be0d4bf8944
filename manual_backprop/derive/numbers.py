"""Numbers to run a forward on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

MARGIN = 0.1  # that drawn numbers keep from zero, where many functions have a kink
SPREAD = 0.2  # relative, of numbers drawn near given ones


def sample_of(given: Sequence[Any], seed: int) -> list[Tensor]:
    """Numbers away from zero in the place of each shape, a tensor as it is."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return [x if isinstance(x, Tensor) else away_from_zero(x, generator) for x in given]


def drawn(
    function: Callable[..., Any], given: Sequence[Tensor | tuple[int, ...]], seed: int
) -> tuple[Tensor, ...]:
    """The same; between 0.1 and 0.9, as log and sqrt need them, where the function is not finite there."""
    point = tuple(sample_of(given, seed))
    if _is_finite(function, point):
        return point
    return tuple(
        x if isinstance(shape, Tensor) else between_zero_and_one(x)
        for x, shape in zip(point, given, strict=True)
    )


@contextmanager
def doubles() -> Iterator[None]:
    """Inside, what a forward makes of no tensor, such as `torch.zeros(5)`, is float64 like all else."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def near(x: Tensor, generator: torch.Generator) -> Tensor:
    """The same signs and zeros, other sizes; integers as they are."""
    if not x.is_floating_point():
        return x
    uniform = torch.rand(x.shape, generator=generator, dtype=torch.float64, device="cpu")
    return (x.detach().double() * ((1 - SPREAD) + 2 * SPREAD * uniform.to(x.device))).to(x.dtype)


def away_from_zero(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Normally distributed numbers, moved away from zero by `MARGIN`."""
    x = torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu")
    return x + MARGIN * x.sign()


def between_zero_and_one(x: Tensor) -> Tensor:
    """Other numbers for these: from 0.1 to 0.9."""
    return MARGIN + (1 - 2 * MARGIN) * x.abs().frac()


def _is_finite(function: Callable[..., Any], point: Sequence[Tensor]) -> bool:
    try:
        with torch.no_grad():
            output = function(*(x.clone() for x in point))
        outputs = output if isinstance(output, tuple | list) else (output,)
        return all(isinstance(x, Tensor) and bool(x.isfinite().all()) for x in outputs)
    except (RuntimeError, ValueError, TypeError, AttributeError):
        return False
