"""A gradient against the right one: can the two be compared, and how far apart are they?"""

from math import isfinite
from typing import Any

import torch
from torch import Tensor

ROUNDINGS = {torch.float64: 4096.0, torch.float32: 256.0}


def tolerance_for(dtype: torch.dtype) -> float:
    """The error, relative to the largest entry, that rounding explains in sums of some hundred terms."""
    return ROUNDINGS.get(dtype, 16.0) * torch.finfo(dtype).eps


def least_precise(*tensors: Tensor) -> torch.dtype:
    """The type whose rounding is the largest: a gradient is no more precise than input and output are."""
    return max((x.dtype for x in tensors), key=lambda dtype: torch.finfo(dtype).eps)


def source_of(dtype: torch.dtype) -> str:
    """Where `tolerance_for` comes from, in words."""
    count = ROUNDINGS.get(dtype, 16.0)
    return f"{tolerance_for(dtype):.0e} of the largest entry ({count:.0f} roundings of {name_of(dtype)})"


def name_of(dtype: torch.dtype) -> str:
    """The name of a type without the module's."""
    return str(dtype).removeprefix("torch.")


def largest(t: Tensor) -> float:
    """The largest absolute value; 0 of no elements."""
    return float(t.abs().max()) if t.numel() else 0.0


def compares(given: Any, other: Any) -> bool:
    """Whether they are tensors of real numbers that can be compared one by one."""
    if not (isinstance(given, Tensor) and isinstance(other, Tensor)) or given.is_complex():
        return False
    return given.shape == other.shape and given.device == other.device and not given.is_meta


def is_finite(given: Any) -> bool:
    """Whether it is a tensor of real and finite numbers, of whatever shape."""
    return (
        isinstance(given, Tensor)
        and not given.is_meta
        and not given.is_complex()
        and bool(given.isfinite().all())
    )


def malformed(given: Any, x: Tensor) -> str:
    """Why it is no gradient of x, or ""."""
    if given is None:
        return "yours is None, but this input has a gradient"
    if not isinstance(given, Tensor):
        return f"expected a Tensor, got {type(given).__name__}"
    if given.shape != x.shape:
        return f"expected shape {tuple(x.shape)}, got {tuple(given.shape)}"
    if given.device != x.device:
        return f"yours is on the device {given.device}, but the input is on {x.device}"
    if not given.isfinite().all():
        bad = tuple(int(i) for i in (~given.isfinite()).nonzero()[0])
        at_zero = ", where the input is exactly zero" if float(x[bad]) == 0 else ""
        return f"yours is {float(given[bad])} at {list(bad)}{at_zero}"
    if given.is_complex():
        return f"yours is {given.dtype}, but the input is {x.dtype}"
    return ""


def refused(returned: Any) -> str:
    """Why autograd takes no tensor of its layout as a gradient, or ""."""
    if not isinstance(returned, Tensor) or returned.layout in (torch.strided, torch.sparse_coo):
        return ""
    return f"yours is {returned.layout}, which autograd refuses as a gradient: return .to_dense() of it"


def kind_of(returned: Any, x: Tensor) -> str:
    """What is to be said of the type or the layout of a gradient of x, or ""."""
    if not isinstance(returned, Tensor):
        return ""
    if returned.layout is torch.sparse_coo:
        return "Yours is sparse (torch.sparse_coo): autograd takes it as it is, and .grad is sparse too."
    if returned.is_floating_point() or returned.is_complex():
        return ""
    what = "only 0 and 1" if returned.dtype is torch.bool else "whole numbers"
    return (
        f"Yours is {returned.dtype}, which holds {what}: autograd converts it to {x.dtype}, the type of the "
        "input, in silence."
    )


def relative_error(given: Tensor, right: Tensor, scale: float) -> float:
    """The largest error over the scale; infinite if yours is not finite."""
    error = largest(given.double() - right.double()) / (scale or 1.0)
    return error if isfinite(error) else float("inf")


def facts(name: str, given: Tensor, right: Tensor, scale: float, dtype: torch.dtype) -> dict[str, Any]:
    """Where the largest error is, and how large it is for an input of this type: the fields of a Finding."""
    difference = (given.double() - right.double()).abs()
    place = int(difference.nan_to_num(float("inf"), float("inf")).argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(place, device="cpu"), right.shape))
    at_index = float(right[index])
    size = scale if scale > largest(right) else abs(at_index) or 1.0
    return {
        "name": name,
        "relative": relative_error(given, right, scale),
        "index": index,
        "given": float(given[index]),
        "right": at_index,
        "ulps": float(difference[index]) / (torch.finfo(dtype).eps * size),
        "tolerance": tolerance_for(dtype),
        "tolerance_from": source_of(dtype),
    }
