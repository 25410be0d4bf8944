"""The difference of a prediction and its target: what the squared, the absolute and the Huber error share.

Each is Σ w h(e), with a function h of the error e = x − t alone. So its slope goes back to x as it is, and to
t with the other sign: h′(e) and −h′(e).

A prediction and a target of different shapes are broadcast to one, with a warning, for it is hardly ever
meant: (N,) and (N, 1) are compared in all N² pairs.
"""

import warnings

import torch
from torch import Tensor

from manual_backprop.functional.operation import require_tensor, widen


def difference(input: Tensor, target: Tensor) -> Tensor:
    """The error x − t, in the type that holds both, and wide enough to compute in."""
    dtype = torch.promote_types(input.dtype, target.dtype)  # truth values are subtracted as numbers
    x, t = torch.broadcast_tensors(input.to(dtype), target.to(dtype))
    return widen(x) - widen(t)


def require_pair(operation: str, input: Tensor, target: Tensor, weight: Tensor | None = None) -> None:
    """Warn of an input and a target that are broadcast.

    Raises:
        TypeError: an argument is not a Tensor.
        RuntimeError: shapes that cannot be broadcast.
    """
    require_tensor(operation, input=input, target=target)
    if weight is not None:
        require_tensor(operation, weight=weight)
    if input.shape != target.shape:
        given = f"{operation}: input {tuple(input.shape)} and target {tuple(target.shape)}"
        if any(1 != n != m != 1 for n, m in zip(reversed(input.shape), reversed(target.shape), strict=False)):
            raise RuntimeError(f"{given} do not fit")
        if not torch.compiler.is_compiling():  # a warning is not traced
            warnings.warn(f"{given} differ and are broadcast", stacklevel=3)


def require_weight_like(operation: str, input: Tensor, weight: Tensor | None) -> None:
    """Raise a ValueError for weights of another shape than the input."""
    if weight is not None and weight.shape != input.shape:
        raise ValueError(
            f"{operation}: weight must have the shape of the input, {tuple(input.shape)}, got "
            f"{tuple(weight.shape)}"
        )
