"""The syntax of a function's source: the whole tree, and what it calls the things that it returns."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any


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


def returned_by(function: Callable[..., Any]) -> tuple[list[str], bool]:
    """What a function calls the things that it returns, by its last `return`; [] if it does not say.

    Also whether the outputs are a tuple of their own, beside the cache, as in `return (h, c), cache`.
    """
    tree = tree_of(function)
    if tree is None:
        return [], False
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    if not returns:
        return [], False
    last = max(returns, key=lambda value: value.lineno)
    parts = last.elts if isinstance(last, ast.Tuple) else [last]
    together = len(parts) == 2 and isinstance(parts[0], ast.Tuple | ast.List)
    if together and isinstance(parts[0], ast.Tuple | ast.List):
        parts = [*parts[0].elts, parts[1]]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts], together


def clipped_to_shares(function: Callable[..., Any]) -> set[str]:
    """The names of what is clipped between 0 and 1: p of `np.clip(p, eps, 1 - eps)`, a probability."""
    tree = tree_of(function)
    found = set()
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Call) or _name_of(node.func) not in ("clip", "clamp"):
            continue
        keywords = [k.value for k in node.keywords if k.arg in ("min", "max", "a_min", "a_max")]
        of = [*node.args] if len(node.args) + len(keywords) == CLIPPED_AND_BOUNDS else []
        of = of or ([node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else [])
        parts = [*of, *keywords]
        if len(parts) == CLIPPED_AND_BOUNDS and _is_one_minus(parts[2]) and isinstance(parts[0], ast.Name):
            found.add(parts[0].id)
    return found


CLIPPED_AND_BOUNDS = 3


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_one_minus(bound: ast.expr) -> bool:
    """Whether it is written as 1 - eps, or as a number such as 0.999."""
    if isinstance(bound, ast.BinOp) and isinstance(bound.op, ast.Sub):
        return isinstance(bound.left, ast.Constant) and bound.left.value == 1
    number = getattr(bound, "value", None)
    return isinstance(number, float) and NEARLY_ONE < number <= 1


NEARLY_ONE = 0.99
