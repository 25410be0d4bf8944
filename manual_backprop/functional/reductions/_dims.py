"""How callers name the dimensions that a reduction runs over."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
NAMES = {"axis": "dim", "keepdims": "keepdim"}


def with_numpys_names(function: Function) -> Function:
    """The function, which takes NumPy's names `axis` and `keepdims` too, as torch's reductions do."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{NAMES.get(name, name): value for name, value in kwargs.items()})

    return call  # type: ignore[return-value]


def check_dims(operation: str, input: Tensor, dim: int | tuple[int, ...] | None) -> None:
    """Raise if `input` has no such dimension, or one of them is named twice.

    Raises:
        TypeError: not integers.
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice.
    """
    n = max(input.dim(), 1)
    dims: tuple[Any, ...] = () if dim is None else dim if isinstance(dim, tuple) else (dim,)
    for d in dims:
        if not isinstance(d, int):
            raise TypeError(f"{operation}: dim must be an int or a tuple of them, got {dim!r}")
        if not -n <= d < n:
            raise IndexError(
                f"{operation}: dim must be from {-n} to {n - 1} for input {tuple(input.shape)}, got {d}"
            )
    if len({d % n for d in dims}) < len(dims):
        raise RuntimeError(f"{operation}: a dimension appears multiple times in {dim}")
