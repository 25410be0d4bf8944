"""A node as an expression of Python: what all dialects share."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.arguments import Arguments
from manual_backprop.derive.writing.grammar import (
    AND,
    CALL,
    COMPARE,
    OR,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    VIEWS,
    XOR,
    Text,
    Unwritable,
    Written,
    as_list,
    brief,
    is_simple,
    plain,
    without_defaults,
)
from manual_backprop.derive.writing.products import Factors, factors_of, product

__all__ = [
    "CALL",
    "COMPARE",
    "POWER",
    "PRODUCT",
    "SIGN",
    "SUM",
    "Expressions",
    "Text",
    "Unwritable",
    "Written",
    "as_list",
    "brief",
    "without_defaults",
]

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
OPPOSITE = {"+": "-", "-": "+"}
ARITHMETIC = ("add", "sub", "mul", "div", "pow", "neg", "total")
LITERAL = 32  # numbers of a tensor that is written as a list


class Expressions(Arguments):
    """Writes nodes as expressions; what has a name is written by its name.

    Attributes:
        copy: the method that copies a tensor.
        helper_names: the functions that a file may define for itself, whose names are taken.
        faithful: whether what the code names once keeps that name, whatever has no name.
        names: of the nodes that have one.
        used: the named nodes that were written, in order.
        around: the expressions that are being written, the innermost first.
    """

    copy: ClassVar[str]
    helper_names: ClassVar[tuple[str, ...]] = ()
    faithful: ClassVar[bool] = False

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.names = names
        self.used: dict[Node, None] = {}
        self.around: list[Node] = []

    def text(self, value: Any, at_least: int = 0) -> str:
        """A node, or another argument, as part of an expression that holds together so tightly."""
        if not isinstance(value, Node):
            return self.literal(value, at_least)
        if value.value is not None and not _is_real(value) and self._becomes_real(value):
            written, strength = self.real(value), CALL
        elif value in self.names:
            self.used[value] = None
            written, strength = self.names[value], CALL
        else:
            written, strength = self.expression(value)
        return written if strength >= at_least else f"({written})"

    def bare(self, node: Node) -> Written:
        """A node in the place of another one."""
        if node not in self.names:
            return self.expression(node)
        self.used[node] = None
        return self.names[node], CALL

    def expression(self, node: Node) -> Written:
        """The expression that makes a node, whether it has a name or not."""
        self.around = [node, *self.around]
        try:
            return self._expression(node)
        finally:
            self.around = self.around[1:]

    def _expression(self, node: Node) -> Written:
        if node.op in ("mul", "div", "neg"):
            return self.product(node)
        if node.op in INFIX:
            sign, strength = INFIX[node.op]
            left, right = node.args
            if node.op == "add" and right == 1 and type(right) is int and isinstance(left, Node):
                left, right = right, left  # 1 + e is how one writes it
            before = self.text(left, strength + (strength == COMPARE))
            after = self.text(right, strength + 1)
            if sign in OPPOSITE and after.startswith("-"):
                sign, after = OPPOSITE[sign], after[1:]
            return f"{before} {sign} {after}", strength
        if node.op == "total":
            first, *rest = self.parts(node)
            return " ".join([self.text(first, SUM), *(" ".join(self.signed(part)) for part in rest)]), SUM
        if node.op == "number":
            return self.number(plain(node.value.item())), CALL
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
        """The parts of a sum: first one of its shape, without a minus and, if it can be, without a name."""
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
        simple = is_simple(left) and is_simple(right)
        return (f"{left}**{right}" if simple else f"{left} ** {right}"), POWER

    def product(self, node: Node) -> Written:
        """A product or quotient."""
        return product(self, node)

    def factors_of(self, node: Node) -> Factors:
        """Its factors, whether it has a name or not."""
        return factors_of(node, self.inside)

    def inside(self, value: Any) -> Factors:
        """The factors of a factor that has no name; or itself."""
        if isinstance(value, Node) and value not in self.names and self.is_product(value):
            return self.factors_of(value)
        return Factors([value], [], False)

    def is_product(self, node: Node) -> bool:
        """Whether it is written as a product."""
        return node.op in ("mul", "div", "neg")

    def type_beside(self) -> str:
        """`z.dtype`, of a named tensor beside what is written, so that numbers of its own have that type."""
        candidates = [n for outer in self.around for n in self._named(outer)]
        candidates += [n for n in self.names if n.op == "input"]
        found = next((n for n in candidates if n.value.is_floating_point() and n.shape), None)
        return f"{self.module}.float64" if found is None else f"{self.text(found)}.dtype"

    def _named(self, value: Node) -> list[Node]:
        """The named tensors of an expression."""
        return [
            part
            for x in value.inputs
            for part in ([x] if x in self.names and x.op != "upstream" else self._named(x))
        ]

    def real(self, integers: Node) -> str:
        """Integers or truth values in the type of the numbers beside them."""
        raise NotImplementedError

    def _becomes_real(self, value: Node) -> bool:
        """Whether integers are joined with numbers alone, so that their type would be a default."""
        outer = self.around[0] if self.around else None
        if outer is None or outer.op not in ARITHMETIC or not outer.value.is_floating_point():
            return False
        above, below, _ = self.factors_of(outer) if outer.op in ("mul", "div", "neg") else (outer.args, (), 0)
        return not any(isinstance(x, Node) and _is_real(x) and x.op != "number" for x in (*above, *below))

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How this dialect writes each primitive."""
        raise NotImplementedError

    def said(self, node: Node) -> Mapping[str, Any]:
        """The arguments by name that are not what they are anyway."""
        return without_defaults(node.target, (), node.kwargs)[1] if node.kwargs else {}

    @staticmethod
    def statements() -> Mapping[str, Callable[..., list[str]]]:
        """How it writes those that are no expression."""
        raise NotImplementedError

    def fresh(self, node: Node) -> str:
        """What may be written over: a copy of what others have too."""
        shared = node in self.names or node.op in VIEWS
        return self.method(node, self.copy) if shared else self.text(node)

    def started(self, name: str, base: Node) -> list[str]:
        """The lines that make what is then written over, under its name."""
        if base not in self.names and base.op in self.statements():
            return self.statements()[base.op](self, name, *base.args, **self.said(base))
        return [f"{name} = {self.fresh(base)}"]

    def helpers(self) -> list[str]:
        """The functions that what was written calls, and that are in no module."""
        return []

    def constant(self, node: Node) -> Written:
        """A tensor of numbers that nobody gives."""
        raise NotImplementedError

    def other(self, node: Node) -> Written:
        """A primitive that `forms` has not."""
        raise NotImplementedError


def _is_real(node: Node) -> bool:
    """Whether its numbers are real, rather than integers or truth values; of several tensors, yes."""
    return not isinstance(node.value, Tensor) or node.value.is_floating_point()
