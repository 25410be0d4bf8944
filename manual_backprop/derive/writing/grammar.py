"""What expressions of Python are made of, whatever they say."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from manual_backprop.derive.program import Node

COMPARE, OR, XOR, AND, SUM, PRODUCT, SIGN, POWER, CALL = range(9)
"""How tightly an expression holds together, as in Python's grammar."""

Written = tuple[str, int]
VIEWS = ("T", "unsqueeze", "reshape", "expand", "permute", "movedim", "getitem", "part", "stop_gradient")
"""Primitives whose result may share its numbers with what it is made of."""


class Unwritable(Exception):  # noqa: N818 - an answer, not a bug
    """A step that the dialect has no words for."""


class Text(str):
    """What is written already."""


def plain(value: float) -> float:
    """2.0 as 2."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def number_of(x: Any) -> Any:
    """The number that a factor is; None for a tensor."""
    if isinstance(x, Node):
        return plain(x.value.item()) if x.op == "number" else None
    return x if isinstance(x, int | float) else None


def is_simple(text: str) -> bool:
    """Whether ruff takes it for a simple operand of **."""
    bare = text.lstrip("-").replace("e-", "")
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
