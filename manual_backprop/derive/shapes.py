"""The shapes of inputs, as people write them: in Python, or as text on the command line."""

import re
from ast import literal_eval
from collections.abc import Iterable
from operator import index
from reprlib import repr as shortened
from typing import Any

from torch import Tensor

EXPECTED = "expected a list of shapes such as (5,3) (7,3) (7,)"


def shapes_of(function: str, given: Any) -> list[tuple[int, ...] | Tensor]:
    """A list of shapes, from such a list, from one shape alone, or from text; a tensor stays as it is.

    Args:
        function: what they are given to, for the message.
        given: the shapes.

    Raises:
        ValueError: it is none of these.
    """
    try:
        if isinstance(given, str):
            return [*shapes_in(given)]
        parts = [given] if isinstance(given, Tensor) else list(given)
        if parts and not any(isinstance(part, Tensor | Iterable) for part in parts):
            return [_shape(parts)]
        return [part if isinstance(part, Tensor) else _shape(part) for part in parts]
    except (TypeError, ValueError):
        raise ValueError(f"{function}: invalid shapes: {EXPECTED}, got {shortened(given)}") from None


def shapes_in(text: str) -> list[tuple[int, ...]]:
    """The text "(5,3) (7,)" as [(5, 3), (7,)]; commas between the shapes and brackets around them may stand.

    Raises:
        ValueError: the text is no such list.
    """
    left_over = re.sub(r"\([^()]*\)", "", text).strip(" \t\n,[]")
    try:
        shapes = [literal_eval(part) for part in re.findall(r"\([^()]*\)", text)]
        shapes = [_shape(shape if isinstance(shape, tuple) else (shape,)) for shape in shapes]
    except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
        shapes = []
    if not shapes or left_over:
        raise ValueError(f"{EXPECTED}, got {shortened(text)}")
    return shapes


def _shape(sizes: Any) -> tuple[int, ...]:
    shape = tuple(index(n) for n in sizes)
    if any(n < 0 for n in shape) or any(isinstance(n, bool) for n in sizes):
        raise ValueError
    return shape
