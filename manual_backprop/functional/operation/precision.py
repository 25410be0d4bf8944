"""Floating-point types: what is computed wider than it is stored."""

import torch
from torch import Tensor

HALF_PRECISION = (torch.float16, torch.bfloat16)


def widen(tensor: Tensor) -> Tensor:
    """float16 and bfloat16 are computed in float32 and rounded once, at the end; the others as they are."""
    return tensor.float() if tensor.dtype in HALF_PRECISION else tensor


def narrow(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The rounding at the end.

    A cast that changes nothing is left out: at the end of a forward, torch.compile of torch 2.11 makes a
    gradient of zeros of it.
    """
    return tensor if tensor.dtype == dtype else tensor.to(dtype)
