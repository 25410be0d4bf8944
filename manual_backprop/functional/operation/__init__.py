"""What every operation is made of: the class, which of its forms runs, the registry, precision, checks."""

from manual_backprop.functional.operation.checks import broadcasts, require_overwritable, require_tensor
from manual_backprop.functional.operation.forms import WATCH, function_of
from manual_backprop.functional.operation.operation import Operation, keep
from manual_backprop.functional.operation.precision import HALF_PRECISION, autocast, narrow, widen
from manual_backprop.functional.operation.registry import TWINS, twin_of

__all__ = [
    "HALF_PRECISION",
    "TWINS",
    "WATCH",
    "Operation",
    "autocast",
    "broadcasts",
    "function_of",
    "keep",
    "narrow",
    "require_overwritable",
    "require_tensor",
    "twin_of",
    "widen",
]
