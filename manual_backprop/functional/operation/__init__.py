"""What every operation is made of: the class, which of its forms runs, the registry, precision, checks."""

from manual_backprop.functional.operation.checks import broadcasts, require_overwritable, require_tensor
from manual_backprop.functional.operation.compiled import FUSED, fused
from manual_backprop.functional.operation.forms import (
    WATCH,
    autocast,
    computes_again,
    function_of,
    is_autocasting,
)
from manual_backprop.functional.operation.formula import FORMULAS, Formula, bare
from manual_backprop.functional.operation.operation import Operation, keep
from manual_backprop.functional.operation.precision import HALF_PRECISION, narrow, widen
from manual_backprop.functional.operation.registry import (
    CLASSES,
    MASK,
    PLACES,
    POSITIVE,
    PUBLIC,
    SHARES,
    TWINS,
    example,
    public,
    twin_of,
)

__all__ = [
    "CLASSES",
    "FORMULAS",
    "FUSED",
    "HALF_PRECISION",
    "MASK",
    "PLACES",
    "POSITIVE",
    "PUBLIC",
    "SHARES",
    "TWINS",
    "WATCH",
    "Formula",
    "Operation",
    "autocast",
    "bare",
    "broadcasts",
    "computes_again",
    "example",
    "function_of",
    "fused",
    "is_autocasting",
    "keep",
    "narrow",
    "public",
    "require_overwritable",
    "require_tensor",
    "twin_of",
    "widen",
]
