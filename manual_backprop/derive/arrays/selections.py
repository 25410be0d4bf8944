"""What a mask picks of an array, as long as it is computed with number by number and put back by the mask.

`z[m] = np.exp(-x[m])` is `z = where(m, exp(-x), z)`, of which no size depends on values. So a selection of
numbers that are differentiated keeps the whole array, and picks of it only where something else is done.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.memory import Memory
from manual_backprop.derive.arrays.operands import operand
from manual_backprop.derive.arrays.tensors import value_of
from manual_backprop.derive.arrays.ufuncs import matched

FINITE = {"exp", "expm1", "log", "log1p", "negative", "positive", "add", "subtract", "multiply",
          "divide", "tanh", "sin", "cos", "square", "absolute", "reciprocal", "expit",
          "maximum", "minimum"}  # fmt: skip
"""Functions that have a finite slope wherever they are finite, so that what is not picked does no harm."""


def is_whole(mask: Any, array: Memory) -> bool:
    """Whether an index is one mask of an array's own shape."""
    return (
        isinstance(mask, Tensor)
        and mask.dtype == torch.bool
        and mask.dim() > 0
        and mask.shape == array._tensor.shape
    )


def picked(array: Memory, mask: Tensor) -> Any:
    """array[mask], which is picked when it is looked at as a whole."""
    whole = array.tensor
    array.owner.kept = True
    selection = type(array).made(value_of(lambda t: t[mask], whole))
    selection.selected = whole, mask
    return selection


def of_selections(name: str, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """The function of selections by one mask and of numbers, as a selection; None if it is no such call."""
    selections = [x for x in inputs if isinstance(x, Memory) and x.selected is not None]
    if not selections or name not in FINITE:
        return None
    mask: Any = selections[0].selected and selections[0].selected[1]
    values = []
    for x in inputs:
        selected = x.selected if isinstance(x, Memory) else None
        value = operand(x) if selected is None else selected[0]
        if selected is None and isinstance(value, Tensor) and value.dim():
            return None
        if selected is not None and not _is_same(selected[1], mask):
            return None
        values.append(value)
    whole = function(*matched(name, inputs, values))
    if not value_of(lambda t: bool(t.isfinite().all()), whole):
        return None
    result = type(selections[0]).made(value_of(lambda t: t[mask], whole))
    result.selected = whole, mask
    for x in selections:
        x.is_used_by(whole)
    return result


def put_back(array: Memory, mask: Tensor, value: Any) -> bool:
    """array[mask] = value, if that is a selection by the same mask; whether it was done."""
    selected = value.selected if isinstance(value, Memory) else None
    if selected is None or not is_whole(mask, array) or not _is_same(selected[1], mask):
        return False
    before = array.tensor
    whole = selected[0] if selected[0].dtype == before.dtype else selected[0].to(before.dtype)
    array.assign(torch.where(mask, whole, before))
    return True


def _is_same(a: Tensor, b: Any) -> bool:
    return a is b or value_of(lambda t: torch.equal(t, b), a)
