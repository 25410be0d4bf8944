"""Floating-point types: what is computed wider than it is stored, and what torch.autocast casts."""

from typing import Any

import torch
from torch import Tensor

HALF_PRECISION = (torch.float16, torch.bfloat16)


def autocast(value: Any, dtype: torch.dtype) -> Any:
    """As torch.autocast does it: floating-point tensors are cast, but never float64 ones."""
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != torch.float64:
        return value.to(dtype)
    return value


def widen(tensor: Tensor) -> Tensor:
    """float16 and bfloat16 are computed in float32 and rounded once, at the end; the others as they are."""
    return tensor.float() if tensor.dtype in HALF_PRECISION else tensor


def narrow(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The rounding at the end.

    A cast that changes nothing is left out: at the end of a forward, torch.compile of torch 2.11 makes a
    gradient of zeros of it.
    """
    return tensor if tensor.dtype == dtype else tensor.to(dtype)
