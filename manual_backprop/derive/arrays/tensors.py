"""Tensors of what NumPy code holds: arrays, scalars and Python's numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import without_torch_functions


class Untraceable(Exception):  # noqa: N818 - an answer, not a bug
    """What NumPy code does that no function of torch's does in its place."""


DTYPES: dict[Any, torch.dtype] = {
    np.dtype(name): getattr(torch, name)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "float16", "float32", "float64", "complex64", "complex128")
}  # fmt: skip
NUMPY_DTYPES = {ours: theirs for theirs, ours in DTYPES.items()}


class Held:
    """What shows a tensor as an array."""

    __slots__ = ("_tensor",)
    _tensor: Tensor

    @property
    def tensor(self) -> Tensor:
        """The numbers."""
        return self._tensor


KNOWN: dict[int, tuple[Any, Tensor]] = {}
"""The tensors of the NumPy arrays that traced code has used, by the array's id; emptied when it ends."""


def torch_dtype(dtype: Any) -> torch.dtype:
    """The torch dtype of what NumPy takes for one: `float`, np.float32, "int64".

    Raises:
        Untraceable: torch has none.
    """
    found = DTYPES.get(np.dtype(dtype).newbyteorder("="))
    if found is None:
        raise Untraceable(f"torch has no dtype {np.dtype(dtype)}")
    return found


def numpy_dtype(tensor: Tensor) -> Any:
    """The NumPy dtype of a tensor."""
    return NUMPY_DTYPES[tensor.dtype]


def as_tensor(value: Any) -> Tensor:
    """The tensor of a traced array, a NumPy array or scalar, or a Python number.

    Python's numbers are float64, int64 or bool, as NumPy takes them. An array is the same tensor each time,
    and shares its memory where it can.

    Raises:
        Untraceable: it holds strings, objects or numbers of a dtype that torch does not have.
    """
    if isinstance(value, Held):
        return value.tensor
    if isinstance(value, Tensor):
        return value
    if type(value) is np.ndarray and id(value) in KNOWN:
        return KNOWN[id(value)][1]
    array = np.asarray(value)
    dtype = torch_dtype(array.dtype)
    with without_torch_functions():
        plain = array.flags.writeable and all(stride >= 0 for stride in array.strides)
        native = array.dtype.isnative and plain
        tensor = torch.from_numpy(array) if native else torch.tensor(array.tolist(), dtype=dtype)
        tensor = tensor.reshape(array.shape)
    if type(value) is np.ndarray and ENTERED:
        KNOWN[id(value)] = value, tensor
    return tensor


ENTERED: list[bool] = []


@contextmanager
def knowing() -> Iterator[bool]:
    """Inside, NumPy's arrays are known by their tensors; whether this is the outermost block."""
    ENTERED.append(True)
    try:
        yield len(ENTERED) == 1
    finally:
        ENTERED.pop()
        if not ENTERED:
            KNOWN.clear()


def tensor_behind(value: Any) -> Tensor | None:
    """The tensor that a name of traced code stands for; None where it is no array."""
    if isinstance(value, Held):
        return value._tensor
    if type(value) is np.ndarray and id(value) in KNOWN:
        return KNOWN[id(value)][1]
    return value if isinstance(value, Tensor) else None


def shares_memory(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors lie in the same memory."""
    with without_torch_functions():
        return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() != 0


def value_of(read: Callable[[Tensor], Any], tensor: Tensor) -> Any:
    """What is read of a tensor's numbers, unseen by whoever follows the functions of torch."""
    with without_torch_functions():
        return read(tensor.detach())
