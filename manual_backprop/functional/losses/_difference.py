"""The difference of a prediction and its target: what the squared, the absolute and the Huber error share.

Each is Σ w h(e), with a function h of the error e = x − t alone. So its slope goes back to x as it is, and to
t with the other sign: h′(e) and −h′(e).

A prediction and a target of different shapes are broadcast to one, with a warning, for it is hardly ever
meant: (N,) and (N, 1) are compared in all N² pairs.
"""

import warnings
from math import prod

import torch
from torch import Tensor

from manual_backprop.functional.operation import require_tensor, widen


def difference(input: Tensor, target: Tensor) -> Tensor:
    """The error x − t, in the type that holds both, and wide enough to compute in."""
    if input.dtype != target.dtype or input.shape != target.shape:
        dtype = torch.promote_types(input.dtype, target.dtype)  # truth values are subtracted as numbers
        input, target = torch.broadcast_tensors(input.to(dtype), target.to(dtype))
    return widen(input) - widen(target)


def are_alike(input: Tensor, target: Tensor, weight: Tensor | None) -> bool:
    """Whether PyTorch's primitive computes what the formula does: of one shape, one type, and no weights."""
    dtype = input.dtype
    if weight is not None or target.dtype != dtype or input.shape != target.shape:
        return False
    return dtype == torch.float32 or dtype == torch.float64


def count_of(input: Tensor, target: Tensor) -> float:
    """How many losses there are; NaN for none, since their mean is 0/0."""
    shape = input.shape
    if target.shape != shape:
        shape = torch.broadcast_shapes(shape, target.shape)
    return prod(shape) or float("nan")


def row_dims_of(input: Tensor, target: Tensor, weight: Tensor | None) -> int | None:
    """0: each number is a row, where the two have one shape and no divisor is to be made of weights."""
    return 0 if weight is None and input.shape == target.shape else None


def scaled(own: Tensor, factor: Tensor, overwrites: bool) -> Tensor:
    """`own` times `factor`, written over `own` where that may be."""
    return own.mul_(factor) if overwrites else own * factor


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
