"""Whether two indices name the same part of a tensor, or parts that have nothing in common."""

from typing import Any


def is_same_part(one: Any, other: Any) -> bool:
    """Whether they are the same numbers and slices."""
    return plain(one) is not None and plain(one) == plain(other)


def are_apart(one: Any, other: Any) -> bool:
    """Whether they name different places of one dimension, whatever its size."""
    pairs = zip(plain(one) or (), plain(other) or (), strict=False)
    return any(isinstance(i, int) and isinstance(j, int) and i != j and (i < 0) == (j < 0) for i, j in pairs)


def plain(index: Any) -> tuple[Any, ...] | None:
    """The index as a tuple, if it is made of numbers and slices; None if not."""
    parts = index if isinstance(index, tuple) else (index,)
    return parts if all(isinstance(p, int | slice) and not isinstance(p, bool) for p in parts) else None
