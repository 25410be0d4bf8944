"""NumPy's operators, and Python's conversions, of arrays that hold tensors."""

from typing import Any

import numpy as np

from manual_backprop.derive.arrays.calls import call, call_ufunc
from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.tensors import Untraceable


class Operators(Memory):
    """An array with operators."""

    __slots__ = ()

    def __bool__(self) -> bool:
        if self._tensor.numel() != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self.tensor)

    def __int__(self) -> int:
        return int(self.tensor)

    def __index__(self) -> int:
        return self.tensor.__index__()

    def __float__(self) -> float:
        if self._tensor.is_floating_point():
            raise Untraceable("float() of a traced number")
        return float(self.tensor)

    def __floor__(self) -> int:
        return int(call_ufunc("floor", (self,)))

    def __ceil__(self) -> int:
        return int(call_ufunc("ceil", (self,)))

    def __trunc__(self) -> int:
        return int(self)

    def __round__(self, digits: int | None = None) -> Any:
        rounded = call(np.round, (self, digits or 0), {})
        return int(rounded) if digits is None else rounded

    def __complex__(self) -> complex:
        raise Untraceable("complex() of a traced number")


def _operators() -> None:
    """Give Operators NumPy's operators."""
    names = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
             "floordiv": "floor_divide", "mod": "remainder", "matmul": "matmul", "and": "bitwise_and",
             "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
             "divmod": "divmod"}  # fmt: skip
    for name, ufunc in names.items():
        setattr(Operators, f"__{name}__", _operator(ufunc))
        setattr(Operators, f"__r{name}__", _operator(ufunc, reflected=True))
        if name != "divmod":
            setattr(Operators, f"__i{name}__", _in_place(ufunc))
    for name, ufunc in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
                        "eq": "equal", "ne": "not_equal"}.items():  # fmt: skip
        setattr(Operators, f"__{name}__", _operator(ufunc))
    for name, ufunc in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
        setattr(Operators, f"__{name}__", _unary(ufunc))


def _operator(ufunc: str, *, reflected: bool = False) -> Any:
    def operate(self: Operators, other: Any) -> Any:
        if other is None or isinstance(other, str | dict | set):
            return NotImplemented
        return call_ufunc(ufunc, (other, self) if reflected else (self, other))

    return operate


def _unary(ufunc: str) -> Any:
    return lambda self: call_ufunc(ufunc, (self,))


def _in_place(ufunc: str) -> Any:
    def operate(self: Operators, other: Any) -> Any:
        if not self._tensor.dim():
            return call_ufunc(ufunc, (self, other))  # NumPy's scalars do not change
        return call_ufunc(ufunc, (self, other), out=self)

    return operate


_operators()
