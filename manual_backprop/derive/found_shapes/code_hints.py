"""What a function's code tells of its arguments before it is run."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

PRODUCTS = {"dot", "matmul", "mm", "bmm", "mv", "linear", "einsum", "tensordot", "inner", "addmm", "baddbmm"}
WINDOWS = {
    "conv1d": 3,
    "conv2d": 4,
    "max_pool1d": 3,
    "max_pool2d": 4,
    "avg_pool1d": 3,
    "avg_pool2d": 4,
    "unfold": 4,
}
RANKS = WINDOWS | {"bmm": 3, "baddbmm": 3, "outer": 1}
INDICES = {  # the position of an argument that is of integers
    **{"one_hot": 0, "embedding": 0, "bincount": 0, "cross_entropy": 1, "nll_loss": 1, "take_along_axis": 1},
    **{
        "take": 1,
        "gather": 1,
        "index_select": 1,
        "scatter_": 1,
        "scatter": 1,
        "index_add_": 1,
        "at": 1,
        "long": -1,
    },
}
CHANNELS = (":, None, None", "None, :, None, None")
SPLITS = {"split", "chunk", "hsplit", "array_split", "tensor_split"}
CLASSIFYING = {
    "log",
    "log2",
    "log_softmax",
    "softmax",
    "logsumexp",
    "cross_entropy",
    "nll_loss",
    "log1p",
    "logaddexp",
}


@dataclass
class Seen:
    """What is seen of one name.

    Attributes:
        symbols: the names that its dimensions are given, by position.
        rank: how many dimensions it has, where that is plain; `least`, how many at least.
        integer: it is used as an index.
        binary: it is subtracted from 1.
        keys: the strings that it is subscripted with.
        strings: those that it, or its entry of a key, is compared with.
    """

    symbols: dict[int, str] = field(default_factory=dict)
    rank: int | None = None
    least: int = 0
    integer: bool = False
    binary: bool = False
    keys: dict[str, None] = field(default_factory=dict)
    strings: dict[str | None, list[str]] = field(default_factory=dict)

    def unpacked(self, names: Sequence[str | None], start: int = 0) -> None:
        """The shape is unpacked into these names, from the dimension `start` on."""
        self.rank = self.rank or start + len(names)
        self.symbols |= {start + i: n for i, n in enumerate(names) if n and n.strip("_")}


class Reader(ast.NodeVisitor):
    """Reads functions, one after the other, and notes what it sees of the names.

    Attributes:
        seen: of each name, while it still is the argument.
        called: the names of the functions that are called.
        factor: the largest integer that a name is multiplied with, or something is split into: 4, of 4H.
        multiplied: there is an operator @.
        channels: it puts something of one dimension along the channels, b[:, None, None].
        windows: it takes windows of something, as a convolution does.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.called: set[str] = set()
        self.factor = 1
        self.multiplied = False
        self.windows = False
        self.channels = False
        self._known: set[str] = set()

    def of(self, name: str) -> Seen:
        """What is seen of a name."""
        return self.seen.setdefault(name, Seen())

    def read(self, function: Callable[..., Any]) -> None:
        """Read one more function, as far as there is source of it."""
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError, ValueError):
            return
        arguments = [a.arg for node in ast.walk(tree) if isinstance(node, ast.arguments) for a in _all(node)]
        self._known = set(arguments)
        self.visit(tree)

    def visit_Assign(self, node: ast.Assign) -> None:
        """The value first; then a name that is assigned is the argument no longer."""
        self.visit(node.value)
        for target in node.targets:
            self._shapes(target, node.value)
            self.visit(target)
            names = {
                n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            self._known = self._known | names if _is_cache(node.value) else self._known - names

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Products, of matrices and of sizes."""
        self.multiplied |= isinstance(node.op, ast.MatMult)
        subtracted = next((n for n in ast.walk(node.right) if isinstance(n, ast.Name)), None)
        if isinstance(node.op, ast.Sub) and _number(node.left) == 1 and (name := self._name(subtracted)):
            self.of(name).binary = True
        if isinstance(node.op, ast.Mult):
            for number, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(other, ast.Name) and other.id not in self._known:
                    self._factor(number)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """The strings that a flag, or an entry of the options, is compared with."""
        strings = [
            e.value
            for c in node.comparators
            for e in ast.walk(c)
            if isinstance(e, ast.Constant) and isinstance(e.value, str)
        ]
        for part in ast.walk(node.left):
            if isinstance(part, ast.Name) and strings:
                self.of(part.id).strings.setdefault(_key(node.left), []).extend(strings)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Keys, how many dimensions there are, and what is an index."""
        if name := self._name(node.value):
            seen, index = self.of(name), node.slice
            if (key := _key(node)) is not None:
                seen.keys[key] = None
            elif isinstance(index, ast.Tuple):
                counted = [
                    e for e in index.elts if not isinstance(e, ast.Constant) or isinstance(e.value, int)
                ]
                seen.least = max(seen.least, len(counted))
        if (name := self._shape(node.value)) and isinstance(place := _number(node.slice), int) and place >= 0:
            self.of(name).least = max(self.of(name).least, place + 1)
        self.channels |= ast.unparse(node.slice).strip("()").replace("np.newaxis", "None") in CHANNELS
        self.windows |= any(_is_window(e) for e in ast.walk(node.slice) if isinstance(e, ast.Slice))
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            self._integers(part)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Functions that take integers, or so many dimensions."""
        called = _called(node)
        self.called.add(called)
        self.windows |= called in WINDOWS or called in (
            "correlate",
            "correlate2d",
            "convolve",
            "convolve2d",
            "sliding_window_view",
            "im2col",
        )
        method = self._name(node.func.value) if isinstance(node.func, ast.Attribute) else None
        arguments: list[ast.expr] = list(node.args)
        if called in RANKS and arguments:
            for argument in arguments[: 2 if "conv" in called or called in ("bmm", "outer") else 1]:
                self._rank(self._name(argument), RANKS[called])
        if called in INDICES and len(arguments) > INDICES[called] >= 0:
            self._integers(arguments[INDICES[called]])
        for keyword in node.keywords:
            if keyword.arg in ("axis", "dim"):
                places = [n for e in ast.walk(keyword.value) if isinstance(n := _number(e), int)]
                name = method or (self._name(arguments[0]) if arguments else None)
                if name and places:
                    self.of(name).least = max(self.of(name).least, max(places) + 1)
        if called in SPLITS:
            for argument in arguments:
                self._factor(argument)
        if called in ("transpose", "permute"):
            of, places_given = (
                (method, arguments)
                if method
                else (self._name(arguments[0]) if arguments else None, arguments[1:])
            )
            if len(places_given) == 1 and isinstance(places_given[0], ast.Tuple):
                places_given = places_given[0].elts
            if len(places_given) > 2:
                self._rank(of, len(places_given))
        self.channels |= called in ("reshape", "view") and [ast.unparse(a) for a in arguments[-2:]] == [
            "1",
            "1",
        ]
        if called == "einsum":
            self._einsum(arguments)
        if called == "get" and method and arguments and isinstance(arguments[0], ast.Constant):
            self.of(method)
        self.generic_visit(node)

    def _einsum(self, arguments: Sequence[ast.expr]) -> None:
        pattern = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else ""
        terms = str(pattern).replace(" ", "").split("->")[0].split(",")
        for term, argument in zip(terms, arguments[1:], strict=False):
            if (name := self._name(argument)) and term.isalpha():
                self.of(name).unpacked([f"{letter} in einsum" for letter in term])

    def _shapes(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, of in zip(target.elts, value.elts, strict=False):
                self._shapes(one, of)
            return
        if name := self._shape(value):
            if isinstance(target, ast.Tuple) and not any(isinstance(e, ast.Starred) for e in target.elts):
                self.of(name).unpacked([e.id if isinstance(e, ast.Name) else None for e in target.elts])
            return
        if isinstance(value, ast.Subscript) and (name := self._shape(value.value)):
            place = _number(value.slice)
            if isinstance(place, int) and place >= 0 and isinstance(target, ast.Name):
                self.of(name).symbols.setdefault(place, target.id)
            start = (
                _number(value.slice.lower)
                if isinstance(value.slice, ast.Slice) and not value.slice.upper
                else None
            )
            if isinstance(target, ast.Tuple) and isinstance(start, int) and start >= 0:
                self.of(name).unpacked(
                    [e.id if isinstance(e, ast.Name) else None for e in target.elts], start
                )
        if _called(value) in ("len", "size") and isinstance(value, ast.Call) and isinstance(target, ast.Name):
            of = self._name(value.args[0]) if _called(value) == "len" and value.args else None
            if of:
                self.of(of).symbols.setdefault(0, target.id)

    def _integers(self, part: ast.AST) -> None:
        """The names that are indices: not in a comparison, nor where their shape is asked for."""
        if isinstance(part, ast.Compare | ast.Slice) or (
            isinstance(part, ast.Attribute) and part.attr in ("shape", "size")
        ):
            return
        if isinstance(part, ast.Name) and part.id in self._known:
            self.of(part.id).integer = True
        if isinstance(part, ast.Call) and _called(part) in (
            "arange",
            "range",
            "len",
            "argmax",
            "argsort",
            "where",
        ):
            return
        for child in [part.value] if isinstance(part, ast.Subscript) else ast.iter_child_nodes(part):
            self._integers(child)

    def _rank(self, name: str | None, rank: int) -> None:
        if name:
            self.of(name).rank = self.of(name).rank or rank

    def _factor(self, node: ast.AST) -> None:
        if isinstance(number := _number(node), int) and 1 < number < 9:
            self.factor = max(self.factor, number)

    def _name(self, node: ast.AST | None) -> str | None:
        return node.id if isinstance(node, ast.Name) and node.id in self._known else None

    def _shape(self, node: ast.AST) -> str | None:
        """The name whose shape an expression is."""
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return self._name(node.value)
        if isinstance(node, ast.Call) and _called(node) in ("shape", "size"):
            if node.args:
                return self._name(node.args[0]) if _called(node) == "shape" else None
            return self._name(node.func.value) if isinstance(node.func, ast.Attribute) else None
        return None


def read(functions: Iterable[Callable[..., Any]]) -> Reader:
    """What is seen in the code of functions."""
    reader = Reader()
    for function in functions:
        reader.read(function)
    return reader


def _all(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)


def _is_cache(value: ast.expr) -> bool:
    """A backward that unpacks its cache has the forward's arguments again."""
    while isinstance(value, ast.Subscript | ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and value.id in ("cache", "ctx", "self", "saved", "memory", "stash")


def _is_window(node: ast.Slice) -> bool:
    """x[i : i + k]."""
    upper = node.upper
    if node.lower is None or not isinstance(upper, ast.BinOp) or not isinstance(upper.op, ast.Add):
        return False
    return ast.dump(node.lower) in (ast.dump(upper.left), ast.dump(upper.right))


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.attr
        if isinstance(function, ast.Attribute)
        else function.id
        if isinstance(function, ast.Name)
        else ""
    )


def _number(node: ast.AST | None) -> Any:
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        return -node.operand.value if isinstance(node.operand.value, int) else None
    return node.value if isinstance(node, ast.Constant) and not isinstance(node.value, bool) else None


def _key(node: ast.AST) -> str | None:
    index = node.slice if isinstance(node, ast.Subscript) else None
    return index.value if isinstance(index, ast.Constant) and isinstance(index.value, str) else None
