"""The shapes of inputs, as people write them: in Python, or as text on the command line."""

import re
from ast import literal_eval
from collections.abc import Iterable
from math import prod
from operator import index
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor

EXPECTED = "expected a list of shapes such as (5,3) (7,3) (7,)"
SHAPE = re.compile(r"(\([^()]*\))(?:\s*<\s*(\d+))?")


def shapes_of(function: str, given: Any) -> list[tuple[int, ...] | Tensor]:
    """A list of shapes, from such a list, from one shape alone, or from text; a tensor stays as it is.

    The text "(64,)<10", also in a list, is a tensor of 64 integers from 0 to 9, such as class numbers.

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
        return [found for part in parts for found in _of(part)]
    except (TypeError, ValueError):
        raise ValueError(f"{function}: invalid shapes: {EXPECTED}, got {shortened(given)}") from None


def _of(part: Any) -> list[tuple[int, ...] | Tensor]:
    if isinstance(part, str):
        return [*shapes_in(part)]
    return [part if isinstance(part, Tensor) else _shape(part)]


def shapes_in(text: str) -> list[tuple[int, ...] | Tensor]:
    """The text "(5,3) (7,)" as [(5, 3), (7,)]; commas between the shapes and brackets around them may stand.

    A shape with <10 behind it, "(5,)<10", is a tensor of integers from 0 to 9.

    Raises:
        ValueError: the text is no such list.
    """
    left_over = SHAPE.sub("", text).strip(" \t\n,[]")
    shapes: list[tuple[int, ...] | Tensor] = []
    try:
        for written, below in SHAPE.findall(text):
            sizes = literal_eval(written)
            shape = _shape(sizes if isinstance(sizes, tuple) else (sizes,))
            shapes.append(integers(shape, int(below)) if below else shape)
    except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
        shapes = []
    if not shapes or left_over:
        raise ValueError(f"{EXPECTED}, got {shortened(text)}")
    return shapes


def integers(shape: tuple[int, ...], below: int) -> Tensor:
    """Integers from 0 to `below` − 1, about as many of each, in an order that is always the same."""
    if below < 1:
        raise ValueError
    numbers = torch.arange(prod(shape)) % below
    return numbers[torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0))].reshape(shape)


def _shape(sizes: Any) -> tuple[int, ...]:
    shape = tuple(index(n) for n in sizes)
    if any(n < 0 for n in shape) or any(isinstance(n, bool) for n in sizes):
        raise ValueError
    return shape
