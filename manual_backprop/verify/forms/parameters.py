"""The parameters of a backward, and what their names say of them."""

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

from manual_backprop.derive.array_forward import CACHES as NAMES_OF_CACHES
from manual_backprop.derive.code_syntax import tree_of

CACHES = (*NAMES_OF_CACHES, "tape", "state", "residuals", "intermediates")
UPSTREAM = re.compile(
    r"d|g|v|d[a-zA-Z]\w*|grad\w*|gradient\w*|gout|g_out|up\w*|delta\w*|\w+_grad|\w+_bar|error"
)
"""What people call an upstream gradient."""

RATES = ("learning_rate", "learn_rate", "learningRate", "lr", "eta", "step_size")
LARGE_RATE = 2.0**20
"""What is given as learning rate: a change as large as that tells a gradient to its rounding."""


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The named parameters; none if a signature cannot be read."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # what is written in C may tell no signature
        return []
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def takes_anything(function: Callable[..., Any]) -> bool:
    """Whether a function has *args, or its signature cannot be read."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.kind is p.VAR_POSITIONAL for p in found)


def needed_by(backward: Callable[..., Any], names: Sequence[str]) -> list[inspect.Parameter]:
    """The parameters that must be given something: those without a default, and a `dout=1` that is used."""
    parameters = [p for p in parameters_of(backward) if p.name != "output"]
    needed = [p for p in parameters if p.default is p.empty and not is_rate(p, names)]
    if any(is_upstream(p, names) for p in needed):
        return needed
    return [p for p in parameters if p in needed or (is_upstream(p, names) and _is_used(p, backward))]


def is_rate(parameter: inspect.Parameter, names: Sequence[str]) -> bool:
    """Whether it is called as a learning rate is, and is no argument of the forward."""
    return parameter.name in RATES and parameter.name not in names


def is_upstream(parameter: inspect.Parameter, names: Sequence[str]) -> bool:
    """Whether it is called as an upstream gradient is, without a default or with that of a loss, 1."""
    named = UPSTREAM.fullmatch(parameter.name) and parameter.name not in names
    return bool(named) and parameter.default in (parameter.empty, 1, None)


def _is_used(parameter: inspect.Parameter, function: Callable[..., Any]) -> bool:
    """Whether the code of a function makes use of a parameter."""
    tree = tree_of(function)
    return tree is not None and any(
        isinstance(node, ast.Name) and node.id == parameter.name for node in ast.walk(tree)
    )
