"""What stands in the place of NumPy's, SciPy's and Python's functions that do not ask traced arrays.

These are those that make arrays of none, and those that make a NumPy array of what they are given first.
"""

import math
import sys
from collections.abc import Callable
from functools import cache, wraps
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.array import TracedArray
from manual_backprop.derive.arrays.calls import FUNCTIONS, call, ufunc_method, wrapped
from manual_backprop.derive.arrays.factories import FACTORIES, OF_ARRAYS
from manual_backprop.derive.arrays.number_types import number_type
from manual_backprop.derive.arrays.operands import arrays_in, plain
from manual_backprop.derive.arrays.signals import SCIPY_SIGNALS, as_strided
from manual_backprop.derive.arrays.special import NORMAL, SPECIAL
from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor
from manual_backprop.derive.arrays.ufuncs import UFUNCS

STRIDE_TRICKS, STATS = "numpy.lib.stride_tricks", "scipy.stats"
PATCHED: dict[str, dict[str, Callable[..., Any]]] = {
    STRIDE_TRICKS: {"as_strided": as_strided},
    "scipy.special": SPECIAL,
    "scipy.signal": SCIPY_SIGNALS,
}
"""Modules that are written in Python, whose functions are replaced where they stand."""
MATH: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh",
                                            "log1p", "expm1", "log2", "log10", "hypot")},
    "fabs": np.abs,
    "pow": np.power,
    "erf": lambda x: wrapped(torch.erf(x.tensor), [x]),
    "isnan": lambda x: bool(np.isnan(x)),
    "isinf": lambda x: bool(np.isinf(x)),
    "isfinite": lambda x: bool(np.isfinite(x)),
}  # fmt: skip


class Module(ModuleType):
    """A module in which some names stand for others."""

    def __init__(self, module: ModuleType, names: dict[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(vars(module) | names)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class OfLists:
    """A function of NumPy's that also takes lists of traced arrays, which NumPy does not look into."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._function, name)
        if not isinstance(self._function, np.ufunc) or name not in ("reduce", "accumulate", "outer", "at"):
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            if not _in_lists(args):
                return found(*args, **kwargs)
            return ufunc_method(self._function.__name__, name, args, kwargs)

        return method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        if not _in_lists(args):
            return self._function(*args, **kwargs)
        if isinstance(self._function, np.ufunc):
            return ufunc_method(self._function.__name__, "__call__", args, kwargs)
        return call(self._function, args, kwargs)


def _in_lists(args: tuple[Any, ...]) -> bool:
    return any(isinstance(arg, list | tuple) and [*arrays_in(arg)] for arg in args)


class _Normal:
    """scipy.stats.norm, whose functions GELU is made of."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._original, name)
        return _where_traced(original, _on_tensors(NORMAL[name])) if name in NORMAL else original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The distribution with its parameters."""
        return self._original(*args, **kwargs)


class _Joined:
    """np.r_ and np.c_ of arrays; of slices and strings they are NumPy's own."""

    def __init__(self, original: Any, join: Callable[..., Any]) -> None:
        self._original, self._join = original, join

    def __getitem__(self, parts: Any) -> Any:
        given = parts if isinstance(parts, tuple) else (parts,)
        if not [*arrays_in(given)]:
            return self._original[parts]
        if any(isinstance(part, slice | str) for part in given):
            raise Untraceable("np.r_ or np.c_ with a slice")
        return self._join([np.atleast_1d(part) for part in given])


def vectorize(pyfunc: Callable[..., Any], *more: Any, **named: Any) -> Any:
    """np.vectorize: a call for each number."""
    original = np.vectorize(pyfunc, *more, **named)

    def vectorized(*args: Any) -> Any:
        arrays = [*arrays_in(args)]
        if not arrays:
            return original(*args)
        given = np.broadcast_arrays(
            *(arg if isinstance(arg, TracedArray) else np.asarray(arg) for arg in args)
        )
        made = [pyfunc(*numbers) for numbers in zip(*(array.reshape(-1) for array in given), strict=True)]
        return call(np.stack, (made,), {}).reshape(given[0].shape)

    return vectorized


def replacements() -> dict[int, Any]:
    """By the id of a function or a module, what stands in its place."""
    return _replacements(*(name for name in (*PATCHED, STATS) if name in sys.modules))


@cache
def _replacements(*modules: str) -> dict[int, Any]:
    asked = {str(function.__name__) for function in FUNCTIONS} | UFUNCS.keys()
    names: dict[str, Any] = {name: OfLists(getattr(np, name)) for name in asked if hasattr(np, name)}
    names |= {name: _making(getattr(np, name), function) for name, function in FACTORIES.items()}
    names |= {
        name: _making(getattr(np, name), FUNCTIONS[getattr(np, name)], of_array=True) for name in OF_ARRAYS
    }
    names |= {"amax": names["max"], "amin": names["min"], "around": names["round"], "vectorize": vectorize}
    names["c_"] = _Joined(np.c_, lambda parts: call(np.column_stack, (parts,), {}))
    names["r_"] = _Joined(np.r_, lambda parts: call(np.concatenate, (parts,), {}))
    names["float64"] = number_type(np.float64)
    of_numbers = {name: _where_traced(getattr(math, name), function) for name, function in MATH.items()}
    new = {id(getattr(np, name)): replacement for name, replacement in names.items()}
    new |= {id(getattr(math, name)): replacement for name, replacement in of_numbers.items()}
    for module in modules:
        for name, function in PATCHED.get(module, {}).items():
            original = getattr(sys.modules[module], name)
            new[id(original)] = _where_traced(original, _on_tensors(function))
    if STATS in modules:
        norm = sys.modules[STATS].norm
        new[id(norm)] = _Normal(norm)
    new[id(float)] = number_type(float)
    new[id(np)] = Module(np, names)
    new[id(math)] = Module(math, of_numbers)
    return new


def _making(original: Any, function: Callable[..., Any], *, of_array: bool = False) -> Any:
    @wraps(original)
    def made(*args: Any, **kwargs: Any) -> Any:
        arrays = [*arrays_in((*args, *kwargs.values()))]
        if of_array and arrays:
            return original(*args, **kwargs)
        try:
            values, named = plain(args), {name: plain(value) for name, value in kwargs.items()}
            if of_array:
                values = (as_tensor(values[0]), *values[1:])
        except Untraceable:
            return original(*args, **kwargs)
        result = function(*values, **named)
        if not isinstance(result, Tensor):
            return result
        if arrays:
            same = next((array for array in arrays if array.tensor is result), None)
            return wrapped(result, arrays) if same is None else same
        given = any(result is value for value in values)
        return TracedArray(result) if given else TracedArray.made(result)

    return made


def _on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    def on_tensors(*args: Any, **kwargs: Any) -> Any:
        arrays = [*arrays_in((*args, *kwargs.values()))]
        return wrapped(
            function(*plain(args), **{name: plain(value) for name, value in kwargs.items()}), arrays
        )

    return on_tensors


def _where_traced(original: Any, function: Callable[..., Any]) -> Any:
    """The function where one of the arguments is a traced array, the original otherwise."""

    @wraps(original)
    def chosen(*args: Any, **kwargs: Any) -> Any:
        traced = any(True for _ in arrays_in((*args, *kwargs.values())))
        return (function if traced else original)(*args, **kwargs)

    return chosen
