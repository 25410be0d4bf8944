"""The functions that someone's code is made of, and what the names in it stand for."""

import dis
import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

DEEPEST = 6  # helpers of helpers, and layers of layers
OTHERS = ("numpy", "scipy", "torch", "jax", "jaxlib", "builtins", "manual_backprop")


def functions_in(*values: Any) -> list[FunctionType]:
    """The functions of functions, methods, classes and objects, and those that they call."""
    found: dict[CodeType, FunctionType] = {}
    for value in values:
        _gather(value, DEEPEST, found, set())
    return list(found.values())


def _gather(value: Any, depth: int, found: dict[CodeType, FunctionType], seen: set[int]) -> None:
    kind = type(value)  # what someone's object says of itself may be anything
    if depth == 0 or id(value) in seen or issubclass(kind, ModuleType | np.ndarray | torch.Tensor):
        return
    seen.add(id(value))
    if issubclass(kind, dict | list | tuple):
        for part in value.values() if issubclass(kind, dict) else value:
            _gather(part, depth - 1, found, seen)
    elif issubclass(kind, partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            _gather(part, depth, found, seen)
    elif issubclass(kind, MethodType):
        _gather(value.__func__, depth, found, seen)
        _gather(value.__self__, depth, found, seen)
    elif issubclass(kind, FunctionType):
        inner = inspect.unwrap(value)
        if isinstance(inner, FunctionType) and inner.__code__ not in found and _is_users(inner.__module__):
            found[inner.__code__] = inner
            for used in names_used(inner).values():
                called = issubclass(type(used), FunctionType | MethodType | type | partial)
                if called or _is_users(type(used).__module__):
                    _gather(used, depth - 1, found, seen)
    elif issubclass(kind, type):
        for of in value.__mro__ if _is_users(value.__module__) else ():
            for part in vars(of).values():
                _gather(_plain(part), depth, found, seen)
    elif _is_users(kind.__module__):
        _gather(kind, depth, found, seen)
        with suppress(Exception):
            for part in vars(value).values():
                _gather(part, depth - 1, found, seen)


def _plain(part: Any) -> Any:
    """The function in what a class has; None if it is none."""
    if isinstance(part, staticmethod | classmethod):
        return part.__func__
    if isinstance(part, property):
        return part.fget
    return part if isinstance(part, FunctionType) else None


def _is_users(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] not in OTHERS


def names_used(function: FunctionType) -> dict[str, Any]:
    """The globals and the variables of enclosing functions that a function's code refers to, by name."""
    scope = {**function.__globals__, **dict(_held_by(function))}
    return {name: scope[name] for name in _names_in(function.__code__) if name in scope}


def _names_in(code: CodeType) -> Iterator[str]:
    """Globals and variables of enclosing functions, in functions inside too; not attributes."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _held_by(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables of enclosing functions, by name."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # it is not assigned yet
            yield name, cell.cell_contents
