"""Is a gradient right but for the precision of a type narrower than that of its input?"""

from collections.abc import Sequence

import torch
from torch import Tensor

from manual_backprop.verify.findings import Diagnosis
from manual_backprop.verify.judging.comparison import name_of, tolerance_for
from manual_backprop.verify.judging.scales import is_erratic
from manual_backprop.verify.problem import Draw, Problem

NARROW = (torch.bfloat16, torch.float16, torch.float32)  # exact in an earlier one is exact in a later one
FEW_ROUNDINGS = {torch.float32: 256.0, torch.float16: 2.0, torch.bfloat16: 4.0}
CONSTANTS = 4.0  # roundings of float32 that need not be erratic: those of a constant in it are not


def in_a_narrow_type(
    given: Sequence[Tensor], right: Sequence[Tensor], error: float, wide: torch.dtype
) -> Diagnosis | None:
    """Whether the numbers are the right ones as a type narrower than that of the input holds them."""
    if all(torch.equal(g, g.round()) for g in given):
        return None  # whole numbers are exact in all of them
    ratios = torch.cat([(g.double() / r)[r != 0] for g, r in zip(given, right, strict=True)])
    usual = float((ratios - 1).abs().median()) if len(ratios) else torch.inf
    for dtype in NARROW:
        unit = torch.finfo(dtype).eps
        exact = all(torch.equal(g.double(), g.to(dtype).double()) for g in given)
        close = error <= tolerance_for(dtype) and usual <= FEW_ROUNDINGS[dtype] * unit
        if unit > torch.finfo(wide).eps and exact and close:
            return _narrow(dtype, error, certain=True)
    return None


def rounded_on_the_way(
    problem: Problem, draw: Draw, at: int, error: float, wide: torch.dtype
) -> Diagnosis | None:
    """Whether the error is as large as the rounding of a narrower type makes it, and as erratic."""
    for dtype in reversed(NARROW):
        unit = torch.finfo(dtype).eps
        if unit > torch.finfo(wide).eps and error <= FEW_ROUNDINGS[dtype] * unit:
            is_constant = dtype is torch.float32 and error <= CONSTANTS * unit
            found = is_constant or is_erratic(problem, draw, at, unit)
            return _narrow(dtype, error, certain=False) if found else None
    return None


def _narrow(dtype: torch.dtype, error: float, *, certain: bool) -> Diagnosis:
    name = name_of(dtype)
    text = f"Yours is right to the precision of {name}: is something in it computed in that type?"
    return Diagnosis(name, text, error, certain)
