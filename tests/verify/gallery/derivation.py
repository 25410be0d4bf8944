"""What an entry of the gallery is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Shapes = tuple[Any, ...]
XY: Shapes = ((5, 3), (5, 3))
X: Shapes = ((5, 3),)
MATMUL: Shapes = ((5, 3), (3, 7))
LINEAR: Shapes = ((5, 3), (7, 3), (7,))


@dataclass(frozen=True)
class Derivation:
    """`backward` for `forward`; where it is wrong, the mistake that is to be named for input `at`."""

    title: str
    forward: Callable[..., Tensor]
    backward: Callable[..., Any]
    shapes: Shapes
    mistake: str = ""
    at: int = 0


def wrong(
    title: str, mistake: str, forward: Any, backward: Any, shapes: Shapes = X, at: int = 0
) -> Derivation:
    return Derivation(title, forward, backward, shapes, mistake, at)


def right(title: str, forward: Any, backward: Any, shapes: Shapes = X) -> Derivation:
    return Derivation(title, forward, backward, shapes)
