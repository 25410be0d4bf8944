"""How many dimensions a function's code takes its arguments to have, and what it calls them."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from manual_backprop.derive.code_syntax import tree_of
from manual_backprop.derive.found_shapes.syntax import (
    called_in,
    is_cache,
    names_in,
    number_in,
    place_in,
)

WINDOWS = {
    **{"conv1d": 3, "conv2d": 4, "max_pool1d": 3, "max_pool2d": 4, "avg_pool1d": 3, "avg_pool2d": 4},
    **{"unfold": 4, "im2col": 4},
}
RANKS = WINDOWS | {"bmm": 3, "baddbmm": 3, "outer": 1}
CONVOLUTIONS = ("conv1d", "conv2d")
ALIKE = (*CONVOLUTIONS, "bmm", "outer")  # of as many dimensions are the first two arguments


@dataclass
class Seen:
    """What is seen of one name.

    Attributes:
        symbols: the names that its dimensions are given, by position.
        rank: how many dimensions it has, where that is plain; `least`, how many at least.
        integer: it is used as an index.
        binary: it is subtracted from 1.
        steps: a loop runs over its first dimension.
        kernel: it is that of a convolution.
        keys: the strings that it is subscripted with.
        strings: those that it, or its entry of a key, is compared with.
    """

    symbols: dict[int, str] = field(default_factory=dict)
    rank: int | None = None
    least: int = 0
    integer: bool = False
    binary: bool = False
    steps: bool = False
    kernel: bool = False
    keys: dict[str, None] = field(default_factory=dict)
    strings: dict[str | None, list[str]] = field(default_factory=dict)

    def unpacked(self, names: Sequence[str | None], start: int = 0) -> None:
        """The shape is unpacked into these names, from the dimension `start` on."""
        self.rank = self.rank or start + len(names)
        self.symbols |= {start + i: n for i, n in enumerate(names) if n and n.strip("_")}


class DimensionReader(ast.NodeVisitor):
    """Reads a function, and notes which dimensions its arguments have.

    Attributes:
        seen: of each name, while it still is the argument.
        is_read: there was source to read.
    """

    def __init__(self) -> None:
        self.is_read = False
        self.seen: dict[str, Seen] = {}
        self._arguments: set[str] = set()

    def of(self, name: str) -> Seen:
        """What is seen of a name."""
        return self.seen.setdefault(name, Seen())

    def read(self, function: Callable[..., Any]) -> list[str]:
        """Read a function, as far as there is source of it; its parameters."""
        tree = tree_of(function)
        if tree is None:
            return []
        self.is_read = True
        lists = [node for node in ast.walk(tree) if isinstance(node, ast.arguments)]
        names = [a.arg for each in lists for a in (*each.posonlyargs, *each.args, *each.kwonlyargs)]
        self._arguments = set(names)
        self.visit(tree)
        return names

    def argument(self, node: ast.AST | None) -> str | None:
        """The name of the argument that an expression is."""
        return node.id if isinstance(node, ast.Name) and node.id in self._arguments else None

    def visit_Assign(self, node: ast.Assign) -> None:
        """The value first; then a name that is assigned is the argument no longer."""
        self.visit(node.value)
        for target in node.targets:
            self._shapes(target, node.value)
            self.visit(target)
            stored = {
                n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            self._arguments = self._arguments | stored if is_cache(node.value) else self._arguments - stored

    def visit_For(self, node: ast.For) -> None:
        """for x in inputs: the first dimension may be time."""
        if name := self.argument(node.iter):
            self.of(name).steps = True
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """x[:, t, :] has three dimensions at least, and so has that of which x.shape[2] is asked."""
        if (name := self.argument(node.value)) and isinstance(node.slice, ast.Tuple):
            added = [
                e for e in node.slice.elts if isinstance(e, ast.Constant) and not isinstance(e.value, int)
            ]
            self._at_least(name, len(node.slice.elts) - len(added))
        if (name := self._shape(node.value)) and (place := place_in(node.slice)) is not None:
            self._at_least(name, place + 1)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Functions that take so many dimensions, or are told which."""
        called, arguments = called_in(node), list(node.args)
        if isinstance(node.func, ast.Attribute) and self.argument(node.func.value):
            arguments.insert(0, node.func.value)
        first = self.argument(arguments[0]) if arguments else None
        if called in RANKS:
            for each in arguments[: 2 if called in ALIKE else 1]:
                self._is(self.argument(each), RANKS[called])
            if called in CONVOLUTIONS and len(arguments) > 1 and (kernel := self.argument(arguments[1])):
                self.of(kernel).kernel = True
        for keyword in node.keywords:
            places = [n for e in ast.walk(keyword.value) if isinstance(n := number_in(e), int)]
            if first and places and keyword.arg in ("axis", "dim"):
                self._at_least(first, max(places) + 1)
        if called in ("transpose", "permute"):
            order = arguments[1:]
            if len(order) == 1 and isinstance(order[0], ast.Tuple):
                order = order[0].elts
            if len(order) > 2:
                self._is(first, len(order))
        if called == "einsum":
            self._einsum(node.args)
        self.generic_visit(node)

    def _einsum(self, arguments: Sequence[ast.expr]) -> None:
        pattern = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else ""
        terms = str(pattern).replace(" ", "").split("->")[0].split(",")
        for term, argument in zip(terms, arguments[1:], strict=False):
            if (name := self.argument(argument)) and term.isalpha():
                self.of(name).unpacked([f"{letter} in einsum" for letter in term])

    def _shapes(self, target: ast.expr, value: ast.expr) -> None:
        """N, D = x.shape; F, (HH, WW) = w.shape[0], w.shape[2:]; T = len(x)."""
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, of in zip(target.elts, value.elts, strict=False):
                self._shapes(one, of)
        elif isinstance(target, ast.Tuple) and any(isinstance(e, ast.Starred) for e in target.elts):
            return
        elif isinstance(target, ast.Tuple):
            sliced = value.slice if isinstance(value, ast.Subscript) else None
            if name := self._shape(value):
                self.of(name).unpacked(names_in(target))
            elif isinstance(value, ast.Subscript) and isinstance(sliced, ast.Slice) and not sliced.upper:
                name, start = self._shape(value.value), place_in(sliced.lower)
                if name and start is not None:
                    self.of(name).unpacked(names_in(target), start)
        elif isinstance(target, ast.Name):
            place: int | None = None
            if isinstance(value, ast.Subscript):
                name, place = self._shape(value.value), place_in(value.slice)
            elif isinstance(value, ast.Call) and called_in(value) in ("len", "size"):
                of_method = isinstance(value.func, ast.Attribute)
                name = self.argument(
                    value.func.value if isinstance(value.func, ast.Attribute) else value.args[0]
                )
                place = place_in(value.args[0]) if of_method and value.args else None if of_method else 0
            else:
                return
            if name and place is not None:
                self._at_least(name, place + 1)
                self.of(name).symbols.setdefault(place, target.id)

    def _shape(self, node: ast.AST) -> str | None:
        """The argument whose shape an expression is."""
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return self.argument(node.value)
        if isinstance(node, ast.Call) and called_in(node) == "shape" and node.args:
            return self.argument(node.args[0])
        if isinstance(node, ast.Call) and called_in(node) == "size" and not node.args:
            return self.argument(node.func.value) if isinstance(node.func, ast.Attribute) else None
        return None

    def _is(self, name: str | None, rank: int) -> None:
        if name:
            self.of(name).rank = self.of(name).rank or rank

    def _at_least(self, name: str, rank: int) -> None:
        self.of(name).least = max(self.of(name).least, rank)
