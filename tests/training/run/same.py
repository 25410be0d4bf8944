"""Two states of runs, compared bit for bit."""

from typing import Any

import torch


def difference(one: Any, other: Any, place: str = "") -> str:
    """Where they are not the same, bit for bit; "" where they are, but for the seconds that it took."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{place}, its keys"
        inside = [(one[key], other[key], f"{place}.{key}") for key in one if key != "seconds"]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return f"{place}, its length"
        inside = [(*pair, f"{place}[{i}]") for i, pair in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return "" if one.dtype == other.dtype and torch.equal(one, other) else place
    else:
        return "" if one == other else place
    return next(filter(None, (difference(*each) for each in inside)), "")


def assert_equal(one: Any, other: Any) -> None:
    """Bit for bit, but for the seconds that it took."""
    assert difference(one, other) == ""
