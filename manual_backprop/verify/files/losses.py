"""Functions that return a loss and its gradients, as their code tells."""

import ast
import re
from collections.abc import Callable
from typing import Any

from manual_backprop.derive.code_syntax import tree_of

GRADIENT = re.compile(
    r"grads?|gradients?|.*_grads?|.*_gradients?|grads?_.*|gradients?_.*|d[A-Z]\w*|nabla.*|"
    r"grad(ient)?s?[A-Z]\w*|\w*[a-z]Grad(ient)?s?|d[jJlL]_?d\w+"
)
LOSS = re.compile(r"loss|cost|objective|^(nll|error|L|J)$", re.IGNORECASE)


def returns_gradients(function: Callable[..., Any]) -> bool:
    """Whether what a function returns last is written as `return loss, dW, db` or `return loss, grads`."""
    tree = tree_of(function)
    if tree is None:
        return False
    definition = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)), None)
    if definition is None:
        return False
    parameters = {argument.arg.lower() for argument in definition.args.args}
    returned = definition.body if isinstance(definition, ast.Lambda) else _last_returned(definition)
    if not isinstance(returned, ast.Tuple) or len(returned.elts) < 2:
        return False
    first, *rest = returned.elts
    if _is_loss(first, function) and len(rest) == 1 and isinstance(rest[0], ast.Dict) and rest[0].keys:
        return True
    if len(rest) == 1 and _is_gradient(first, parameters) and _is_loss(rest[0], None):  # (grads, cost)
        return True
    return not _is_gradient(first, parameters) and all(_is_gradient(part, parameters) for part in rest)


def _is_loss(node: ast.expr, function: Any) -> bool:
    names = getattr(node, "id", ""), getattr(function, "__name__", "")
    return any(LOSS.search(name) for name in names)


def _last_returned(definition: ast.FunctionDef) -> ast.expr | None:
    """What is returned last; not by a function inside."""
    inner = {
        id(node)
        for function in ast.walk(definition)
        if isinstance(function, ast.FunctionDef | ast.Lambda) and function is not definition
        for node in ast.walk(function)
    }
    returns = [n for n in ast.walk(definition) if isinstance(n, ast.Return) and id(n) not in inner]
    return max(returns, key=lambda node: node.lineno).value if returns else None


def _is_gradient(node: ast.expr, parameters: set[str]) -> bool:
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts) and all(_is_gradient(part, parameters) for part in node.elts)
    if isinstance(node, ast.Dict):
        names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        return (bool(names) and all(isinstance(n, str) and _named(n, parameters) for n in names)) or any(
            _is_gradient(value, parameters) for value in node.values
        )
    if isinstance(node, ast.Call):  # np.concatenate([dW.ravel(), db.ravel()])
        inside = (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        return any(_named(name, parameters) for name in inside)
    if isinstance(node, ast.BinOp):  # dscores / N
        return _is_gradient(node.left, parameters) or _is_gradient(node.right, parameters)
    return isinstance(node, ast.Name) and _named(node.id, parameters)


def _named(name: str, parameters: set[str]) -> bool:
    """Whether "dW", "dx", "grads" is the name of a gradient in a function of these parameters."""
    own = name[1:].strip("_").lower()
    return GRADIENT.fullmatch(name) is not None or (name.startswith("d") and own in parameters)
