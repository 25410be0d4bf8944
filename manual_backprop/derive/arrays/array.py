"""`TracedArray`: what NumPy code takes for an array, and torch computes on."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.calls import (
    METHODS,
    call,
    call_method,
    ufunc_method,
    wrapped,
)
from manual_backprop.derive.arrays.indexing import is_view, torch_index
from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.operands import operand
from manual_backprop.derive.arrays.operators import Operators
from manual_backprop.derive.arrays.selections import is_whole, picked, put_back
from manual_backprop.derive.arrays.shapes import ravel
from manual_backprop.derive.arrays.tensors import (
    Untraceable,
    as_tensor,
    numpy_dtype,
    torch_dtype,
    value_of,
)

__all__ = ["TracedArray", "Untraceable", "as_tensor"]


class TracedArray(Operators):
    """An array of NumPy code's that holds a torch tensor.

    NumPy's functions, ufuncs, operators, indices and methods on it are calls of torch's functions on the
    tensor, so that autograd differentiates them and a TorchFunctionMode sees them. To be used inside
    `tracing()`. The tensor that it is made of is never overwritten; `.tensor` has the numbers as they are.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment] # as of an array
    __array_priority__ = 1000

    @property  # type: ignore[misc] # what NumPy code asks of an array, or of a scalar
    def __class__(self) -> Any:
        return np.ndarray if self._tensor.dim() else numpy_dtype(self._tensor).type

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return ufunc_method(ufunc.__name__, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return call(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self._tensor.is_floating_point() or self._tensor.is_complex():
            raise Untraceable("an array is made of traced numbers by NumPy's own code")
        return np.asarray(value_of(Tensor.numpy, self.tensor), dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes."""
        return tuple(self._tensor.shape)

    @shape.setter
    def shape(self, shape: Any) -> None:
        self.assign(self.tensor.reshape(shape))

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._tensor.dim()

    @property
    def size(self) -> int:
        """The number of numbers."""
        return self._tensor.numel()

    @property
    def dtype(self) -> Any:
        """The NumPy dtype."""
        return numpy_dtype(self._tensor)

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return partial(call_method, name, self)
        if name.startswith("__"):
            raise AttributeError(name)
        if hasattr(np.ndarray, name):
            raise Untraceable(f"ndarray.{name}")
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """With its dimensions in reverse order."""
        return call(np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802
        """With its last two dimensions exchanged."""
        return call(np.swapaxes, (self, -1, -2), {})

    @property
    def real(self) -> Any:
        """The real parts."""
        return call(np.real, (self,), {}) if self._tensor.is_complex() else self

    @property
    def imag(self) -> Any:
        """The imaginary parts."""
        return call(np.imag, (self,), {})

    @property
    def strides(self) -> tuple[int, ...]:
        """How many bytes each dimension's step is."""
        return tuple(n * self._tensor.element_size() for n in self._tensor.stride())

    @property
    def itemsize(self) -> int:
        """The bytes of a number."""
        return self._tensor.element_size()

    @property
    def flat(self) -> Any:
        """The numbers in one row."""
        return call(np.ravel, (self,), {})

    def flatten(self, order: str = "C") -> Any:
        """A copy with its numbers in one row."""
        return wrapped(ravel(self._tensor, order)(self.tensor), [self])

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """A copy of another dtype."""
        return wrapped(self.tensor.to(torch_dtype(dtype)), [self])

    def item(self, *index: Any) -> Any:
        """The one number, or the one at an index."""
        return self.reshape(-1)[index[0]] if len(index) == 1 else self[index] if index else self.reshape(())

    def tolist(self) -> Any:
        """Nested lists of its numbers."""
        return [part.tolist() for part in self] if self._tensor.dim() else self

    def conj(self) -> Any:
        """The complex conjugate."""
        return np.conjugate(self)

    conjugate = conj

    def fill(self, value: Any) -> None:
        """Set every number."""
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort it in place."""
        self.assign(torch.sort(self.tensor, axis).values)

    def __len__(self) -> int:
        if not self._tensor.dim():
            raise TypeError("len() of unsized object")
        return self._tensor.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self._tensor.dim():
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self._tensor.shape[0]))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            raise Untraceable("an array with named fields")
        plain, turned = torch_index(index, self.shape)

        def read(tensor: Tensor) -> Tensor:
            part = tensor[plain]
            return torch.flip(part, turned) if turned else part

        if is_whole(plain, self) and self.tensor.requires_grad:
            return picked(self, plain)
        if not is_view(plain):
            part = read(self.tensor)
            self.is_used_by(part)
            return type(self).made(part)

        def write(parent: Memory, new: Tensor) -> None:
            parent.put(plain, torch.flip(new, turned) if turned else new)

        array = self.view(read, write, index)
        array.turned = array.turned or bool(turned)
        return array

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, TracedArray) and value.is_current_view_of(self, index):
            return  # `x[i] += y` has written it already
        plain, turned = torch_index(index, self.shape)
        if put_back(self, plain, value):
            return
        given = operand(value)
        if isinstance(given, Tensor):
            if isinstance(value, TracedArray) and value.owner is self.owner:
                given = given.clone()
            if given.dtype != self._tensor.dtype:
                given = given.to(self._tensor.dtype)
            if turned:
                shape = value_of(lambda t: t[plain].shape, self._tensor)
                given = torch.flip(given.expand(shape), turned)
        if is_whole(plain, self) and not isinstance(given, Tensor):
            self.assign(self.tensor.masked_fill(plain, given))
        else:
            self.put(plain, given)

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        return repr(value_of(Tensor.numpy, self.tensor))

    def __str__(self) -> str:
        return str(value_of(Tensor.numpy, self.tensor))

    def __format__(self, spec: str) -> str:
        values = value_of(Tensor.numpy, self.tensor)
        return format(values if values.ndim else values.item(), spec)

    def __copy__(self) -> Any:
        return call_method("copy", self)

    def __deepcopy__(self, memo: Any) -> Any:
        return call_method("copy", self)
