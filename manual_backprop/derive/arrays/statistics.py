"""NumPy's statistics, differences and sums along a line, of tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.joining import of_values
from manual_backprop.derive.arrays.reductions import over
from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor

NOT_GIVEN = (None, np._NoValue)


def median(a: Tensor, axis: Any = None, *, keepdims: Any = False, **more: Any) -> Tensor:
    """np.median."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


def quantile(
    a: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: Any = False, **more: Any
) -> Tensor:
    """np.quantile."""
    if isinstance(axis, tuple | list):
        raise Untraceable("np.quantile over several axes")
    q = q if isinstance(q, int | float) else of_values(q).to(a.dtype)
    return torch.quantile(a, q, axis, keepdim=bool(keepdims is True), interpolation=method)


def percentile(a: Tensor, q: Any, axis: Any = None, **more: Any) -> Tensor:
    """np.percentile."""
    return quantile(a, q / 100 if isinstance(q, int | float) else of_values(q) / 100, axis, **more)


def _nan(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda a, axis=None, dtype=None, keepdims=False, **_: function(a, **over(a, axis, keepdims))


def _nan_extreme(function: Callable[..., Tensor], other: float) -> Callable[..., Tensor]:
    def extreme(a: Tensor, axis: Any = None, keepdims: Any = False, **_: Any) -> Tensor:
        return function(torch.where(torch.isnan(a), other, a), **over(a, axis, keepdims))

    return extreme


def average(
    a: Tensor, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """np.average."""
    dims = over(a, axis, keepdims)
    if returned:
        raise Untraceable("np.average with returned=True")
    if weights is None:
        return a.mean(**dims)
    weights = of_values(weights)
    if weights.shape != a.shape:
        weights = weights.reshape([n if d == axis % a.dim() else 1 for d, n in enumerate(a.shape)])
        return (a * weights).sum(**dims) / weights.sum()
    return (a * weights).sum(**dims) / weights.sum(**dims)


def ptp(a: Tensor, axis: Any = None, out: None = None, keepdims: Any = False) -> Tensor:
    """np.ptp: the largest less the smallest."""
    dims = over(a, axis, keepdims)
    return torch.amax(a, **dims) - torch.amin(a, **dims)


def cov(
    m: Tensor, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, **more: Any
) -> Tensor:
    """np.cov."""
    if y is not None or any(value is not None for value in more.values()):
        raise Untraceable("np.cov with y=, fweights=, aweights= or dtype=")
    return torch.cov(_double(m if rowvar else m.T), correction=(0 if bias else 1) if ddof is None else ddof)


def corrcoef(x: Tensor, y: Any = None, rowvar: bool = True, **more: Any) -> Tensor:
    """np.corrcoef."""
    if y is not None:
        raise Untraceable("np.corrcoef with y=")
    return torch.corrcoef(_double(x if rowvar else x.T))


def _double(x: Tensor) -> Tensor:
    """As NumPy computes such things whatever it is given."""
    return x if x.dtype == torch.float64 else x.double()


def diff(a: Tensor, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """np.diff."""
    ends = {"prepend": prepend, "append": append}
    given = {name: _end(value, a, axis) for name, value in ends.items() if value not in NOT_GIVEN}
    return torch.diff(a, n, axis, **given)


def _end(value: Any, a: Tensor, axis: int) -> Tensor:
    tensor = as_tensor(value).to(a.dtype)
    if tensor.dim():
        return tensor
    return tensor.expand([1 if d == axis % a.dim() else n for d, n in enumerate(a.shape)])


def gradient(f: Tensor, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """np.gradient."""
    if len(varargs) > 1 or any(not isinstance(step, int | float) for step in varargs):
        raise Untraceable("np.gradient with steps other than one number")
    dims = range(f.dim()) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    parts = torch.gradient(f, spacing=varargs[0] if varargs else 1.0, dim=list(dims), edge_order=edge_order)
    return parts[0] if len(parts) == 1 else tuple(parts)


def trapezoid(y: Tensor, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """np.trapezoid."""
    if x is not None:
        return torch.trapezoid(y, of_values(x), dim=axis)
    return torch.trapezoid(y, dx=dx, dim=axis)


def bincount(x: Tensor, /, weights: Any = None, minlength: int = 0) -> Tensor:
    """np.bincount."""
    if weights is None:
        return torch.bincount(x, minlength=minlength)
    weights = _double(of_values(weights))
    count = max(int(x.max()) + 1, minlength)
    return torch.zeros(count, dtype=weights.dtype).index_add(0, x, weights)


STATISTICS: dict[Any, Callable[..., Any]] = {
    np.median: median,
    np.quantile: quantile,
    np.percentile: percentile,
    np.nansum: _nan(torch.nansum),
    np.nanmean: _nan(torch.nanmean),
    np.nanmax: _nan_extreme(torch.amax, -torch.inf),
    np.nanmin: _nan_extreme(torch.amin, torch.inf),
    np.average: average,
    np.ptp: ptp,
    np.cov: cov,
    np.corrcoef: corrcoef,
    np.diff: diff,
    np.ediff1d: lambda ary: torch.diff(ary.reshape(-1)),
    np.gradient: gradient,
    getattr(np, "trapezoid", None): trapezoid,
    np.bincount: bincount,
}
STATISTICS.pop(None, None)  # older NumPy has it under another name
