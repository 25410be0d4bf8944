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
