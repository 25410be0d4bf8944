"""NumPy's changes of shape and order: of each, how it reads a tensor, for those that show the same memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.memory import Memory, Read, Write
from manual_backprop.derive.arrays.tensors import Untraceable
from manual_backprop.functional.operation.torch_state import without_torch_functions


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in shape) if isinstance(shape, Sequence) else (int(shape),)


def reshape(
    a: Tensor, *sizes: Any, shape: Any = None, newshape: Any = None, order: str = "C", copy: Any = None
) -> Read:
    """np.reshape, and the method, which takes the sizes one by one."""
    given = newshape if shape is None else shape
    wanted = _sizes(given if given is not None else sizes[0] if len(sizes) == 1 else sizes)
    if order == "F":
        count = -1 if -1 not in wanted else wanted.index(-1)
        if count >= 0:
            rest = int(np.prod([n for n in wanted if n != -1]))
            wanted = tuple(a.numel() // rest if n == -1 else n for n in wanted)
        return lambda t: _backwards(_backwards(t).reshape(wanted[::-1]))
    if order not in ("C", "A", "K"):
        raise Untraceable(f"np.reshape with order={order!r}")
    return lambda t: t.reshape(wanted)


def _backwards(t: Tensor) -> Tensor:
    return t.permute(tuple(range(t.dim()))[::-1])


def ravel(a: Tensor, order: str = "C") -> Read:
    """np.ravel."""
    return reshape(a, -1, order=order)


def squeeze(a: Tensor, axis: Any = None) -> Read:
    """np.squeeze."""
    if axis is None:
        return lambda t: t.squeeze()
    dims = axis if isinstance(axis, tuple) else (axis,)
    if any(a.shape[d] != 1 for d in dims):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return lambda t: t.squeeze(axis)


def expand_dims(a: Tensor, axis: Any) -> Read:
    """np.expand_dims."""
    if not isinstance(axis, tuple | list):
        return lambda t: t.unsqueeze(axis)
    count = a.dim() + len(axis)
    new = {d % count for d in axis}
    sizes = iter(a.shape)
    shape = tuple(1 if d in new else next(sizes) for d in range(count))
    return lambda t: t.reshape(shape)


def _at_least(count: int) -> Callable[..., Read]:
    def at_least(a: Tensor) -> Read:
        missing = count - a.dim()
        if missing <= 0:
            return lambda t: t
        shape = (1,) * missing + tuple(a.shape)
        if count == 3 and a.dim():
            shape = (1, a.shape[0], 1) if a.dim() == 1 else (*a.shape, 1)
        return lambda t: t.reshape(shape)

    return at_least


def transpose(a: Tensor, *axes: Any, **named: Any) -> Read:
    """np.transpose, and the method, which takes the axes one by one."""
    given: Any = axes or tuple(named.values())
    if len(given) == 1 and (given[0] is None or isinstance(given[0], Sequence)):
        given = given[0] or ()
    order = tuple(int(d) for d in given)
    if not order:
        if a.dim() < 2:
            return lambda t: t
        return (lambda t: t.T) if a.dim() == 2 else _backwards
    return lambda t: t.permute(order)


def swapaxes(a: Tensor, axis1: int, axis2: int) -> Read:
    """np.swapaxes."""
    return lambda t: t.transpose(axis1, axis2)


def matrix_transpose(x: Tensor) -> Read:
    """np.matrix_transpose."""
    return lambda t: t.mT


def moveaxis(a: Tensor, source: Any, destination: Any) -> Read:
    """np.moveaxis."""
    return lambda t: t.movedim(source, destination)


def rollaxis(a: Tensor, axis: int, start: int = 0) -> Read:
    """np.rollaxis."""
    axis, start = axis % a.dim(), start % (a.dim() + 1) if start >= 0 else start + a.dim()
    return lambda t: t.movedim(axis, start - (axis < start))


def write_shape(parent: Memory, new: Tensor) -> None:
    """What was written to a view of another shape, in the parent."""
    parent.assign(new.reshape(parent.tensor.shape))


def write_order(read: Read, dims: int) -> Write:
    """What was written to a view in another order, in the parent."""
    with without_torch_functions():
        order = [n - 1 for n in read(torch.empty(tuple(range(1, dims + 1)), device="meta")).shape]
    back = tuple(order.index(d) for d in range(dims))
    return lambda parent, new: parent.assign(new.permute(back))


SHAPES: dict[Any, Callable[..., Read]] = {
    np.reshape: reshape,
    np.ravel: ravel,
    np.squeeze: squeeze,
    np.expand_dims: expand_dims,
    np.atleast_1d: _at_least(1),
    np.atleast_2d: _at_least(2),
    np.atleast_3d: _at_least(3),
}
ORDERS: dict[Any, Callable[..., Read]] = {
    np.transpose: transpose,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.rollaxis: rollaxis,
}
if hasattr(np, "matrix_transpose"):
    ORDERS[np.matrix_transpose] = matrix_transpose
    ORDERS[np.permute_dims] = transpose
