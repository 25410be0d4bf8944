"""One forward that derive is held to."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Given = Sequence[tuple[int, ...] | Tensor]


class Case(NamedTuple):
    """What is derived, with the shapes of its inputs, or the inputs themselves."""

    name: str
    forward: Any
    given: Given


def collector(cases: list[Case]) -> Callable[..., Callable[[Any], Any]]:
    """A decorator that adds a function to the cases: `@case((5, 3), (3,))`."""

    def case(*given: tuple[int, ...] | Tensor) -> Callable[[Any], Any]:
        def collect(function: Any) -> Any:
            cases.append(Case(function.__name__, function, given))
            return function

        return collect

    return case


def labels(*classes: int) -> Tensor:
    """Classes as integers."""
    return torch.tensor(classes)


def shares(*shape: int) -> Tensor:
    """Numbers between 0.1 and 0.9."""
    generator = torch.Generator().manual_seed(7)
    return 0.1 + 0.8 * torch.rand(shape, generator=generator, dtype=torch.float64)
