"""What a person would not write: products with one, transposes of transposes, signs that cancel."""

from typing import Any, Protocol

import torch

from manual_backprop.derive.parts import are_apart, is_same_part
from manual_backprop.derive.program import Node


class Book(Protocol):
    """Where nodes are made.

    Attributes:
        sharing: whether a backward is being written, in which equal nodes are one.
    """

    sharing: bool

    def make(self, op: str, *args: Any) -> Node:
        """A node, or one that is the same and simpler."""
        ...

    def add(self, op: str, target: Any, args: Any) -> Node:
        """A node as it is."""
        ...


ELEMENTWISE = (
    "add",
    "sub",
    "mul",
    "div",
    "where",
    "pow",
    "gt",
    "lt",
    "ge",
    "le",
    "eq",
    "ne",
    "minimum",
    "maximum",
)


def simplified(book: Book, op: str, args: tuple[Any, ...]) -> Node | tuple[str, tuple[Any, ...]]:
    """A node that is the same and simpler; or the operation and arguments to make one of."""
    if op in ELEMENTWISE:
        args = without_new_axes(book, _without_expansions(op, args))
    if op in ("reshape", "expand") and args[0].shape == args[1]:
        return args[0]
    rule = RULES.get(op)
    inside = op in LOOK_INSIDE and isinstance(args[0], Node) and args[0].pinned and args[0].op != "T"
    found = rule(book, *args) if rule and not inside else None
    return found if found is not None else (op, args)


def _without_expansions(op: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Broadcasting repeats an operand anyway, if another one has all of the shape."""
    tensors = [a for a in args if isinstance(a, Node)]
    shapes = [a.shape for a in tensors]
    longest = max((s for s in shapes), key=lambda s: (len(s), _size(s)), default=())
    out: list[Any] = list(args)
    for i, a in enumerate(args):
        if isinstance(a, Node) and a.op == "expand" and a.shape == longest:
            rest = [b for j, b in enumerate(out) if j != i and isinstance(b, Node)]
            if any(b.shape == longest for b in rest):
                out[i] = a.args[0]
        elif isinstance(a, Node) and a.op == "expand" and not a.args[0].shape:
            others = [b.shape for j, b in enumerate(out) if j != i and isinstance(b, Node)]
            if torch.broadcast_shapes(*others) == torch.broadcast_shapes(a.shape, *others):
                out[i] = a.args[0]
    return tuple(out)


def without_new_axes(book: Book, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Broadcasting puts dimensions in front anyway, if another operand has them."""
    longest = max((len(a.shape) for a in args if isinstance(a, Node)), default=0)
    whole = [a for a in args if isinstance(a, Node) and len(a.shape) == longest]

    def bare(a: Any) -> Any:
        if isinstance(a, Node) and a.op == "neg" and (inner := bare(a.args[0])) is not a.args[0]:
            return book.make("neg", inner)
        while (
            isinstance(a, Node) and a.op == "unsqueeze" and a.args[1] == 0 and any(b is not a for b in whole)
        ):
            a = a.args[0]
        return a

    if any(a.op != "unsqueeze" or a.args[1] != 0 for a in whole):
        return tuple(bare(a) for a in args)
    return args


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _is(value: Any, number: float) -> bool:
    if isinstance(value, Node):
        return value.op == "number" and float(value.value) == number
    return isinstance(value, int | float) and not isinstance(value, bool) and value == number


def _fits(x: Any, other: Any) -> bool:
    """Whether x keeps its shape when it is joined with the other."""
    if not isinstance(x, Node):
        return False
    if not isinstance(other, Node):
        return True
    a, b = x.shape, other.shape
    return len(b) <= len(a) and all(n in (1, m) for n, m in zip(reversed(b), reversed(a), strict=False))


def _negated(x: Any) -> Any:
    """What x is the negative of; None if it is none, or has a name of its own."""
    return x.args[0] if isinstance(x, Node) and x.op == "neg" and not x.pinned else None


def _add(book: Book, a: Any, b: Any) -> Node | None:
    if _is(b, 0) and _fits(a, b):
        return a
    if _is(a, 0) and _fits(b, a):
        return b
    if (c := _negated(b)) is not None:
        return book.make("sub", a, c)
    if (c := _negated(a)) is not None:
        return book.make("sub", b, c)
    return None


def _sub(book: Book, a: Any, b: Any) -> Node | None:
    if _is(b, 0) and _fits(a, b):
        return a
    if _is(a, 0) and _fits(b, a):
        return book.make("neg", b)
    if (c := _negated(b)) is not None:
        return book.make("add", a, c)
    return None


def _mul(book: Book, a: Any, b: Any) -> Node | None:
    if _is(b, 1) and _fits(a, b):
        return a
    if _is(a, 1) and _fits(b, a):
        return b
    if _is(b, -1) and _fits(a, b):
        return book.make("neg", a)
    if _is(a, -1) and _fits(b, a):
        return book.make("neg", b)
    if (c := _negated(a)) is not None:
        return book.make("neg", book.make("mul", c, b))
    if (c := _negated(b)) is not None:
        return book.make("neg", book.make("mul", a, c))
    return _scaled(book, "mul", a, b)


def _scaled(book: Book, op: str, a: Any, b: Any) -> Node | None:
    """A number goes inside an expansion, so that what is joined with it may drop it."""
    for x, other, swapped in ((a, b, False), (b, a, True)):
        if isinstance(x, Node) and x.op == "expand" and _is_scalar(other) and not (swapped and op == "div"):
            inner = book.make(op, *((other, x.args[0]) if swapped else (x.args[0], other)))
            return book.make("expand", inner, x.shape)
        is_row = isinstance(x, Node) and x.op == "unsqueeze" and x.args[1] == 0 and not x.pinned
        if is_row and isinstance(other, int | float) and not (swapped and op == "div"):
            inner = book.make(op, *((other, x.args[0]) if swapped else (x.args[0], other)))
            return book.make("unsqueeze", inner, 0)
    return None


def _is_scalar(x: Any) -> bool:
    return isinstance(x, int | float) or (isinstance(x, Node) and not x.shape)


def _div(book: Book, a: Any, b: Any) -> Node | None:
    if _is(b, 1) and _fits(a, b):
        return a
    if (c := _negated(a)) is not None:
        return book.make("neg", book.make("div", c, b))
    if (c := _negated(b)) is not None:
        return book.make("neg", book.make("div", a, c))
    return _scaled(book, "div", a, b)


def _neg(book: Book, a: Any) -> Node | None:
    if (c := _negated(a)) is not None:
        return c
    if isinstance(a, Node) and a.op == "expand":
        return book.make("expand", book.make("neg", a.args[0]), a.shape)
    if isinstance(a, Node) and a.op == "sub" and not a.name and a.call is not None and book.sharing:
        return book.make("sub", a.args[1], a.args[0])
    return None


def _unsqueeze(book: Book, x: Node, dim: int) -> Node | None:
    if x.op == "neg":
        return book.make("neg", book.make("unsqueeze", x.args[0], dim))
    if x.op == "expand" and not x.args[0].shape:
        return book.make("expand", x.args[0], (*x.shape[:dim], 1, *x.shape[dim:]))
    return None


def _pow(book: Book, a: Any, b: Any) -> Node | None:
    return a if _is(b, 1) and isinstance(a, Node) else None


def _transposed(book: Book, x: Node) -> Node | None:
    if x.op == "T":
        return x.args[0]
    if x.op == "neg":
        return book.make("neg", book.make("T", x.args[0]))
    if x.op == "outer":
        return book.add("outer", torch.outer, x.args[::-1])
    if x.op == "matmul" and book.sharing and all(len(a.shape) >= 2 for a in x.args):
        a, b = x.args
        return book.make("matmul", book.make("T", b), book.make("T", a))
    return None


def _reshape(book: Book, x: Node, shape: tuple[int, ...]) -> Node | None:
    if x.shape == shape:
        return x
    if x.op in ("reshape", "unsqueeze"):
        return book.make("reshape", x.args[0], shape)
    if x.op == "neg":
        return book.make("neg", book.make("reshape", x.args[0], shape))
    if x.op == "sum" and x.args[2] and x.args[1] is not None:
        of, dims, _ = x.args
        if shape == tuple(n for d, n in enumerate(of.shape) if d not in dims):
            return book.make("sum", of, dims, False)
    return None


def _permute(book: Book, x: Node, order: tuple[int, ...]) -> Node | None:
    if order == tuple(range(len(order))):
        return x
    count = len(order)
    if count >= 2 and order == (*range(count - 2), count - 1, count - 2):
        return book.make("T", x)
    if x.op == "permute":
        return book.make("permute", x.args[0], tuple(x.args[1][i] for i in order))
    return None


def _expand(book: Book, x: Node, shape: tuple[int, ...]) -> Node | None:
    if x.shape == shape:
        return x
    return book.make("expand", x.args[0], shape) if x.op == "expand" else None


def _sum(book: Book, x: Node, dims: tuple[int, ...] | None, keepdim: bool) -> Node | None:
    if x.op == "neg":
        return book.make("neg", book.make("sum", x.args[0], dims, keepdim))
    return None


def _where(book: Book, condition: Any, a: Any, b: Any) -> Node | None:
    if isinstance(condition, Node) and condition.op == "logical_not" and not condition.given:
        return book.make("where", condition.args[0], b, a)
    if isinstance(a, float) and isinstance(b, Node) and b.op == "zeros_like" and b.shape == condition.shape:
        return book.make("where", condition, a, 0)
    return None


def _getitem(book: Book, x: Node, index: Any) -> Node | None:
    """What was put there just before; what is read beside that is read beneath it."""
    if x.op != "setitem" or x.pinned:
        return None
    base, put, value = x.args
    if is_same_part(put, index):
        is_all = isinstance(value, Node) and value.shape == x.value[index].shape
        return value if is_all else None
    return book.make("getitem", base, index) if are_apart(put, index) else None


LOOK_INSIDE = ("neg", "T", "reshape", "permute", "sum", "unsqueeze")
RULES: dict[str, Any] = {
    "alias": lambda book, x: x,
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "pow": _pow,
    "unsqueeze": _unsqueeze,
    "T": _transposed,
    "reshape": _reshape,
    "permute": _permute,
    "expand": _expand,
    "sum": _sum,
    "where": _where,
    "getitem": _getitem,
}
