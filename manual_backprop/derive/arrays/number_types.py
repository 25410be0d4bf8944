"""`float(loss)` of a traced array: it is left an array, through which gradients flow."""

from typing import Any

import numpy as np

from manual_backprop.derive.arrays.array import TracedArray


class _OfNumbers(type):
    """Of a type that stands in the place of one of numbers, wherever code uses that."""

    own: Any

    def __call__(cls, *values: Any) -> Any:
        if len(values) == 1 and isinstance(values[0], TracedArray):
            return values[0].item().astype(cls.own)
        return cls.own(*values)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, cls.own)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.own)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.own

    def __hash__(cls) -> int:
        return hash(cls.own)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.own, name)


def number_type(own: type) -> type:
    """What stands in the place of a type of numbers; NumPy takes it for the same `dtype`."""
    return _OfNumbers(own.__name__, (), {"own": own, "dtype": np.dtype(own)})
