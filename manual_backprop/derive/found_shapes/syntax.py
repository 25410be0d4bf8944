"""Small questions to expressions of Python's syntax."""

import ast
from collections.abc import Iterator
from typing import Any

CACHES = ("cache", "ctx", "self", "saved", "memory", "stash", "saved_tensors")
INDEXED = ("arange", "range", "len", "argmax", "argsort", "where")  # integers, but not of their arguments


def called_in(node: ast.AST) -> str:
    """The name of the function that a call calls, without what it is an attribute of."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def number_in(node: ast.AST | None) -> Any:
    """The number that an expression is."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = number_in(node.operand)
        return None if number is None else -number
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return node.value
    return None


def place_in(node: ast.AST | None) -> int | None:
    """The integer from 0 on that an expression is."""
    number = number_in(node)
    return number if isinstance(number, int) and number >= 0 else None


def key_in(node: ast.AST) -> str | None:
    """The string that something is subscripted with."""
    index = node.slice if isinstance(node, ast.Subscript) else None
    return index.value if isinstance(index, ast.Constant) and isinstance(index.value, str) else None


def strings_in(node: ast.AST) -> Iterator[str]:
    """The strings in an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def names_in(target: ast.expr) -> list[str | None]:
    """The names that a tuple assigns, None for what is no name."""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return [part.id if isinstance(part, ast.Name) else None for part in parts]


def is_cache(value: ast.expr) -> bool:
    """A backward that unpacks its cache has the forward's arguments again."""
    while isinstance(value, ast.Subscript | ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and value.id in CACHES


def is_window(node: ast.AST) -> bool:
    """x[i : i + k]."""
    if not isinstance(node, ast.Slice) or node.lower is None:
        return False
    upper = node.upper
    if not isinstance(upper, ast.BinOp) or not isinstance(upper.op, ast.Add):
        return False
    return ast.dump(node.lower) in (ast.dump(upper.left), ast.dump(upper.right))


def indices_in(part: ast.AST) -> Iterator[str]:
    """The names that are indices: not in a comparison, nor where their shape is asked for."""
    if isinstance(part, ast.Compare | ast.Slice) or called_in(part) in INDEXED:
        return
    if isinstance(part, ast.Attribute) and part.attr in ("shape", "size"):
        return
    if isinstance(part, ast.Name):
        yield part.id
    for child in [part.value] if isinstance(part, ast.Subscript) else ast.iter_child_nodes(part):
        yield from indices_in(child)
