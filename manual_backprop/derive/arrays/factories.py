"""NumPy functions that make arrays of no array, and SciPy's that do not ask what they are given."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.joining import has_tensor, of_values
from manual_backprop.derive.arrays.tensors import Untraceable, as_tensor, torch_dtype

Shape = int | Sequence[int]


def _typed(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": torch_dtype(dtype)}


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in shape) if isinstance(shape, Sequence) else (int(shape),)


def zeros(shape: Shape, dtype: Any = None, order: str = "C", **more: Any) -> Tensor:
    """np.zeros."""
    return torch.zeros(_sizes(shape), **_typed(dtype))


def ones(shape: Shape, dtype: Any = None, order: str = "C", **more: Any) -> Tensor:
    """np.ones."""
    return torch.ones(_sizes(shape), **_typed(dtype))


def full(shape: Shape, fill_value: Any, dtype: Any = None, order: str = "C", **more: Any) -> Tensor:
    """np.full."""
    if isinstance(fill_value, Tensor | list | tuple):
        return of_values(fill_value).expand(_sizes(shape)).clone()
    return torch.full(_sizes(shape), fill_value, **_typed(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None, **more: Any) -> Tensor:
    """np.eye."""
    if k:
        return as_tensor(np.eye(N, M, k, dtype or float))
    return torch.eye(N, N if M is None else M, **_typed(dtype))


def arange(*limits: Any, dtype: Any = None, **more: Any) -> Tensor:
    """np.arange."""
    named = [more[name] for name in ("start", "stop", "step") if more.get(name) is not None]
    return torch.arange(*limits, *named, **_typed(dtype))


def array(object: Any, dtype: Any = None, *, copy: Any = True, **more: Any) -> Any:
    """np.array."""
    made: Any
    if isinstance(object, Tensor):
        made = object.clone() if copy else object
    elif has_tensor(object):
        made = of_values(object)
    else:
        made = _constant(object, dtype, more)
    if not isinstance(made, Tensor):
        return made
    made = made if dtype is None else made.to(torch_dtype(dtype))
    missing = more.get("ndmin", 0) - made.dim()
    return made.reshape((1,) * missing + tuple(made.shape)) if missing > 0 else made


def _constant(values: Any, dtype: Any, more: Any) -> Any:
    """The tensor of numbers; of strings and objects, NumPy's own array."""
    made = np.array(values, dtype, **more)
    return as_tensor(made) if made.dtype.kind in "biufc" else made


def asarray(a: Any, dtype: Any = None, order: Any = None, **more: Any) -> Any:
    """np.asarray."""
    return array(a, dtype, copy=False)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0,
) -> Any:  # fmt: skip
    """np.linspace."""
    if retstep or isinstance(start, Tensor) or isinstance(stop, Tensor):
        raise Untraceable("np.linspace of traced numbers, or with retstep=True")
    if endpoint:
        return torch.linspace(start, stop, num, **_typed(dtype))
    return as_tensor(np.linspace(start, stop, num, endpoint=False, dtype=dtype))


FACTORIES: dict[str, Callable[..., Any]] = {
    "zeros": zeros,
    "ones": ones,
    "empty": zeros,  # whose numbers may be any
    "full": full,
    "eye": eye,
    "identity": lambda n, dtype=None, **more: torch.eye(n, **_typed(dtype)),
    "arange": arange,
    "array": array,
    "asarray": asarray,
    "asanyarray": asarray,
    "ascontiguousarray": asarray,
    "asfortranarray": asarray,
    "linspace": linspace,
}
OF_ARRAYS = ("zeros_like", "ones_like", "empty_like", "full_like", "copy")
"""Of an array of NumPy's own too, they make one in which traced numbers may be written."""
