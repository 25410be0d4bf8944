"""One forward in NumPy that derive is held to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Given = Sequence[tuple[int, ...] | np.ndarray[Any, Any]]


class Case(NamedTuple):
    """What is derived, with the shapes of its arrays, or the arrays themselves, and its options."""

    name: str
    forward: Any
    given: Given
    options: Mapping[str, Any]


def collector(cases: list[Case]) -> Callable[..., Callable[[Any], Any]]:
    """A decorator that adds a function to the cases: `@case((5, 3), (3,), stride=1)`."""

    def case(*given: tuple[int, ...] | np.ndarray[Any, Any], **options: Any) -> Callable[[Any], Any]:
        def collect(function: Any) -> Any:
            cases.append(Case(function.__name__, function, given, options))
            return function

        return collect

    return case


def labels(*classes: int) -> np.ndarray[Any, Any]:
    """Classes as integers."""
    return np.array(classes)


def mask(*shape: int) -> np.ndarray[Any, Any]:
    """Zeros and ones."""
    return (np.random.default_rng(7).random(shape) < 0.7).astype(float)
