"""A call of NumPy's on traced arrays: the torch function that is called in its place, and its result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.choosing import CHOICES
from manual_backprop.derive.arrays.elementwise import ELEMENTWISE
from manual_backprop.derive.arrays.joining import JOINS, of_values
from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.on_arrays import ON_ARRAYS, add_at
from manual_backprop.derive.arrays.operands import arrays_in, operand, plain
from manual_backprop.derive.arrays.products import PRODUCTS
from manual_backprop.derive.arrays.reductions import ACCUMULATIONS_OF, REDUCTIONS, REDUCTIONS_OF
from manual_backprop.derive.arrays.selections import of_selections
from manual_backprop.derive.arrays.shapes import ORDERS, SHAPES, write_order, write_shape
from manual_backprop.derive.arrays.signals import SIGNALS
from manual_backprop.derive.arrays.statistics import STATISTICS
from manual_backprop.derive.arrays.tensors import Untraceable, shares_memory, torch_dtype
from manual_backprop.derive.arrays.ufuncs import UFUNCS, matched

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **REDUCTIONS,
    **PRODUCTS,
    **CHOICES,
    **JOINS,
    **ELEMENTWISE,
    **STATISTICS,
    **SIGNALS,
}
OF_LISTS = {np.einsum, np.linalg.multi_dot, np.select, np.where, *JOINS}
METHODS: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        "sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "all", "any", "cumsum",
        "cumprod", "dot", "reshape", "ravel", "transpose", "swapaxes", "squeeze", "clip", "take", "repeat",
        "argsort", "diagonal", "trace", "nonzero", "round", "copy", "ptp", "put",
        "searchsorted", "compress")
}  # fmt: skip


def wrapped(result: Any, arrays: list[Memory]) -> Any:
    """The arrays of the tensors that were computed of other arrays."""
    if isinstance(result, Tensor):
        array = type(arrays[0]).made(result)
        for given in arrays:
            given.is_used_by(result)
            if result is given._tensor or (result._is_view() and given.owner.kept):
                array.kept = True
        return array
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(wrapped(part, arrays) for part in result))
    if isinstance(result, tuple | list):
        return type(result)(wrapped(part, arrays) for part in result)
    return result


def call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy's on traced arrays.

    Raises:
        Untraceable: torch has no such function.
    """
    arrays = [*arrays_in((*args, *kwargs.values()))]
    if func in SHAPES or func in ORDERS:
        return _shown(func, args, kwargs, arrays)
    if func in ON_ARRAYS:
        return ON_ARRAYS[func](*args, **kwargs)
    found = FUNCTIONS.get(func)
    if found is None:
        raise Untraceable(f"{name_of(func)} has no torch function in its place")
    values = [
        of_values(plain(v)) if isinstance(v, list | tuple) and func not in OF_LISTS else v for v in args[:1]
    ]
    result = computed(found, (*values, *args[1:]), kwargs, arrays)
    if func is np.copy:
        result.kept = False
    return result


def computed(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], arrays: list[Memory]) -> Any:
    """What a function of tensors makes of the arrays."""
    named = {name: plain(value) for name, value in kwargs.items() if name != "out"}
    result = wrapped(function(*plain(args), **named), arrays)
    return result if kwargs.get("out") is None else _written(kwargs["out"], result.tensor)


def call_method(name: str, array: Memory, *args: Any, **kwargs: Any) -> Any:
    """A method of an array."""
    return call(METHODS[name], (array, *args), kwargs)


def name_of(func: Any) -> str:
    """What NumPy code calls a function."""
    module = str(getattr(func, "__module__", "numpy")).replace("numpy", "np")
    return f"{module}.{getattr(func, '__name__', func)}"


def _written(out: Any, new: Tensor) -> Any:
    if isinstance(out, tuple):
        (out,) = out
    if not isinstance(out, Memory):
        raise Untraceable("traced numbers are written to an array of NumPy's own")
    target = out._tensor
    if new.shape != target.shape:
        if torch.broadcast_shapes(new.shape, target.shape) != target.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {tuple(target.shape)} "
                f"doesn't match the broadcast shape {tuple(new.shape)}"
            )
        new = new.expand(target.shape)
    out.assign(new if new.dtype == target.dtype else new.to(target.dtype))
    return out


def call_ufunc(
    name: str, inputs: tuple[Any, ...], *, out: Any = None, where: Any = True, dtype: Any = None
) -> Any:
    """A ufunc, by its name.

    Raises:
        Untraceable: torch has no such function.
    """
    found = UFUNCS.get(name)
    if found is None:
        raise Untraceable(f"{name} has no torch function in its place")
    if where is True and dtype is None and (selection := of_selections(name, found, inputs)) is not None:
        if out is None:
            return selection
        if isinstance(out, Memory) and out.selected is not None:
            out.selected, out._tensor = selection.selected, selection._tensor
            return out
    values = [operand(value) for value in inputs]
    if dtype is not None:
        values = [v.to(torch_dtype(dtype)) if isinstance(v, Tensor) else v for v in values]
    result = found(*matched(name, inputs, values))
    if where is not True:
        other = operand(out[0] if isinstance(out, tuple) else out)
        result = torch.where(operand(where), result, torch.zeros_like(result) if other is None else other)
    array = wrapped(result, [*arrays_in(inputs)])
    return array if out is None else _written(out, array.tensor)


def ufunc_method(name: str, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc's call, or one of its methods."""
    if method == "__call__":
        known = {key: kwargs[key] for key in ("out", "where", "dtype") if kwargs.get(key) is not None}
        return call_ufunc(name, inputs, **known)
    methods = {"reduce": REDUCTIONS_OF, "accumulate": ACCUMULATIONS_OF}.get(method, {})
    if name in methods:
        values = (operand(inputs[0]), *inputs[1:])
        return computed(methods[name], values, {"axis": 0, **kwargs}, [*arrays_in(inputs)])
    if method == "outer":
        a, b = inputs
        return call_ufunc(name, (a[(..., *[None] * np.ndim(b))], b))
    if method == "at" and name in ("add", "subtract"):
        return add_at(*inputs, subtract=name == "subtract")
    raise Untraceable(f"np.{name}.{method} has no torch function in its place")


def _shown(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], arrays: list[Memory]) -> Any:
    """A view of another shape or in another order."""
    if "a" in kwargs:
        kwargs = dict(kwargs)
        args = (kwargs.pop("a"), *args)
    array, *rest = args
    if not isinstance(array, Memory):
        array = wrapped(operand(array), arrays)
    rest = [operand(value) if not isinstance(value, list | tuple) else value for value in rest]
    if func in SHAPES:
        read = SHAPES[func](array._tensor, *rest, **kwargs)
        shown = read(array.tensor)
        copied = array.turned and func in (np.reshape, np.ravel) and shown.shape != array._tensor.shape
        if shares_memory(shown, array._tensor) and not copied:
            return array.view(read, write_shape, part=shown)
        return wrapped(shown, [array])  # as NumPy copies where no view is possible
    read = ORDERS[func](array._tensor, *rest, **kwargs)
    return array.view(read, write_order(read, array._tensor.dim()))
