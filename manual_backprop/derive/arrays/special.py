"""SciPy's functions that are written in Python, of tensors."""

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.tensors import Untraceable


def softmax(x: Tensor, axis: Any = None) -> Tensor:
    """scipy.special.softmax, over all dimensions where none is given."""
    if axis is None:
        return torch.softmax(x.reshape(-1), 0).reshape(x.shape) if x.dim() > 1 else torch.softmax(x, 0)
    return torch.softmax(x, axis)


def log_softmax(x: Tensor, axis: Any = None) -> Tensor:
    """scipy.special.log_softmax."""
    if axis is None:
        return (
            torch.log_softmax(x.reshape(-1), 0).reshape(x.shape) if x.dim() > 1 else torch.log_softmax(x, 0)
        )
    return torch.log_softmax(x, axis)


def logsumexp(
    a: Tensor, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Tensor:
    """scipy.special.logsumexp."""
    if return_sign:
        raise Untraceable("scipy.special.logsumexp with return_sign=True")
    if b is not None:
        a = a + torch.log(b)
    return torch.logsumexp(a, tuple(range(a.dim())) if axis is None else axis, keepdim=keepdims)


def _standard(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function of (x - loc) / scale, in float64 as SciPy computes it."""
    return lambda x, loc=0, scale=1: function((x.double() - loc) / scale, scale)


NORMAL: dict[str, Callable[..., Any]] = {
    "cdf": _standard(lambda z, _: torch.special.ndtr(z)),
    "sf": _standard(lambda z, _: torch.special.ndtr(-z)),
    "logcdf": _standard(lambda z, _: torch.special.log_ndtr(z)),
    "pdf": _standard(lambda z, scale: torch.exp(-(z**2) / 2) / (scale * sqrt(2 * pi))),
    "logpdf": _standard(lambda z, scale: -(z**2) / 2 - log(scale * sqrt(2 * pi))),
}
"""The functions of scipy.stats.norm."""
SPECIAL: dict[str, Callable[..., Any]] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
}
