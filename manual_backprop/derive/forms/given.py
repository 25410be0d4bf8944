"""What `inputs=` and `shapes=` are given: arrays, shapes, and whatever else a forward takes."""

from collections.abc import Mapping
from operator import index
from reprlib import repr as shortened
from typing import Any

from torch import Tensor

from manual_backprop.derive.forms.frameworks import is_array
from manual_backprop.derive.shapes import EXPECTED, shapes_in, shapes_of

Given = list[Any] | dict[str, Any]


def inputs_of(function: str, inputs: Any) -> Given:
    """The arguments by position, or by name in a dict; one array alone is the only argument.

    Args:
        function: what they are given to, for the message.
        inputs: the arguments.

    Raises:
        TypeError: there is no array among them.
    """
    given: Any
    if is_array(inputs):
        given = [inputs]
    elif isinstance(inputs, Mapping):
        given = {str(name): value for name, value in inputs.items()}
    else:
        try:
            given = list(inputs)
        except TypeError:
            given = [inputs]
    if not _has_arrays(given):
        parts = [*given.values()] if isinstance(given, dict) else given
        first = given[0] if isinstance(given, list) and len(given) == 1 else inputs
        shapes = "; shapes go to shapes=" if any(value and is_shape(value) for value in parts) else ""
        raise TypeError(f"{function}: inputs must be tensors, got {shortened(first)}{shapes}")
    return given


def shapes_given(function: str, shapes: Any) -> Given:
    """The arguments by position, or by name in a dict: shapes as tuples, the rest as it is.

    Text is read as shapes; a word that is none is a flag, as "train" is.

    Args:
        function: what they are given to, for the message.
        shapes: the shapes and whatever else there is.

    Raises:
        ValueError: they are no shapes.
    """
    if isinstance(shapes, Mapping):
        given: Any = {str(name): _one(function, value) for name, value in shapes.items()}
        found: list[Any] = [*given.values()]
    elif isinstance(shapes, list | tuple) and not is_shape(shapes) and not all(map(_is_shapes, shapes)):
        given = found = [part for value in shapes for part in _parts(function, value)]
    else:
        given = found = [*shapes_of(function, shapes)]
    if not _has_arrays(found, drawn=True):
        raise ValueError(f"{function}: invalid shapes: {EXPECTED}, got {shortened(shapes)}")
    return given


def _is_shapes(value: Any) -> bool:
    """Whether it is read as shapes and nothing else, with all their mistakes."""
    is_flag = isinstance(value, str) and value.isidentifier()
    if isinstance(value, str):
        return not is_flag
    return isinstance(value, Tensor) or (
        isinstance(value, list | tuple)
        and not any(isinstance(n, list | tuple | dict) or is_array(n) for n in value)
    )


def _parts(function: str, value: Any) -> list[Any]:
    if isinstance(value, str) and not value.isidentifier():
        try:
            return [*shapes_in(value)]
        except ValueError:
            raise ValueError(f"{function}: invalid shapes: {EXPECTED}, got {shortened(value)}") from None
    return [tuple(value) if is_shape(value) and not isinstance(value, dict) else value]


def _one(function: str, value: Any) -> Any:
    parts = _parts(function, value)
    return parts[0] if len(parts) == 1 else parts


def is_shape(value: Any) -> bool:
    """Whether it is a tuple or list of sizes; () is the shape of a number."""
    if not isinstance(value, tuple | list):
        return False
    if isinstance(value, list) and not value:
        return False
    try:
        return all(not isinstance(n, bool) and index(n) >= 0 for n in value)
    except TypeError:
        return False


def _has_arrays(value: Any, *, drawn: bool = False) -> bool:
    if is_array(value) or (drawn and is_shape(value)):
        return True
    if isinstance(value, dict):
        value = [*value.values()]
    return isinstance(value, list | tuple) and any(_has_arrays(part, drawn=drawn) for part in value)
