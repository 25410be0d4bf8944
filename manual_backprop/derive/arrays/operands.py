"""What torch's functions are given in the place of NumPy's arguments."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from manual_backprop.derive.arrays.joining import of_values
from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.tensors import as_tensor


def operand(value: Any) -> Any:
    """Tensors of arrays, Python's numbers of scalars."""
    if isinstance(value, Memory):
        return value.tensor
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return as_tensor(value) if value.ndim else value.item()
    if isinstance(value, list | tuple):
        return of_values(plain(value))
    return value


def plain(value: Any) -> Any:
    """The operands in nested lists."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(plain(part) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(plain(part) for part in value)
    return operand(value)


def arrays_in(values: Any) -> Iterator[Memory]:
    """The traced arrays in nested lists."""
    for value in values:
        if isinstance(value, Memory):
            yield value
        elif isinstance(value, list | tuple):
            yield from arrays_in(value)
