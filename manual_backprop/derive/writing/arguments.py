"""Arguments as Python: numbers, indices, calls."""

import math
from math import isclose
from typing import Any, ClassVar

import torch

from manual_backprop.derive.writing.grammar import CALL, SIGN, Text


class Arguments:
    """Writes what is not a tensor, and calls with tensors among their arguments.

    Attributes:
        module: the short name of the module that it is written with.
    """

    module: ClassVar[str]

    def text(self, value: Any, at_least: int = 0) -> str:
        """A tensor, or another argument, as part of an expression that holds together so tightly."""
        raise NotImplementedError

    def literal(self, value: Any, at_least: int = 0) -> str:
        """An argument that is not a tensor."""
        if isinstance(value, tuple | list):
            inside = ", ".join(self.text(part) for part in value)
            if isinstance(value, list):
                return f"[{inside}]"
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if isinstance(value, Text):
            return value
        if isinstance(value, str):
            return f'"{value}"'
        if isinstance(value, torch.dtype):
            return self.dtype(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = self.number(value)
            return f"({text})" if text.startswith("-") and at_least > SIGN else text
        return repr(value)

    def number(self, value: float) -> str:
        """A number, in as many digits as it needs."""
        if value in (float("inf"), float("-inf")):
            return f"{'-' if value < 0 else ''}{self.module}.inf"
        for known, text in self.roots.items():
            if isclose(value, known, rel_tol=1e-15):
                return text
        return repr(value).replace("e-0", "e-")

    @property
    def roots(self) -> dict[float, str]:
        """Roots and logarithms, which nobody writes in digits."""
        pi, log = f"{self.module}.pi", "math.log"
        return {
            2**0.5: "2**0.5",
            0.5**0.5: "0.5**0.5",
            (2 * math.pi) ** 0.5: f"(2 * {pi}) ** 0.5",
            (2 / math.pi) ** 0.5: f"(2 / {pi}) ** 0.5",
            (4 / math.pi) ** 0.5: f"(4 / {pi}) ** 0.5",
            math.log(2): f"{log}(2)",
            math.log(10): f"{log}(10)",
        }

    def dtype(self, dtype: torch.dtype) -> str:
        """A type of numbers."""
        return str(dtype)

    def index(self, index: Any) -> str:
        """What stands between the brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        return ", ".join(self._index(part) for part in parts) or "()"

    def _index(self, part: Any) -> str:
        if isinstance(part, slice):
            start, stop = ("" if end is None else self.text(end) for end in (part.start, part.stop))
            step = "" if part.step in (None, 1) else f":{self.text(part.step)}"
            return f"{start}:{stop}{step}"
        return "..." if part is ... else self.text(part)

    def method(self, x: Any, name: str, *args: Any, **kwargs: Any) -> str:
        """x.name(args)."""
        given = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in kwargs.items()]
        return f"{self.text(x, CALL)}.{name}({', '.join(given)})"

    def call(self, name: str, *args: Any, **kwargs: Any) -> str:
        """name(args)."""
        given = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in kwargs.items()]
        return f"{name}({', '.join(given)})"
