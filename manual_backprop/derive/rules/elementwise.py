"""Functions of each number."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.rules.rule import Rule, Written
from manual_backprop.functional.operation.written import summed_to

SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sin": lambda x, y: torch.cos(x),
    "cos": lambda x, y: -torch.sin(x),
    "tan": lambda x, y: 1 + y**2,
    "atan": lambda x, y: 1 / (1 + x**2),
    "sinh": lambda x, y: torch.cosh(x),
    "cosh": lambda x, y: torch.sinh(x),
    "log2": lambda x, y: 1 / (x * math.log(2)),
    "log10": lambda x, y: 1 / (x * math.log(10)),
    "exp2": lambda x, y: y * math.log(2),
    "erf": lambda x, y: 2 / math.sqrt(math.pi) * torch.exp(-(x**2)),
}
"""f′ of a function, from what goes in and what comes out."""
STEPS = ("sign", "floor", "ceil", "round", "trunc")
"""Functions whose slope is 0 wherever they have one."""


def _of_slope(name: str) -> Written:
    function, slope = getattr(torch, name), SLOPES[name]

    def written(x: Tensor) -> Any:
        y = function(x)
        return y, lambda g: g * slope(x, y)

    return written


def _of_step(name: str) -> Written:
    function = getattr(torch, name)
    return lambda x: (function(x), lambda g: None)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two numbers, of which the first where they are equal."""
    y = torch.maximum(a, b)
    return y, lambda g: (summed_to(torch.where(a >= b, g, 0), a), summed_to(torch.where(a >= b, 0, g), b))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two numbers, of which the first where they are equal."""
    y = torch.minimum(a, b)
    return y, lambda g: (summed_to(torch.where(a <= b, g, 0), a), summed_to(torch.where(a <= b, 0, g), b))


def logaddexp(a: Any, b: Any) -> Any:
    """log(eᵃ + eᵇ)."""
    y = torch.logaddexp(a, b)
    return y, lambda g: (summed_to(g * torch.exp(a - y), a), summed_to(g * torch.exp(b - y), b))


def xlogy(a: Any, b: Any) -> Any:
    """a log b, and 0 where a is."""
    y = torch.xlogy(a, b)
    return y, lambda g: (summed_to(g * torch.log(b), a), summed_to(g * a / b, b))


RULES = [
    *(Rule(name, "elementwise", _of_slope(name)) for name in SLOPES),
    *(Rule(name, "elementwise", _of_step(name)) for name in STEPS),
    *(Rule(f.__name__, "elementwise", f) for f in (maximum, minimum, logaddexp, xlogy)),
]
