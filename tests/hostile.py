"""What people hand in: values of every kind that a notebook's cell can hold, and functions that go wrong."""

import math
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy
import torch
from torch import Tensor


class Strange:
    """Nothing can be done with it."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("strange")

    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __float__ = _refuse  # type: ignore[assignment]
    __getattr__ = _refuse


def one_and_a_mistake(first: Tensor) -> Iterator[Tensor]:
    yield first
    raise NameError("name 'second' is not defined")


VALUES: dict[str, Any] = {
    "None": None,
    "True": True,
    "text": "word",
    "text of a number": "0.5",
    "empty text": "",
    "bytes": b"0.5",
    "nan": math.nan,
    "inf": -math.inf,
    "huge integer": 10**400,
    "integer too long to print": 10**5000,
    "huge float": 1e300,
    "complex": 0.5 + 1j,
    "fraction": Fraction(22, 7),
    "decimal": Decimal("0.77"),
    "decimal that is none": Decimal("sNaN"),
    "list": [1, [2]],
    "ragged list": [[1, 2], [3]],
    "list of fractions": [Fraction(1, 3), Decimal(2)],
    "empty": [],
    "dict": {"a": 1},
    "set": {1, 2},
    "range": range(3),
    "module": math,
    "type": int,
    "exception": ValueError("x"),
    "NumPy number": numpy.float32(0.77),
    "NumPy truth": numpy.bool_(True),
    "NumPy array": numpy.ones((5, 3)),
    "NumPy objects": numpy.array([None, "x"], dtype=object),
    "NumPy complex": numpy.complex128(0.5 + 1j),
    "scalar": torch.tensor(0.77),
    "tensor": torch.ones(5, 3),
    "tensor with a gradient": torch.ones(5, 3, requires_grad=True) * 2,
    "integers": torch.ones(5, 3, dtype=torch.int64),
    "truths": torch.ones(5, 3, dtype=torch.bool),
    "half": torch.ones(5, 3, dtype=torch.bfloat16),
    "complex tensor": torch.ones(5, 3, dtype=torch.complex128),
    "nan tensor": torch.full((5, 3), math.nan),
    "empty tensor": torch.empty(0),
    "meta tensor": torch.ones(5, 3, device="meta", dtype=torch.float64),
    "sparse tensor": torch.ones(5, 3, dtype=torch.float64).to_sparse(),
    "named tuple": torch.ones(5, 3).max(0),
    "strange": Strange(),
    "list of strange": [Strange(), Strange()],
}


def recursive(*_: Any) -> Any:
    return recursive()


def raising(error: BaseException) -> Callable[..., Any]:
    def answer(*_: Any) -> Any:
        raise error

    return answer


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "NameError": lambda *_: undefined,  # type: ignore[name-defined] # noqa: F821
    "AttributeError": lambda first=None, *_: first.no_such_thing,
    "KeyError": lambda *_: {}["x"],
    "IndexError": lambda *_: [][0],
    "ZeroDivisionError": lambda *_: 1 / 0,
    "TypeError": lambda *_: "1" + 1,  # type: ignore[operator]
    "ValueError": lambda *_: int("x"),
    "OverflowError": lambda *_: math.exp(1e9),
    "RecursionError": recursive,
    "AssertionError": raising(AssertionError()),
    "NotImplementedError": raising(NotImplementedError()),
    "StopIteration": lambda *_: next(iter(())),
    "StopIteration raised": raising(StopIteration()),
    "MemoryError": raising(MemoryError()),
    "UnicodeError": lambda *_: "é".encode("ascii"),
    "several lines": raising(ValueError("one\n\x1b[31mtwo\n" * 100)),
    "unreadable": raising(UnreadableError()),
    "SystemExit": lambda *_: sys.exit("bye"),
    "exit 0": lambda *_: sys.exit(0),
    "no argument": lambda: torch.ones(5, 3),
    "many arguments": lambda a, b, c, d, e, f, g, h, i: a,
    "keyword only": lambda *_, needed: needed,
    "generator": lambda *given: (x for x in given),
    "generator that raises": lambda *_: one_and_a_mistake(torch.ones(5, 3)),
    "prints": lambda *_: print("printed"),
    "its arguments": lambda *given: given,
    "first argument": lambda *given: given[0] if given else None,
    "writes over its arguments": lambda *given: [x.zero_() for x in given if isinstance(x, Tensor)],
    "a function": lambda *_: recursive,
    "Function": torch.autograd.Function,
    "module": torch.nn.Linear(3, 2),
    "built in": max,
    "without a signature": torch.mul,
    "partial": partial(torch.mul, 2),
    "int": int,
}
