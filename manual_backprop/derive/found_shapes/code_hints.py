"""What a function's code tells of its arguments before it is run."""

import ast
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from manual_backprop.derive.found_shapes.dimensions_in_code import WINDOWS, DimensionReader
from manual_backprop.derive.found_shapes.syntax import (
    called_in,
    indices_in,
    is_window,
    key_in,
    number_in,
    strings_in,
)

PRODUCTS = {"dot", "matmul", "mm", "bmm", "mv", "linear", "einsum", "tensordot", "inner", "addmm", "baddbmm"}
INDICES = {  # the position of an argument that is of integers
    **{"one_hot": 0, "embedding": 0, "bincount": 0, "cross_entropy": 1, "nll_loss": 1, "take_along_axis": 1},
    **{"take": 1, "gather": 1, "index_select": 1, "scatter_": 1, "scatter": 1, "index_add_": 1, "at": 1},
}
CORRELATIONS = {"correlate", "correlate2d", "convolve", "convolve2d", "sliding_window_view", *WINDOWS}
CHANNELS = (":, None, None", "None, :, None, None")
SPLITS = {"split", "chunk", "hsplit", "array_split", "tensor_split"}


class Reader(DimensionReader):
    """Reads functions, one after the other, and notes what it sees of the names.

    Attributes:
        called: the names of the functions that are called.
        calls: for each of them, the arguments that it is given by position.
        factor: the largest integer that a name is multiplied with, or something is split into: 4, of 4H.
        multiplied: there is an operator @.
        channels: it puts something of one dimension along the channels, b[:, None, None].
        windows: it takes windows of something, as a convolution does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.called: set[str] = set()
        self.calls: dict[str, list[str | None]] = {}
        self.factor = 1
        self.multiplied = self.windows = self.channels = False

    def add(self, other: "Reader", function: Callable[..., Any], names: list[str]) -> None:
        """Add what was seen of a function that is called here, its arguments by their names here."""
        given = self.calls.get(function.__name__, [])
        for name, argument in zip(names, given, strict=False):
            if argument and name in other.seen:
                self.seen.setdefault(argument, other.seen[name])
        self.called |= other.called
        self.factor = max(self.factor, other.factor)
        self.multiplied |= other.multiplied
        self.windows |= other.windows
        self.channels |= other.channels

    def visit_BinOp(self, node: ast.BinOp) -> None:  # noqa: N802
        """Products, of matrices and of sizes; what is taken from 1."""
        self.multiplied |= isinstance(node.op, ast.MatMult)
        if isinstance(node.op, ast.Sub) and number_in(node.left) == 1:
            subtracted = next((n for n in ast.walk(node.right) if isinstance(n, ast.Name)), None)
            if name := self.argument(subtracted):
                self.of(name).binary = True
        if isinstance(node.op, ast.Mult):
            for number, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(other, ast.Name) and not self.argument(other):
                    self._factor(number_in(number))
        self.generic_visit(node)

    def visit_Slice(self, node: ast.Slice) -> None:  # noqa: N802
        """a[:, 3 * H :] is the last of four parts, x[i : i + k] a window."""
        self.windows |= is_window(node)
        if node.upper is None and isinstance(node.lower, ast.BinOp) and isinstance(node.lower.op, ast.Mult):
            for part in (node.lower.left, node.lower.right):
                if isinstance(number := number_in(part), int):
                    self._factor(number + 1)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:  # noqa: N802
        """The strings that a flag, or an entry of the options, is compared with."""
        strings = [string for each in node.comparators for string in strings_in(each)]
        for part in ast.walk(node.left):
            if isinstance(part, ast.Name) and strings:
                self.of(part.id).strings.setdefault(key_in(node.left), []).extend(strings)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:  # noqa: N802
        """Keys, and what is an index."""
        key = key_in(node)
        if (name := self.argument(node.value)) and key is not None:
            self.of(name).keys[key] = None
        self.channels |= ast.unparse(node.slice).strip("()").replace("np.newaxis", "None") in CHANNELS
        for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            self._integers(part)
        super().visit_Subscript(node)

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802
        """Functions that take integers, or windows, or make parts."""
        called = called_in(node)
        self.called.add(called)
        self.calls.setdefault(called, [self.argument(argument) for argument in node.args])
        self.windows |= called in CORRELATIONS
        if called in INDICES and len(node.args) > INDICES[called]:
            self._integers(node.args[INDICES[called]])
        if called in SPLITS:
            for argument in node.args:
                self._factor(number_in(argument))
        if called in ("reshape", "view"):
            self.channels |= [number_in(argument) for argument in node.args[-2:]] == [1, 1]
        super().visit_Call(node)

    def _integers(self, part: ast.AST) -> None:
        for name in indices_in(part):
            if name in self._arguments:
                self.of(name).integer = True

    def _factor(self, number: Any) -> None:
        if isinstance(number, int) and 1 < number < 9:
            self.factor = max(self.factor, number)


def read(functions: Iterable[Callable[..., Any]]) -> Reader:
    """What is seen in the code of functions, and of the functions of the same file that they call."""
    reader = Reader()
    for function in functions:
        reader.read(inspect.unwrap(function))
        for helper in _helpers(inspect.unwrap(function), reader.called):
            inside = Reader()
            names = inside.read(helper)
            reader.add(inside, helper, names)
    return reader


def _helpers(function: Callable[..., Any], called: Iterable[str]) -> list[Callable[..., Any]]:
    names = getattr(function, "__globals__", {})
    found = [names[name] for name in sorted(called) if inspect.isfunction(names.get(name))]
    return [f for f in found if f.__module__ == function.__module__ and f is not function]
