"""A node as an expression of Python: what all dialects share."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from manual_backprop.derive.program import Node

COMPARE, OR, XOR, AND, SUM, PRODUCT, SIGN, POWER, CALL = range(9)
"""How tightly an expression holds together, as in Python's grammar."""

Written = tuple[str, int]
INFIX = {
    "add": ("+", SUM),
    "sub": ("-", SUM),
    "matmul": ("@", PRODUCT),
    "gt": (">", COMPARE),
    "lt": ("<", COMPARE),
    "ge": (">=", COMPARE),
    "le": ("<=", COMPARE),
    "eq": ("==", COMPARE),
    "ne": ("!=", COMPARE),
    "and": ("&", AND),
    "logical_and": ("&", AND),
    "or": ("|", OR),
    "logical_or": ("|", OR),
    "xor": ("^", XOR),
}
LITERAL = 32  # numbers of a tensor that is written as a list


class Unwritable(Exception):  # noqa: N818 - an answer, not a bug
    """A step that the dialect has no words for."""


class Text(str):
    """What is written already."""


class Expressions:
    """Writes nodes as expressions; what has a name is written by its name.

    Attributes:
        module: the short name of the module that it is written with.
        names: of the nodes that have one.
        imports: what was written that has to be imported, beside that module.
        used: the named nodes that were written, in order.
    """

    module: ClassVar[str]

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.names = names
        self.imports: set[str] = set()
        self.used: dict[Node, None] = {}

    def text(self, value: Any, at_least: int = 0) -> str:
        """A node, or another argument, as part of an expression that holds together so tightly."""
        if not isinstance(value, Node):
            return self.literal(value, at_least)
        if value in self.names:
            self.used[value] = None
            return self.names[value]
        written, strength = self.expression(value)
        return written if strength >= at_least else f"({written})"

    def literal(self, value: Any, at_least: int = 0) -> str:
        """An argument that is no tensor."""
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
        return repr(value).replace("e-0", "e-")

    def dtype(self, dtype: torch.dtype) -> str:
        """A type of numbers."""
        return str(dtype)

    def expression(self, node: Node) -> Written:
        """The expression that makes a node, whether it has a name or not."""
        if node.op in ("mul", "div", "neg"):
            return self.product(node)
        if node.op in INFIX:
            sign, strength = INFIX[node.op]
            left, right = node.args
            chain = strength if node.op not in ("eq", "ne", "gt", "lt", "ge", "le") else strength + 1
            return f"{self.text(left, chain)} {sign} {self.text(right, strength + 1)}", strength
        if node.op == "total":
            first, *rest = self.parts(node)
            return " ".join([self.text(first, SUM), *(" ".join(self.signed(part)) for part in rest)]), SUM
        if node.op == "number":
            return self.number(_plain(node.value.item())), CALL
        if node.op == "constant":
            return self.constant(node)
        if node.op == "pow":
            return self.power(*node.args)
        write = self.forms().get(node.op)
        if write is None:
            return self.other(node)
        written = write(self, *node.args, **self.said(node))
        return (written, CALL) if isinstance(written, str) else written

    def parts(self, total: Node) -> list[Node]:
        """The parts of a sum: first one that has all of its shape, no minus before it and, if it can be, no name."""
        return sorted(
            total.args, key=lambda n: (n.shape != total.shape, self.signed(n)[0] == "-", n in self.names)
        )

    def signed(self, part: Node) -> tuple[str, str]:
        """A part of a sum: its sign, and what follows that."""
        text = self.text(part, SUM)
        if part not in self.names and part.op in ("neg", "mul", "div") and text.startswith("-"):
            return "-", text[1:]
        return "+", self.text(part, SUM + 1) if part not in self.names and part.op in ("sub", "add") else text

    def power(self, base: Any, exponent: Any) -> Written:
        """xʸ; ruff sets no spaces around ** between simple operands."""
        left, right = self.text(base, POWER + 1), self.text(exponent, SIGN)
        simple = _is_simple(left) and _is_simple(right)
        return (f"{left}**{right}" if simple else f"{left} ** {right}"), POWER

    def product(self, node: Node) -> Written:
        """Products and quotients of unnamed nodes in one fraction: the numbers first, then what is left."""
        above, below, negative = self.factors_of(node)
        number: float = 1
        for factor in [x for x in above if _number(x) is not None]:
            number *= _number(factor)
        under = [x for x in below if _number(x) is not None]
        divisor: float = 1
        for factor in under:
            divisor *= _number(factor)
        above = [x for x in above if _number(x) is None]
        below = [x for x in below if _number(x) is None]
        if number < 0:
            number, negative = -number, not negative
        tops = [
            self.text(x, PRODUCT) if i == 0 and number == 1 else self.text(x, PRODUCT + 1)
            for i, x in enumerate(above)
        ]
        if number != 1 or not tops:
            tops.insert(0, self.number(_plain(number)))
        bottoms = ([self.number(_plain(divisor))] if divisor != 1 else []) + [
            self.text(x, PRODUCT + (1 if len(below) + (divisor != 1) == 1 else 0)) for x in below
        ]
        text = " * ".join(tops)
        if len(bottoms) == 1:
            text += f" / {bottoms[0]}"
        elif bottoms:
            text += f" / ({' * '.join(bottoms)})"
        several = len(tops) > 1 or bool(bottoms)
        if negative:
            return (
                f"-{text if several or not above else self.text(above[0], SIGN)}",
                SIGN if not several else PRODUCT,
            )
        return text, PRODUCT if several else CALL

    def _factors(self, node: Any) -> tuple[list[Any], list[Any], bool]:
        """What stands above and below the line, and whether the sign is minus."""
        if not isinstance(node, Node) or (node in self.names) or node.op not in ("mul", "div", "neg"):
            return [node], [], False
        return self.factors_of(node)

    def factors_of(self, node: Node) -> tuple[list[Any], list[Any], bool]:
        """The same of a product, whether it has a name or not."""
        above, below, negative = self._factors(node.args[0])
        if node.op == "neg":
            return above, below, not negative
        other_above, other_below, other_negative = self._factors(node.args[1])
        if node.op == "div":
            other_above, other_below = other_below, other_above
        return above + other_above, below + other_below, negative != other_negative

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How this dialect writes each primitive."""
        raise NotImplementedError

    def said(self, node: Node) -> Mapping[str, Any]:
        """The arguments by name that are not what they are anyway."""
        return without_defaults(node.target, (), node.kwargs)[1]

    @staticmethod
    def statements() -> Mapping[str, Callable[..., list[str]]]:
        """How it writes those that are no expression."""
        raise NotImplementedError

    def helpers(self) -> list[str]:
        """The functions that what was written calls, and that are in no module."""
        return []

    def constant(self, node: Node) -> Written:
        """A tensor of numbers that nobody gives."""
        raise NotImplementedError

    def other(self, node: Node) -> Written:
        """A primitive that `forms` has not."""
        raise NotImplementedError

    def index(self, index: Any) -> str:
        """What stands between the brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        return ", ".join(self._index(part) for part in parts)

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
        if name.startswith("F."):
            self.imports.add("F")
        given = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in kwargs.items()]
        return f"{name}({', '.join(given)})"


def _plain(value: float) -> float:
    return int(value) if isinstance(value, float) and value == int(value) and abs(value) < 1e15 else value


def _number(x: Any) -> Any:
    """The number that a factor is; None for a tensor."""
    if isinstance(x, Node):
        return _plain(x.value.item()) if x.op == "number" else None
    return x if isinstance(x, int | float) else None


def _is_simple(text: str) -> bool:
    """Whether ruff takes it for a simple operand of **."""
    bare = text.lstrip("-")
    return bare.replace(".", "").replace("_", "").isalnum() and "(" not in bare


def brief(dims: Any) -> Any:
    """A tuple of one dimension as that dimension."""
    return dims[0] if isinstance(dims, tuple) and len(dims) == 1 else dims


def as_list(value: Tensor) -> Any:
    """The numbers as nested lists."""
    return value.tolist()


def without_defaults(
    target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that say something."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # of what is written in C, it is not known
        return list(args), {name: value for name, value in kwargs.items() if value is not None}
    names = list(parameters)
    said = {name: value for name, value in kwargs.items() if not _is_default(parameters[name], value)}
    given = list(args)
    while given and len(given) <= len(names) and _is_default(parameters[names[len(given) - 1]], given[-1]):
        given.pop()
    return given, said


def _is_default(parameter: inspect.Parameter, value: Any) -> bool:
    default = parameter.default
    return not isinstance(value, Node) and type(value) is type(default) and bool(value == default)
