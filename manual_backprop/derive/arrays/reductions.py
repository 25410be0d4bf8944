"""NumPy's reductions, of tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.tensors import Untraceable, torch_dtype


def over(a: Tensor, axis: Any, keepdims: Any) -> dict[str, Any]:
    """NumPy's `axis` and `keepdims` as torch calls them, where they are given."""
    keeps = keepdims is True or (keepdims is not False and keepdims is not np._NoValue and bool(keepdims))
    if axis is None:
        return {"dim": tuple(range(a.dim())), "keepdim": True} if keeps and a.dim() else {}
    dim = tuple(axis) if isinstance(axis, tuple | list) else int(axis)
    return {"dim": dim, "keepdim": True} if keeps else {"dim": dim}


def _counted(a: Tensor, where: Any, neutral: Any) -> Tensor:
    """The numbers, with a neutral one where they do not count."""
    return a if where is True or where is np._NoValue else torch.where(where, a, neutral)


def _typed(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": torch_dtype(dtype)}


def sum(
    a: Tensor, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, initial: Any = 0,
    where: Any = True,
) -> Tensor:  # fmt: skip
    """np.sum."""
    result = _counted(a, where, 0).sum(**over(a, axis, keepdims), **_typed(dtype))
    return result if initial is np._NoValue or initial == 0 else result + initial


def prod(
    a: Tensor, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, initial: Any = 1,
    where: Any = True,
) -> Tensor:  # fmt: skip
    """np.prod."""
    a = _counted(a, where, 1)
    dims = over(a, axis, keepdims)
    several = sorted((d % a.dim() for d in _several(dims)), reverse=True)
    if dims and several:
        for dim in several:
            a = a.prod(dim, keepdim="keepdim" in dims, **_typed(dtype))
        result = a
    else:
        result = a.prod(**dims, **_typed(dtype))
    return result if initial is np._NoValue or initial == 1 else result * initial


def _several(dims: dict[str, Any]) -> tuple[int, ...]:
    dim = dims.get("dim", ())
    return dim if isinstance(dim, tuple) else ()


def mean(
    a: Tensor, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, *,
    where: Any = True,
) -> Tensor:  # fmt: skip
    """np.mean."""
    if not (a.is_floating_point() or a.is_complex()) and dtype is None:
        dtype = np.float64
    dims = over(a, axis, keepdims)
    if where is True or where is np._NoValue:
        return a.mean(**dims, **_typed(dtype))
    counted = torch.where(where, a, 0).sum(**dims, **_typed(dtype))
    return counted / torch.as_tensor(where).expand(a.shape).sum(**dims)


def _spread(function: str) -> Callable[..., Tensor]:
    def spread(
        a: Tensor, axis: Any = None, dtype: Any = None, out: None = None, ddof: Any = 0,
        keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
    ) -> Tensor:  # fmt: skip
        if where is not True and where is not np._NoValue:
            raise Untraceable(f"np.{function} with where=")
        if not a.is_floating_point() or dtype is not None:
            a = a.to(torch_dtype(dtype or np.float64))
        freedom = ddof if correction in (None, np._NoValue) else correction
        return getattr(a, function)(**over(a, axis, keepdims), correction=freedom)

    return spread


def _extreme(function: Callable[..., Tensor], bound: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def extreme(
        a: Tensor, axis: Any = None, out: None = None, keepdims: Any = False, initial: Any = np._NoValue,
        where: Any = True,
    ) -> Tensor:  # fmt: skip
        if where is not True and where is not np._NoValue:
            a = torch.where(where, a, initial)
        result = function(a, **over(a, axis, keepdims))
        return result if initial is np._NoValue else bound(result, initial)

    return extreme


def _place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def place(a: Tensor, axis: Any = None, out: None = None, *, keepdims: Any = False) -> Tensor:
        if a.dtype == torch.bool:
            a = a.to(torch.uint8)
        if axis is None and keepdims is True:
            return function(a).reshape((1,) * a.dim())
        return function(a, **over(a, axis, keepdims))

    return place


def _truth(function: str) -> Callable[..., Tensor]:
    def truth(
        a: Tensor, axis: Any = None, out: None = None, keepdims: Any = False, *, where: Any = True
    ) -> Tensor:
        return getattr(_counted(a, where, function == "all"), function)(**over(a, axis, keepdims))

    return truth


def count_nonzero(a: Tensor, axis: Any = None, *, keepdims: Any = False) -> Tensor:
    """np.count_nonzero."""
    return (a != 0).sum(**over(a, axis, keepdims))


def _running(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def running(a: Tensor, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
        if axis is None:
            a, axis = a.reshape(-1), 0
        return function(a, axis, **_typed(dtype))

    return running


REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: sum,
    np.prod: prod,
    np.mean: mean,
    np.var: _spread("var"),
    np.std: _spread("std"),
    np.max: _extreme(torch.amax, torch.clamp_min),
    np.amax: _extreme(torch.amax, torch.clamp_min),
    np.min: _extreme(torch.amin, torch.clamp_max),
    np.amin: _extreme(torch.amin, torch.clamp_max),
    np.argmax: _place(torch.argmax),
    np.argmin: _place(torch.argmin),
    np.all: _truth("all"),
    np.any: _truth("any"),
    np.count_nonzero: count_nonzero,
    np.cumsum: _running(torch.cumsum),
    np.cumprod: _running(torch.cumprod),
    np.nancumsum: _running(lambda a, axis: torch.cumsum(torch.nan_to_num(a), axis)),
}
REDUCTIONS_OF: dict[str, Callable[..., Tensor]] = {
    "add": sum,
    "multiply": prod,
    "maximum": REDUCTIONS[np.max],
    "minimum": REDUCTIONS[np.min],
    "logical_and": REDUCTIONS[np.all],
    "logical_or": REDUCTIONS[np.any],
    "logaddexp": lambda a, axis, keepdims=False: torch.logsumexp(a, axis, keepdim=keepdims),
}
ACCUMULATIONS_OF: dict[str, Callable[..., Tensor]] = {
    "add": REDUCTIONS[np.cumsum],
    "multiply": REDUCTIONS[np.cumprod],
    "maximum": lambda array, axis=0: torch.cummax(array, axis).values,
    "minimum": lambda array, axis=0: torch.cummin(array, axis).values,
}
