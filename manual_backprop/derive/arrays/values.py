"""Arrays and numbers as tensors, and the other way round."""

from typing import Any

import numpy as np
import torch
from numpy import asarray  # itself, while code that is traced gets another one
from torch import Tensor

NAMES = [
    "float64",
    "float32",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex128",
    "complex64",
]
DTYPES = {np.dtype(name): getattr(torch, name) for name in NAMES}


class Untraceable(Exception):  # noqa: N818 - an answer, not a bug
    """What torch has no function for, so that the code cannot be run on tensors."""


def dtype_of(dtype: Any) -> torch.dtype:
    """torch's type for NumPy's."""
    try:
        return DTYPES[np.dtype(dtype)]
    except (KeyError, TypeError):
        raise Untraceable(f"the type {dtype!r}") from None


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """NumPy's type for torch's."""
    return np.dtype(str(dtype).removeprefix("torch."))


def tensor_of_numbers(value: Any) -> Tensor:
    """An array, a number or a list of numbers as a tensor of the same type, which may share its memory."""
    array = asarray(value)
    if array.dtype.newbyteorder("=") not in DTYPES:
        raise Untraceable(f"an array of {array.dtype}")
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array) if array.ndim else torch.tensor(array.item(), dtype=DTYPES[array.dtype])
