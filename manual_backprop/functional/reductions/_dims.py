"""How callers name the dimensions that a reduction runs over, and which arguments go together."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from torch import Tensor

from manual_backprop.functional._arguments import as_int, is_integer, renamed, require_flags

Function = TypeVar("Function", bound=Callable[..., Any])
Dims = int | tuple[int, ...] | None

Names = tuple[str, ...]
SUMMED: tuple[tuple[Names, Names], ...] = (
    ((), ("dtype",)),
    (("dim",), ("dim", "keepdim", "dtype")),
)
"""The forms of sum and mean: what each needs, and what it takes."""
DEVIATION: tuple[tuple[Names, Names], ...] = (
    ((), ("unbiased",)),
    (("dim",), ("dim", "unbiased", "keepdim")),
    ((), ("dim", "correction", "keepdim")),
)
"""Those of var and std, where a truth value by itself is `unbiased`."""


def called_as(forms: tuple[tuple[Names, Names], ...], *by_position: str) -> Callable[[Function], Function]:
    """The function in the forms that torch's has, and with NumPy's names for the arguments.

    A call that fits none of them is a TypeError, as with torch: the sum of everything has no `keepdim`.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs = renamed(function.__name__, kwargs)
            if len(args) == 2 and isinstance(args[1], bool) and "unbiased" in by_position:
                kwargs = {"unbiased": args[1], **kwargs}
                args = (args[0],)
            given = [name for name in (*by_position[: len(args) - 1], *kwargs) if name != "input"]
            for needed, taken in forms:
                if all(name in given for name in needed) and all(name in taken for name in given):
                    return function(*args, **kwargs)
            raise TypeError(f"{function.__name__}: {', '.join(given)} are no arguments that go together")

        return call  # type: ignore[return-value]

    return decorate


def dims_of(operation: str, dim: Any, keepdim: Any) -> Dims:
    """The dimensions as an int or a tuple of them, None for all.

    Raises:
        TypeError: other things than integers, or `keepdim` is not a bool.
    """
    require_flags(operation, keepdim=keepdim)
    several = isinstance(dim, list | tuple)
    if not (dim is None or all(is_integer(d) for d in (dim if several else (dim,)))):
        raise TypeError(f"{operation}: dim must be an int or a tuple of them, got {dim!r}")
    return None if dim is None else tuple(as_int(d) for d in dim) if several else as_int(dim)


def check_dims(operation: str, input: Tensor, dim: Dims) -> None:
    """Raise if `input` has no such dimension, or one of them is named twice.

    Raises:
        IndexError: no such dimension.
        RuntimeError: a dimension that is named twice.
    """
    n = max(input.dim(), 1)
    dims = () if dim is None else dim if isinstance(dim, tuple) else (dim,)
    for d in dims:
        if not -n <= d < n:
            raise IndexError(
                f"{operation}: dim must be from {-n} to {n - 1} for input {tuple(input.shape)}, got {d}"
            )
    if len({d % n for d in dims}) < len(dims):
        raise RuntimeError(f"{operation}: a dimension appears multiple times in {dim}")
