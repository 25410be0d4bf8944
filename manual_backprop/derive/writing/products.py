"""Products and quotients, as one writes them: in one fraction, the numbers first."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple, Protocol

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.grammar import CALL, PRODUCT, SIGN, Written, number_of, plain


class Factors(NamedTuple):
    """What stands above and below the line, and whether the sign is minus."""

    above: list[Any]
    below: list[Any]
    negative: bool


class Writer(Protocol):
    """What writes the factors."""

    def factors_of(self, node: Node) -> Factors:
        """The factors of a product."""
        ...

    def text(self, value: Any, at_least: int = 0) -> str:
        """A factor that holds together so tightly."""
        ...

    def number(self, value: float) -> str:
        """A number."""
        ...


def factors_of(node: Node, inside: Callable[[Any], Factors]) -> Factors:
    """The factors of a product, whether it has a name or not; those `inside` its factors with it."""
    first = inside(node.args[0])
    if node.op == "neg":
        return first._replace(negative=not first.negative)
    above, below, negative = inside(node.args[1])
    if node.op == "div":
        above, below = below, above
    return _cancelled(Factors(first.above + above, first.below + below, first.negative != negative), node)


def _cancelled(factors: Factors, node: Node) -> Factors:
    """What stands above and below is left out, where the rest has all of the shape."""
    above, below = list(factors.above), list(factors.below)
    for x in factors.below:
        if isinstance(x, Node) and x.op != "number" and x in above and x in below:
            above.remove(x)
            below.remove(x)
    if len(below) == len(factors.below):
        return factors
    shapes = [x.shape for x in (*above, *below) if isinstance(x, Node)]
    same = bool(above) and torch.broadcast_shapes(*shapes) == node.shape
    return Factors(above, below, factors.negative) if same else factors


def product(w: Writer, node: Node) -> Written:
    """All factors of a product that have no name of their own, in one fraction."""
    above, below, negative = w.factors_of(node)
    number, above = _numbers(above)
    divisor, below = _numbers(below)
    if abs(number) == abs(divisor):
        number, divisor = number / divisor, 1
    if number < 0:
        number, negative = -number, not negative
    if number != int(number) and not _is_real(above[0] if above else None):
        above = sorted(above, key=lambda x: not _is_real(x))  # 0.1 times integers would be float32
    count = len(above) + (number != 1)
    first = CALL if negative else PRODUCT  # ruff sets -(z**2) in brackets
    tops = [w.text(x, first if x is above[0] and number == 1 else PRODUCT + 1) for x in above]
    if number != 1 or not tops:
        at = 0 if not above or _is_real(above[0]) or number == int(number) else 1
        tops.insert(at, w.number(plain(number)))
    alone = len(below) + (divisor != 1) == 1
    bottoms = [w.number(plain(divisor))] if divisor != 1 else []
    bottoms += [w.text(x, PRODUCT + alone) for x in below]
    text = " * ".join(tops)
    if bottoms:
        text += f" / {bottoms[0]}" if alone else f" / ({' * '.join(bottoms)})"
    several = count > 1 or bool(bottoms)
    if not negative:
        return text, PRODUCT if several else CALL
    if several or not above:
        return f"-{text}", PRODUCT
    return f"-{text}", SIGN


def _numbers(factors: list[Any]) -> tuple[float, list[Any]]:
    """The product of the numbers, and what is not a number."""
    numbers = [number_of(x) for x in factors if number_of(x) is not None]
    whole = float(f"{prod(numbers):.15g}") if len(numbers) > 1 else prod(numbers)
    return whole, [x for x in factors if number_of(x) is None]


def _is_real(x: Any) -> bool:
    return isinstance(x, Node) and bool(x.value.is_floating_point())
