"""Small questions to expressions of Python's syntax."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

CACHES = ("cache", "ctx", "self", "saved", "memory", "stash", "saved_tensors")
INDEXED = ("arange", "range", "len", "argmax", "argsort", "where")  # integers, but not of their arguments


def tree_of(function: Callable[..., Any]) -> ast.AST | None:
    """The syntax of a function's source, None where there is none."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    if getattr(function, "__name__", "") == "<lambda>":
        return _lambda_in(source, function)
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _lambda_in(source: str, function: Callable[..., Any]) -> ast.AST | None:
    """A lambda stands in lines that may be a part of a call only: the longest text that is an expression."""
    names = list(inspect.signature(function).parameters)
    for start in (found.start() for found in re.finditer(r"\blambda\b", source)):
        for end in range(len(source), start, -1):
            if source[end - 1].isspace():
                continue
            try:
                tree = ast.parse(source[start:end], mode="eval").body
            except (SyntaxError, ValueError):
                continue
            first = tree.elts[0] if isinstance(tree, ast.Tuple) and tree.elts else tree
            if isinstance(first, ast.Lambda) and [a.arg for a in first.args.args] == names:
                return first
            break
    return None


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
