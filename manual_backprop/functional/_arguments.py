"""What callers may write for an integer, a flag and a number: what PyTorch's own functions take."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import is_forward_mode, is_transformed

Function = TypeVar("Function", bound=Callable[..., Any])
NUMPYS_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def is_integer(value: Any) -> bool:
    """Whether it counts something: an int, NumPy's, or a tensor of one; True and False do not."""
    if isinstance(value, Tensor):
        kind = value.dtype
        return value.dim() == 0 and not (kind.is_floating_point or kind.is_complex or kind == torch.bool)
    return hasattr(value, "__index__") and not isinstance(value, bool)


def integer(operation: str, name: str, value: Any) -> int:
    """An integer as an int; a TypeError that names the argument if it is none."""
    if type(value) is int:
        return value
    if not is_integer(value):
        raise TypeError(f"{operation}: {name} must be an integer, got {value!r}")
    return as_int(value)


def as_int(value: Any) -> Any:
    """What `is_integer` holds for, as an int; the compiler's own integers stay as they are."""
    return value if isinstance(value, int | torch.SymInt) else int(value)


def require_flags(operation: str, **flags: Any) -> None:
    """Raise a TypeError that names the argument if one of them is neither True nor False."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{operation}: {name} must be a bool, got {value!r}")


def number_of(value: Any, device: torch.device) -> Any:
    """The number in a tensor of one that lies on the CPU, for a kernel elsewhere; any other value as it is.

    A kernel is given a number with its arguments. A tensor would be copied to the device first, which waits.
    """
    if not isinstance(value, Tensor) or value.dim() or value.device.type != "cpu" or device.type == "cpu":
        return value
    followed = value.requires_grad or is_transformed() or is_forward_mode() or torch.compiler.is_compiling()
    return value if followed else value.item()


def as_number(value: Any) -> Any:
    """The number in a tensor of one, where PyTorch takes that for an option; any other value as it is."""
    return value.item() if isinstance(value, Tensor) else value


def are_tensors(value: Any) -> bool:
    """Whether it is a list or a tuple of tensors, of one at least."""
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(x, Tensor) for x in value)


def with_numpys_names(function: Function) -> Function:
    """The function, which takes NumPy's names `axis` and `keepdims` too, as those of torch do."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **renamed(function.__name__, kwargs))

    return call  # type: ignore[return-value]


def renamed(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments by torch's names; a TypeError if one is given by both."""
    for name, torchs in NUMPYS_NAMES.items():
        if name in arguments and torchs in arguments:
            raise TypeError(f"{operation}: {name} and {torchs} are one argument")
    return {NUMPYS_NAMES.get(name, name): value for name, value in arguments.items()}
