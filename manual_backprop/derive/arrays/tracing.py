"""`tracing()`: in the block, the functions by which NumPy code makes arrays make traced ones."""

import builtins
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import CO_OPTIMIZED, unwrap
from opcode import opmap
from types import ModuleType
from typing import Any

import torch

from manual_backprop.derive.arrays.replacements import PATCHED, STATS, replacements
from manual_backprop.derive.arrays.tensors import Untraceable, knowing
from manual_backprop.derive.code_names import HERE, is_users

LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@contextmanager
def tracing(*code: Any) -> Iterator[None]:
    """Run NumPy code on traced arrays.

    In the block, NumPy's functions that make arrays of no array, such as np.zeros, make a `TracedArray` for
    code that is no library's, whether it calls them by the module or has imported them by name. What is made
    of no number is float64, as NumPy's is.

    Args:
        code: functions, classes or objects whose module is not in `sys.modules`.

    Raises:
        Untraceable: what the code does has no function of torch's in its place.
    """
    with knowing() as outermost, ExitStack() as stack:
        new = replacements() if outermost or code else {}
        if outermost:
            before = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)
            stack.callback(torch.set_default_dtype, before)
            importing = builtins.__import__
            builtins.__import__ = _importing(importing, new)
            stack.callback(setattr, builtins, "__import__", importing)
        for names in _namespaces(code) if outermost else _of_code(code):
            for name, value in [*names.items()]:
                found = new.get(id(value))
                if found is not None:
                    names[name] = found
                    stack.callback(names.__setitem__, name, value)
            if id(float) in new and "float" not in names and names.get("__name__") not in (STATS, *PATCHED):
                names["float"] = new[id(float)]
                stack.callback(names.pop, "float")
        try:
            yield
        except Exception as error:
            if (reason := _untraceable(error)) is not None:
                raise reason from error
            raise


def _untraceable(error: BaseException | None) -> Untraceable | None:
    """What NumPy's own code has raised another error for."""
    error = error and error.__cause__
    while error is not None and not isinstance(error, Untraceable):
        error = error.__cause__
    return error


def _importing(original: Any, new: dict[int, Any]) -> Any:
    """`import numpy as np` in a function of the code's gives it what the others have."""

    @wraps(original)
    def imported(name: str, *args: Any, **kwargs: Any) -> Any:
        module = original(name, *args, **kwargs)
        if id(module) not in new:
            return module
        frame = sys._getframe(1)
        code = frame.f_code
        own = code.co_flags & CO_OPTIMIZED and is_users(code)  # not an extension's that the code has called
        return new[id(module)] if own and code.co_code[frame.f_lasti] == opmap["IMPORT_NAME"] else module

    return imported


def _namespaces(code: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """Where the code has names for such functions, and where libraries written in Python have theirs.

    NumPy's own module stays as it is: extensions take from it what they make arrays with.
    """
    found = [vars(sys.modules[name]) for name in ("__main__", STATS, *PATCHED) if name in sys.modules]
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        if isinstance(module, ModuleType) and file and not file.startswith((*LIBRARIES, HERE)):
            found.append(vars(module))
    found += _of_code(code)
    return iter({id(names): names for names in found}.values())


def _of_code(code: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """The global names of functions, and of the methods of classes and objects."""
    for part in code:
        function = unwrap(part) if callable(part) else part
        function = getattr(function, "__func__", function)
        names = getattr(function, "__globals__", None)
        if names is not None:
            yield names
            continue
        kind = function if isinstance(function, type) else type(function)
        yield from (method.__globals__ for method in vars(kind).values() if hasattr(method, "__globals__"))
