"""Numbers as text, and sums and products of them.

There is one notation, which the page's script shares: at most four significant digits, and a power of ten
below 10⁻⁴ and from 10⁴ on.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.record.call import superscript

SHOWN = 3  # terms of a long sum
WHOLE = 4  # terms of a sum that is written out
LISTED = 4  # numbers of a tensor


class Written(NamedTuple):
    """The right-hand side of an equation, and what it comes to.

    Attributes:
        text: the right-hand side.
        value: what it comes to.
        left: what it is of, where that is not the recorded number.
        largest: of a sum, the size of the largest term, to which its rounding errors are in proportion.
    """

    text: str
    value: float
    left: str = ""
    largest: float = 0.0

    def worked_out(self) -> str:
        """With what it comes to."""
        result = short(self.value)
        return result if self.text == result else f"{self.text} = {result}"


def short(x: float) -> str:
    """A number with at most four significant digits: 0.01234, 1.234·10⁻⁵."""
    if x != x:
        return "NaN"
    if abs(x) == float("inf"):
        return "−∞" if x < 0 else "∞"
    mantissa, _, power = f"{x:.3e}".partition("e")
    exponent = int(power)
    if x and not -4 <= exponent < 4:
        sign = "⁻" if exponent < 0 else ""
        text = f"{_trimmed(mantissa)}·10{sign}{superscript(abs(exponent))}"
    else:
        text = _trimmed(f"{x:.{max(3 - exponent, 0)}f}")
    return "0" if text == "-0" else text.replace("-", "−")


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def inside(x: float) -> str:
    """A number as a part of a formula: in brackets, unless it is a plain positive one."""
    text = short(x)
    return text if text.replace(".", "").isdigit() else f"({text})"


def product(first: float, second: float) -> str:
    """a · b."""
    return f"{short(first)} · {inside(second) if second < 0 else short(second)}"


def added(terms: list[str]) -> str:
    """a + b − c."""
    text = terms[0]
    for term in terms[1:]:
        text += f" − {term[1:]}" if term.startswith("−") else f" + {term}"
    return text


def summed(values: Tensor, write: Callable[[int], str], whole: int = WHOLE) -> Written:
    """Σ of the values: all of the terms if they are few, else the largest ones and what the others come to.

    Args:
        values: (K,), float64.
        write: a term, as text, by its place.
        whole: how many terms are written out.
    """
    if not len(values):
        return Written("0", 0.0)
    total, size = float(values.sum()), float(values.abs().max())
    if len(values) <= whole:
        return Written(added([write(i) for i in range(len(values))]), total, largest=size)
    largest = values.abs().sort(descending=True, stable=True).indices[:SHOWN]  # of equal ones, the first
    rest = torch.ones_like(values, dtype=torch.bool)
    rest[largest] = False
    others = f"({int(rest.sum())} others: {short(float(values[rest].sum()))})"
    return Written(added([*(write(i) for i in largest.tolist()), others]), total, largest=size)


def listed(symbol: str, tensor: Tensor) -> str:
    """z²: 1.2, −0.3, 0.01, 4, … (10 numbers)."""
    numbers = tensor.detach().flatten()
    count = len(numbers)
    if not count:
        return f"{symbol}: no numbers"
    write = short if tensor.is_floating_point() else str
    words = [write(x).replace("-", "−") for x in numbers[:LISTED].tolist()]
    more = f", … ({count} numbers)" if count > LISTED else ""
    return f"{symbol}: {', '.join(words)}{more}"
