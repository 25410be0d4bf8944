"""Arrays for NumPy code that hold torch tensors.

NumPy asks an argument that is no array of its own what a function of it is (`__array_ufunc__`, NEP 13, and
`__array_function__`, NEP 18), so the code runs as it is, and torch sees what one would have written. Only
the functions that make arrays of nothing, as `np.zeros` does, cannot ask; in the code that is traced,
`tracing()` puts others in their places.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy import asarray
from torch import Tensor

from manual_backprop.derive.arrays.code import functions_in, with_names
from manual_backprop.derive.arrays.functions import FUNCTIONS, UFUNCS
from manual_backprop.derive.arrays.values import Untraceable, dtype_of, numpy_dtype, tensor_of_numbers

INTEGRAL = ("negative", "absolute", "square", "logical_not", "invert", "sign", "positive")
METHODS = [
    "sum",
    "mean",
    "var",
    "std",
    "prod",
    "max",
    "min",
    "argmax",
    "argmin",
    "all",
    "any",
    "reshape",
    "transpose",
    "ravel",
    "squeeze",
    "swapaxes",
    "dot",
    "clip",
    "repeat",
    "cumsum",
    "cumprod",
    "take",
    "trace",
    "diagonal",
    "round",
    "nonzero",
    "argsort",
]


class TracedArray:
    """Looks like an array of NumPy; its numbers are a tensor's.

    Attributes:
        tensor: the numbers.
    """

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]  # as that of an array

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """A function of NumPy or SciPy that works number by number."""
        name = ufunc.__name__
        if method == "at":
            return _add_at(name, *inputs)
        out = options.pop("out", None)
        values = [given(x) for x in inputs]
        if method == "reduce":
            names = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
            if name not in names:
                raise Untraceable(f"np.{name}.reduce")
            options.setdefault("axis", 0)
            return wrapped(FUNCTIONS[names[name]](*values, **options))
        if method == "outer":
            x, y = values
            values = [x.reshape(*x.shape, *[1] * y.dim()), y]
        elif method != "__call__":
            raise Untraceable(f"np.{name}.{method}")
        if options.pop("where", True) is not True or name not in UFUNCS:
            raise Untraceable(f"np.{name}{' with where=' if name in UFUNCS else ''}")
        if (dtype := options.pop("dtype", None)) is not None:
            values = [x.to(dtype_of(dtype)) if isinstance(x, Tensor) else x for x in values]
        found = UFUNCS[name](*_of_one_kind(name, values))
        if out is not None:
            (target,) = out
            target[...] = wrapped(found)
            return target
        return wrapped(found)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, options: Any) -> Any:
        """Any other function of NumPy."""
        name = function.__name__
        if name not in FUNCTIONS:
            raise Untraceable(f"np.{name}")
        out = options.get("out")
        if out is not None:
            out[...] = function(*args, **{key: value for key, value in options.items() if key != "out"})
            return out
        return wrapped(FUNCTIONS[name](*given(list(args)), **{key: given(x) for key, x in options.items()}))

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise Untraceable("what works on an array's memory")

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        return lambda *args, **options: wrapped(
            FUNCTIONS[name](self.tensor, *given(list(args)), **{key: given(x) for key, x in options.items()})
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """As a tuple."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.tensor.dim()

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.tensor.numel()

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's."""
        return numpy_dtype(self.tensor.dtype)

    @property
    def T(self) -> "TracedArray":  # noqa: N802 - its name in NumPy
        """The dimensions in reverse order."""
        return wrapped(FUNCTIONS["transpose"](self.tensor))

    @property
    def flat(self) -> Iterator["TracedArray"]:
        """The elements in order."""
        return iter(wrapped(self.tensor.reshape(-1)))

    @property
    def real(self) -> "TracedArray":
        """Itself."""
        return self

    def flatten(self, order: str = "C") -> "TracedArray":
        """A vector of the elements, which is a copy."""
        return wrapped(self.tensor.reshape(-1).clone())

    def copy(self, order: str = "C") -> "TracedArray":
        """A copy."""
        return wrapped(self.tensor.clone())

    def astype(self, dtype: Any, **options: Any) -> "TracedArray":
        """A copy of another type."""
        of = dtype_of(dtype)
        return wrapped(self.tensor.to(of) if of != self.tensor.dtype else self.tensor.clone())

    def fill(self, value: Any) -> None:
        """Set every element."""
        self[...] = value

    def item(self, *index: int) -> Any:
        """The number itself, of integers and truths."""
        if self.tensor.is_floating_point():
            raise Untraceable("item() of real numbers")
        return self.tensor[index].item() if index else self.tensor.item()

    def tolist(self) -> Any:
        """Nested lists, of integers and truths."""
        if self.tensor.is_floating_point():
            raise Untraceable("tolist() of real numbers")
        return self.tensor.tolist()

    def __len__(self) -> int:
        return len(self.tensor)

    def __iter__(self) -> Iterator["TracedArray"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> "TracedArray":
        tensor, places = _forwards(self.tensor, index_of(index))
        return wrapped(tensor[places])

    def __setitem__(self, index: Any, value: Any) -> None:
        tensor, places = _forwards(self.tensor, index_of(index))
        if tensor is not self.tensor:
            raise Untraceable("an assignment to a slice with a negative step")
        value = given(value)
        if isinstance(value, list | tuple | np.ndarray):
            value = tensor_of_numbers(value)
        self.tensor[places] = value

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __int__(self) -> int:
        return int(self.tensor)

    def __index__(self) -> int:
        return operator.index(self.tensor)

    def __float__(self) -> float:
        raise Untraceable("float() of an array")

    def __repr__(self) -> str:
        return f"array({self.tensor.tolist()})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(self.tensor.item(), spec) if self.tensor.numel() == 1 else repr(self)

    def __neg__(self) -> "TracedArray":
        return wrapped(-self.tensor)

    def __pos__(self) -> "TracedArray":
        return self

    def __abs__(self) -> "TracedArray":
        return wrapped(abs(self.tensor))

    def __invert__(self) -> "TracedArray":
        return wrapped(~self.tensor)


def _binary(ufunc: str) -> Callable[[TracedArray, Any], Any]:
    def operate(self: TracedArray, other: Any) -> Any:
        return wrapped(UFUNCS[ufunc](*_of_one_kind(ufunc, [self.tensor, given(other)])))

    return operate


def _reflected(ufunc: str) -> Callable[[TracedArray, Any], Any]:
    def operate(self: TracedArray, other: Any) -> Any:
        return wrapped(UFUNCS[ufunc](*_of_one_kind(ufunc, [given(other), self.tensor])))

    return operate


def _in_place(change: Callable[[Any, Any], Any]) -> Callable[[TracedArray, Any], TracedArray]:
    def operate(self: TracedArray, other: Any) -> TracedArray:
        tensor = change(self.tensor, given(other))
        self.tensor = tensor
        return self

    return operate


BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "mod": "remainder",
    "floordiv": "floor_divide",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
COMPARISONS = {
    "gt": "greater",
    "ge": "greater_equal",
    "lt": "less",
    "le": "less_equal",
    "eq": "equal",
    "ne": "not_equal",
}
IN_PLACE = ("iadd", "isub", "imul", "itruediv", "ipow", "iand", "ior")
for _name, _ufunc in BINARY.items():
    setattr(TracedArray, f"__{_name}__", _binary(_ufunc))
    setattr(TracedArray, f"__r{_name}__", _reflected(_ufunc))
for _name, _ufunc in COMPARISONS.items():
    setattr(TracedArray, f"__{_name}__", _binary(_ufunc))
for _name in IN_PLACE:
    setattr(TracedArray, f"__{_name}__", _in_place(getattr(operator, _name)))


def given(value: Any) -> Any:
    """What torch is given in place of NumPy's: tensors for arrays, numbers for NumPy's numbers."""
    if isinstance(value, TracedArray):
        return value.tensor
    if isinstance(value, np.ndarray):
        return tensor_of_numbers(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        parts = [given(x) for x in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def wrapped(value: Any) -> Any:
    """What NumPy's code is given in place of torch's."""
    if isinstance(value, Tensor):
        return TracedArray(value)
    if isinstance(value, list | tuple):
        return type(value)(wrapped(x) for x in value)
    return value


def _of_one_kind(name: str, values: Sequence[Any]) -> list[Any]:
    """Lists as tensors, and whole numbers as real ones where NumPy makes them so."""
    found = [tensor_of_numbers(x) if isinstance(x, list | tuple) else x for x in values]
    if name in ("divide", "power", "matmul"):
        real = [x.dtype for x in found if isinstance(x, Tensor) and x.is_floating_point()]
        if real:
            return [x.to(real[0]) if isinstance(x, Tensor) and name == "matmul" else x for x in found]
    elif len(found) == 1 and name not in INTEGRAL:
        return [x.double() if isinstance(x, Tensor) and not x.is_floating_point() else x for x in found]
    return found


def index_of(index: Any) -> Any:
    """An index with tensors in the place of arrays."""
    if isinstance(index, tuple):
        return tuple(_part_of_index(part) for part in index)
    return _part_of_index(index)


def _part_of_index(part: Any) -> Any:
    if isinstance(part, TracedArray):
        return part.tensor
    if isinstance(part, np.ndarray | list | range):
        array = asarray(part)
        return tensor_of_numbers(array.astype(np.int64) if array.dtype.kind in "iu" else array)
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, slice):
        return slice(*(None if x is None else operator.index(x) for x in (part.start, part.stop, part.step)))
    return part


def _forwards(tensor: Tensor, index: Any) -> tuple[Tensor, Any]:
    """The tensor turned around where a slice has a negative step, and the index without."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        return tensor, index
    if not all(isinstance(part, slice | int) or part is Ellipsis for part in parts):
        raise Untraceable("a slice with a negative step beside other indices")
    before = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    found = []
    for at, part in enumerate(parts):
        dim = at if at < before else tensor.dim() - len(parts) + at
        if isinstance(part, slice) and (part.step or 1) < 0:
            chosen = list(range(*part.indices(tensor.shape[dim])))
            if chosen == list(reversed(range(tensor.shape[dim]))):
                tensor = tensor.flip(dim)
            else:
                tensor = tensor.index_select(dim, torch.tensor(chosen))
            part = slice(None)
        found.append(part)
    return tensor, tuple(found)


def _add_at(name: str, target: Any, index: Any, value: Any) -> None:
    if name not in ("add", "subtract"):
        raise Untraceable(f"np.{name}.at")
    if not isinstance(target, TracedArray):
        raise Untraceable(f"np.{name}.at on an array that is not traced")
    number = given(value)
    tensor = number if isinstance(number, Tensor) else torch.tensor(number, dtype=target.tensor.dtype)
    places = index_of(index)
    places = places if isinstance(places, tuple) else (places,)
    if any(isinstance(part, slice) or part is Ellipsis for part in places):
        raise Untraceable(f"np.{name}.at with a slice")
    indices = tuple(part if isinstance(part, Tensor) else torch.tensor(part) for part in places)
    target.tensor.index_put_(indices, tensor if name == "add" else -tensor, accumulate=True)


def as_tensor(value: Any) -> Tensor:
    """A traced array's tensor; another array, or a number, as one."""
    return value.tensor if isinstance(value, TracedArray) else tensor_of_numbers(value)


class _Arrays(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, np.ndarray | TracedArray)


class _AnyArray(metaclass=_Arrays):
    """Stands for np.ndarray where types are asked for."""


class _NumPy(ModuleType):
    """NumPy, with other functions that make arrays."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _made(function: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, **options: Any) -> Any:
        array = function(*args, **options)
        return TracedArray(tensor_of_numbers(array)) if array.dtype.kind == "f" else array

    return make


def _array(function: Callable[..., Any]) -> Callable[..., Any]:
    """np.array, of what may hold traced arrays."""

    def make(value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if isinstance(value, TracedArray):
            found = value if function is not np.array else value.copy()
            return found if dtype is None or found.dtype == dtype else found.astype(dtype)
        if isinstance(value, list | tuple) and _holds_traced(value):
            return TracedArray(_stacked(value))
        array = function(value, dtype, *args, **options)
        return TracedArray(tensor_of_numbers(array)) if array.dtype.kind == "f" else array

    return make


def _holds_traced(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_traced(x) for x in value)
    return isinstance(value, TracedArray)


def _stacked(value: Any) -> Tensor:
    if isinstance(value, list | tuple):
        parts = [_stacked(x) for x in value]
        real = next((x.dtype for x in parts if x.is_floating_point()), None)
        return torch.stack([x if real is None else x.to(real) for x in parts])
    return as_tensor(value)


MADE = ("zeros", "ones", "empty", "full", "eye", "identity", "linspace")
FROM_VALUES = ("array", "asarray", "asanyarray", "ascontiguousarray")
NUMPY = _NumPy("numpy")
INSTEAD = {id(np): NUMPY, id(np.ndarray): _AnyArray}
for _name in (*MADE, *FROM_VALUES):
    _own = getattr(np, _name)
    INSTEAD[id(_own)] = _made(_own) if _name in MADE else _array(_own)
    setattr(NUMPY, _name, INSTEAD[id(_own)])
setattr(NUMPY, "ndarray", _AnyArray)  # noqa: B010 - a module has no such attribute to a type checker


@contextmanager
def tracing(*code: Any) -> Iterator[None]:
    """Inside, what makes arrays in someone's code makes traced ones.

    Args:
        code: functions, methods, classes or objects. It is in what they refer to that NumPy has other
            functions; NumPy itself stays as it is.
    """
    restore = with_names(functions_in(*code), lambda value: INSTEAD.get(id(value)))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        restore()
