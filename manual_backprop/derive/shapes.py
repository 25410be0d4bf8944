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
EXPECTED_ARGUMENTS = "expected a shape such as (5,3), a number, 'a string', True, None or {'stride': 1}"
SEPARATORS = " \t\n,"
NAME = re.compile(r"([^\W\d]\w*)\s*=\s*")
BELOW = re.compile(r"\s*<\s*(\d+)")
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
            shapes.append(integers(shape, int(below), len(shapes)) if below else shape)
    except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
        shapes = []
    if not shapes or left_over:
        raise ValueError(f"{EXPECTED}, got {shortened(text)}")
    return shapes


def named_arguments_in(text: str) -> list[tuple[str | None, Any]]:
    """The arguments of a forward: shapes, flags and options, each with its name or None.

    The text "(5,3) 'train'" is (None, (5, 3)), (None, "train"), and "x=(5,3) p=0.5" is ("x", (5, 3)),
    ("p", 0.5). A shape with <10 behind it is a tensor of integers. Those with a name come last, as in a call.

    Raises:
        ValueError: the text is none of this.
    """
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]") and inner.count("[") == 1:
        inner = inner[1:-1]
    found: list[tuple[str | None, Any]] = []
    at = 0
    names: set[str | None] = set()
    while at < len(inner):
        if inner[at] in SEPARATORS:
            at += 1
            continue
        match = NAME.match(inner, at)
        name, start = (match[1], match.end()) if match else (None, at)
        end = _end_of_value(inner, start)
        below = BELOW.match(inner, end)
        try:
            found.append((name, _value(inner[start:end], below and int(below[1]), len(found))))
        except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
            about = f"{name} is given as {shortened(inner[start:end])}" if name else f"got {shortened(text)}"
            raise ValueError(f"{EXPECTED_ARGUMENTS if name else EXPECTED}, {about}") from None
        if name in names or (name is None and names):
            wrong = f"{name} is given twice" if name else "an argument without a name follows one with a name"
            raise ValueError(f"{wrong}: {shortened(text)}")
        names |= {name} - {None}
        at = below.end() if below else end
    if not any(_has_shape(value) for _, value in found):
        raise ValueError(f"{EXPECTED}, got {shortened(text)}")
    return found


def _end_of_value(text: str, start: int) -> int:
    """Where a value ends that begins at `start`: with its last bracket or quote, or before a separator."""
    depth, quote = 0, ""
    for at in range(start, len(text)):
        character = text[at]
        if quote:
            quote = "" if character == quote and text[at - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth <= 0:
                return at + 1
            continue
        elif not depth and (character in SEPARATORS or character == "<"):
            return at
        if not quote and not depth and character in "'\"" and at > start:
            return at + 1
    return len(text)


def _value(text: str, below: int | None, number: int) -> Any:
    """A shape as a tuple, integers where it has an upper bound, and any other value as Python reads it.

    Integers of another number are others. A word is a string, also without quotes.
    """
    if text.isidentifier() and text not in ("True", "False", "None"):
        value: Any = text
    else:
        value = literal_eval(text)
    if text.startswith("("):
        value = _shape(value if isinstance(value, tuple) else (value,))
    elif isinstance(value, bytes | set | complex) or value is ...:
        raise ValueError
    if below is None:
        return value
    return integers(value if isinstance(value, tuple) else _shape(value), below, number)


def _has_shape(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_shape, value.values() if isinstance(value, dict) else value))
    return isinstance(value, tuple | Tensor)


def integers(shape: tuple[int, ...], below: int, seed: int = 0) -> Tensor:
    """Integers from 0 to `below` − 1, about as many of each, in the order of a seed; one is the largest."""
    if below < 1:
        raise ValueError
    if prod(shape) == 1:
        return torch.full(shape, below - 1)
    numbers = torch.arange(prod(shape)) % below
    return numbers[torch.randperm(len(numbers), generator=torch.Generator().manual_seed(seed))].reshape(shape)


def _shape(sizes: Any) -> tuple[int, ...]:
    shape = tuple(index(n) for n in sizes)
    if any(n < 0 for n in shape) or any(isinstance(n, bool) for n in sizes):
        raise ValueError
    return shape
