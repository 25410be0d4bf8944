"""What the code that is running calls a tensor, and where it is made: read off the frames and their source.

Python 3.11 tells of each instruction which characters of the source it comes from. The expression that stands
there is looked up in the syntax tree; if it is what an assignment assigns, the tensor has that name.
"""

import ast
import inspect
import linecache
import sys
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.tensors import tensor_behind
from manual_backprop.derive.program import Place

HERE = str(Path(__file__).parents[1])
TAKEOVER = str(Path(HERE) / "takeover")
TORCH = str(Path(torch.__file__).parent)
SITE = Path(np.__file__).parents[1]
OF_ARRAYS = (str(Path(HERE) / "derive" / "arrays"), str(SITE / "numpy"), str(SITE / "scipy"))
"""What runs between a user's code in NumPy and the functions of torch that compute it."""
Span = tuple[int, int, int, int]
Function = TypeVar("Function", bound=Callable[..., Any])


ENTRANCES: set[CodeType] = set()
"""The functions that run someone's code: what calls them has made no tensor."""


RETURNED = ("return",)
"""In the place of a name: what makes the value is all of what a function returns."""


def entrance(function: Function) -> Function:
    """Marks a function that runs someone's code."""
    ENTRANCES.add(inspect.unwrap(function).__code__)
    return function


class Seen(NamedTuple):
    """What a frame says of the tensors that are made in it.

    Attributes:
        names: of the value, or of each part of it where it is unpacked; () where it has none.
        place: where it stands.
        evaluation: tells one evaluation of an expression from others.
        ours: the names that a function of this package has for them, which the other code calls.
    """

    names: tuple[str, ...]
    place: Place | None
    evaluation: Any
    ours: tuple[str, ...] = ()


def seen_from(frame: FrameType | None, readable: Callable[[CodeType], bool]) -> Seen:
    """What the innermost frame says whose code is `readable`."""
    inner: FrameType | None = None
    while frame is not None and not readable(frame.f_code):
        if frame.f_code in ENTRANCES:
            frame = None
            break
        inner, frame = frame, frame.f_back
    if frame is None:
        return Seen((), None, None)
    names, text = _said(frame)
    place = Place(frame.f_code.co_filename, frame.f_lineno, text)
    return Seen(_name_for(names, frame, readable), place, (frame, frame.f_lasti, inner))


def _name_for(
    names: tuple[str, ...], frame: FrameType, readable: Callable[[CodeType], bool]
) -> tuple[str, ...]:
    """The names; of what a function returns, those that what calls it has for it."""
    caller = frame.f_back
    while names == RETURNED:
        if caller is None or caller.f_code in ENTRANCES or not readable(caller.f_code):
            return ()
        names, caller = _said(caller)[0], caller.f_back
    return names


def _said(frame: FrameType) -> tuple[tuple[str, ...], str]:
    """The names and the text of the expression that a frame is at."""
    span = span_of(frame)
    return _expressions(frame.f_code.co_filename).get(span, ((), "")) if span else ((), "")


def is_users(code: CodeType) -> bool:
    """Whether it is neither torch's, nor NumPy's, nor this package's."""
    return is_user_file(code.co_filename)


def is_user_file(name: str) -> bool:
    """Whether a file is neither torch's, nor NumPy's, nor this package's."""
    return not name.startswith((HERE, TORCH, *OF_ARRAYS)) and not name.startswith("<frozen")


def span_of(frame: FrameType) -> Span | None:
    """The lines and columns that the running instruction comes from."""
    position = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    line, end_line, column, end_column = position
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return line, end_line, column, end_column


@cache
def _expressions(file: str) -> dict[Span, tuple[tuple[str, ...], str]]:
    """The names and the text of each expression in a file, by where it stands."""
    source = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    found: dict[Span, tuple[tuple[str, ...], str]] = {}
    lines = source.splitlines()
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.AugAssign):
                names = _names(node, child)
                span = _span(child)
                if names or span not in found:
                    found[span] = names, _text(lines, span)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            for value in _cases(node.value):
                found[_span(value)] = _of_target(node.targets[0]), _text(lines, _span(value))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and len(target.elts) == len(node.value.elts):
                    for part, value in zip(target.elts, node.value.elts, strict=True):
                        found[_span(value)] = _of_target(part), _text(lines, _span(value))
    return found


def _names(parent: ast.AST, child: ast.AST) -> tuple[str, ...]:
    """What the parent calls the value of the child."""
    if isinstance(child, ast.AugAssign):
        return _of_target(child.target)
    if isinstance(parent, ast.Assign) and parent.value is child:
        return _of_target(parent.targets[0])
    if isinstance(parent, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and parent.value is child:
        return _of_target(parent.target) if not isinstance(parent, ast.AugAssign) else ()
    if (isinstance(parent, ast.Return) and parent.value is child) or (
        isinstance(parent, ast.Lambda) and parent.body is child
    ):
        return RETURNED
    if isinstance(parent, ast.For) and parent.iter is child:
        return _of_target(parent.target)
    return ()


def _cases(value: ast.expr) -> list[ast.expr]:
    """What a conditional expression may be."""
    return [*_cases(value.body), *_cases(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def _of_target(target: ast.AST) -> tuple[str, ...]:
    if isinstance(target, ast.Name):
        return (target.id,) if target.id.strip("_") else ()  # _ is what needs no name
    if isinstance(target, ast.Attribute):
        return (target.attr,)
    if isinstance(target, ast.Tuple | ast.List):
        return tuple((_of_target(part) or ("",))[0] for part in target.elts)
    return ()


def _span(node: Any) -> Span:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _text(lines: list[str], span: Span) -> str:
    """The expression in one line."""
    line, end_line, column, end_column = span
    parts = [text.encode() for text in lines[line - 1 : end_line]]
    parts[-1] = parts[-1][:end_column]
    parts[0] = parts[0][column:]
    return " ".join(part.decode().strip() for part in parts)


def caller() -> FrameType:
    """The frame that called the caller of this."""
    return sys._getframe(2)


def name_in(frame: Any, tensor: Tensor) -> str:
    """What the user's code calls a tensor that it did not make: a global, or what a closure holds."""
    while frame is not None and not is_users(frame.f_code) and frame.f_code not in ENTRANCES:
        frame = frame.f_back
    if frame is None or frame.f_code in ENTRANCES:
        return ""
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in scope.items():
            if tensor_behind(value) is tensor:
                return str(name)
    return ""
