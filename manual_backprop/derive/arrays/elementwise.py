"""NumPy functions of each number, and of how arrays are made like others, that are no ufuncs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.joining import of_values
from manual_backprop.derive.arrays.tensors import as_tensor, numpy_dtype, shares_memory, torch_dtype


def _like(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(
        a: Tensor, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **more: Any
    ) -> Tensor:
        typed = {} if dtype is None else {"dtype": torch_dtype(dtype)}
        if shape is not None:
            return function(a.new_empty(shape), **typed)
        return function(a, **typed)

    return like


def full_like(
    a: Tensor, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
    **more: Any,
) -> Tensor:  # fmt: skip
    """np.full_like."""
    typed: Any = {} if dtype is None else {"dtype": torch_dtype(dtype)}
    a = a if shape is None else a.new_empty(shape)
    if isinstance(fill_value, Tensor):
        return fill_value.expand(a.shape).clone()
    return torch.full_like(a, fill_value, **typed)


def round(a: Tensor, decimals: int = 0, out: None = None) -> Tensor:
    """np.round."""
    return torch.round(a, decimals=decimals) if decimals else torch.round(a)


def _same(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    a, b = (as_tensor(of_values(x)) for x in (a, b))
    want = torch.promote_types(a.dtype, b.dtype)
    return a.to(want), b.to(want)


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """np.allclose."""
    return bool(isclose(a, b, rtol, atol, equal_nan).all())


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """np.isclose."""
    a, b = _same(a, b)
    return torch.isclose(a, b, rtol, atol, equal_nan)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """np.array_equal."""
    a, b = _same(a1, a2)
    return a.shape == b.shape and bool((a == b).all())


def polyval(p: Any, x: Any) -> Any:
    """np.polyval: Horner's scheme."""
    result: Any = 0
    for coefficient in p:
        result = result * x + coefficient
    return result


ELEMENTWISE: dict[Any, Callable[..., Any]] = {
    np.zeros_like: _like(torch.zeros_like),
    np.ones_like: _like(torch.ones_like),
    np.empty_like: _like(torch.zeros_like),
    np.full_like: full_like,
    np.copy: lambda a, order="K", subok=False: a.clone(),
    np.round: round,
    np.around: round,
    np.allclose: allclose,
    np.isclose: isclose,
    np.array_equal: array_equal,
    np.shape: lambda a: tuple(a.shape),
    np.ndim: lambda a: a.dim(),
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
    np.real: torch.real,
    np.imag: torch.imag,
    np.nan_to_num: lambda x, copy=True, nan=0.0, posinf=None, neginf=None: torch.nan_to_num(
        x, nan, posinf, neginf
    ),
    np.broadcast_to: lambda array, shape, subok=False: array.expand(shape),
    np.iscomplexobj: lambda x: x.is_complex(),
    np.isrealobj: lambda x: not x.is_complex(),
    np.fix: torch.trunc,
    np.angle: torch.angle,
    np.isin: lambda element, test_elements: torch.isin(*_same(element, test_elements)),
    np.polyval: lambda p, x: polyval(p, x),
    np.result_type: lambda *given: np.result_type(
        *(numpy_dtype(x) if isinstance(x, Tensor) else x for x in given)
    ),
    np.may_share_memory: lambda a, b, max_work=None: shares_memory(a, b),
    np.shares_memory: lambda a, b, max_work=None: shares_memory(a, b),
    np.sinc: torch.sinc,
}
