"""Nodes as Python with NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import (
    ARITHMETIC,
    CALL,
    Expressions,
    Unwritable,
    Written,
    as_list,
)
from manual_backprop.derive.writing.numpy_assignments import STATEMENTS
from manual_backprop.derive.writing.numpy_forms import FORMS
from manual_backprop.derive.writing.numpy_helpers import SHORT, WINDOWS, helper


class NumpyCode(Expressions):
    """`np.where(a > 0, da, 0)`."""

    module = "np"
    copy = "copy"
    faithful = True
    helper_names = (*SHORT, *WINDOWS)

    def __init__(self, names: Mapping[Node, str]) -> None:
        super().__init__(names)
        self.options: dict[str, set[str]] = {}

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How NumPy writes each primitive."""
        return FORMS

    @staticmethod
    def statements() -> Mapping[str, Callable[..., list[str]]]:
        """What is written over, or added to."""
        return STATEMENTS

    def helpers(self) -> list[str]:
        """The functions that NumPy has not."""
        return [helper(name, options) for name, options in self.options.items()]

    def _becomes_real(self, value: Node) -> bool:
        """NumPy makes float64 of integers, if they are not truth values, and of any number beside them."""
        outer = self.around[0] if self.around else None
        joined = outer is not None and outer.op in ARITHMETIC and outer.value.is_floating_point()
        counts = value.value.dtype != torch.bool and value.op not in ("one_hot", "number")
        return super()._becomes_real(value) or (joined and counts)

    def real(self, integers: Node) -> str:
        """`mask.astype(z.dtype)`; `np.eye` has that type already."""
        if integers.op == "one_hot" and integers not in self.names:
            return self.expression(integers)[0]
        around, self.around = self.around, []
        written = self.text(integers, CALL)
        self.around = around
        if integers.op == "sum" and integers not in self.names:
            return f"{written[:-1]}{'' if written.endswith('()') else ', '}dtype={self.type_beside()})"
        return f"{written}.astype({self.type_beside()})"

    def constant(self, node: Node) -> Written:
        """A list in `np.array`, or a number."""
        if not node.value.dim():
            return self.literal(node.value.item()), CALL
        return self.array(as_list(node.value), node.value.dtype), CALL

    def array(self, numbers: Any, dtype: torch.dtype) -> str:
        """A list of numbers as an array."""
        typed = f", dtype={self.type_beside()}" if dtype.is_floating_point else ""
        return f"np.array({self.text(numbers)}{typed})"

    def other(self, node: Node) -> Written:
        """NumPy has no such function."""
        where = f"{node.place}: " if node.place else ""
        raise Unwritable(f"{where}{node.op} has no form in NumPy")

    def helped(self, name: str, *args: Any, **options: Any) -> str:
        """A call of a helper."""
        self.options.setdefault(name, set()).update(options)
        return self.call(name, *args, **options)
