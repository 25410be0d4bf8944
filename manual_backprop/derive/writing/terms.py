"""Nodes as mathematics: sums, products and fractions, functions, indices."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.script import Line, Script
from manual_backprop.derive.writing.expressions import Expressions, without_defaults
from manual_backprop.derive.writing.grammar import (
    CALL,
    COMPARE,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Written,
    number_of,
)
from manual_backprop.derive.writing.products import Factors
from manual_backprop.derive.writing.signs import Signs
from manual_backprop.derive.writing.symbols import Symbol, letter_of_loss, symbols_of

COMPARISONS = {"gt": ">", "lt": "<", "ge": "≥", "le": "≤", "eq": "=", "ne": "≠"}
FUNCTIONS = {
    "exp": "exp",
    "log": "log",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "sign": "sign",
    "sigmoid": "σ",
    "softmax": "softmax",
    "log_softmax": "log softmax",
}
UNSEEN = ("unsqueeze", "expand", "to", "type_as", "double", "float")  # the same numbers
LETTERS = "ijklm"


class Terms(Expressions):
    """What mathematics is made of; `forms` says the rest.

    Attributes:
        signs: of Unicode, or of LaTeX.
        parted: the name of each node that has one, in its parts.
        symbols: it as it is written, and how tightly that holds together.
    """

    def __init__(self, script: Script, signs: type[Signs]) -> None:
        self.signs = signs(letter_of_loss(script))
        self.parted = symbols_of(script)
        self.symbols = {node: self.signs.symbol(symbol) for node, symbol in self.parted.items()}
        super().__init__({node: text for node, (text, _) in self.symbols.items()})

    def equation(self, line: Line) -> tuple[str, str]:
        """The two sides of a line."""
        node, name = line.node, self.names[line.node]
        if node.op == "setitem" and self.names.get(node.args[0]) == name:  # written over
            return f"{name}[{self.index(node.args[1])}]", self.text(node.args[2])
        return name, self.expression(node)[0]

    def gradient_of(self, node: Node) -> str:
        """∂L/∂ of a named node, whether that has a name or not."""
        return self.signs.symbol(replace(self.parted[node], gradient=True))[0]

    def meanings(self) -> dict[str, str]:
        """What letters stand for that the code has not: δ."""
        deltas = any(symbol.is_delta for symbol in self.parted.values())
        return (
            {self.signs.symbol(Symbol("z", gradient=True))[0]: self.signs.partial("z")[0]} if deltas else {}
        )

    def text(self, value: Any, at_least: int = 0) -> str:
        """A node, or a number, as part of an expression that holds together so tightly."""
        written, strength = self.written(value)
        if at_least >= SUM and _is_true_or_false(value):
            return self.signs.indicator(written)
        return written if strength >= at_least else self.signs.brackets(written)

    def written(self, value: Any) -> Written:
        """By its name, or by what it is made of."""
        if not isinstance(value, Node):
            return self.literal(value), SUM if isinstance(value, int | float) and value < 0 else CALL
        return self.symbols[value] if value in self.symbols else self.expression(value)

    def expression(self, node: Node) -> Written:
        """What makes a node."""
        if node.op in ("mul", "div", "neg") or _is_choice(node):
            return self.product(node)
        if node.op in ("add", "sub", "total"):
            parts = self.parts(node) if node.op == "total" else [*node.args]
            return self.added(parts, [False] * (len(parts) - 1) + [node.op == "sub"])
        if node.op in COMPARISONS:
            left, right = (self.text(x, SUM) for x in node.args)
            return f"{left} {self.signs.sign(COMPARISONS[node.op])} {right}", COMPARE
        if node.op in FUNCTIONS:
            return self.applied(FUNCTIONS[node.op], [node.args[0]])
        if _is_unseen(node):
            return self.written(node.args[0])
        if node.op in ("number", "constant"):
            value = node.value.tolist()
            return self.literal(value), SUM if isinstance(value, int | float) and value < 0 else CALL
        write = self.forms().get(node.op)
        if write is None:
            return self.other(node)
        written = write(self, *node.args, **self.said(node))
        return (written, CALL) if isinstance(written, str) else written

    def added(self, parts: Sequence[Any], taken_off: Sequence[bool]) -> Written:
        """A sum of parts, some of which are taken off."""
        text = ""
        for part, minus in zip(parts, taken_off, strict=True):
            negative, bare = self.without_sign(part, SUM if not text else SUM + 1)
            if not text:
                text = f"{self.signs.sign('−')}{bare}" if negative != minus else bare
            else:
                text += f" {self.signs.sign('−' if negative != minus else '+')} {bare}"
        return text, SUM

    def without_sign(self, part: Any, at_least: int) -> tuple[bool, str]:
        """Whether a part of a sum is negative, and it without its sign."""
        part = self.seen(part)
        if isinstance(part, Node) and part not in self.names and part.op in ("mul", "div", "neg", "where"):
            if part.op == "where" and not _is_choice(part):
                return False, self.text(part, at_least)
            negative, text = self.unsigned(part)
            return negative, text
        if isinstance(part, int | float) and part < 0:
            return True, self.literal(-part)
        inner = isinstance(part, Node) and part not in self.names and part.op in ("add", "total")
        return False, self.text(part, SUM if inner else at_least)

    def signed(self, part: Node) -> tuple[str, str]:
        """A part of a sum: its sign, and what follows that."""
        negative, text = self.without_sign(part, SUM)
        return "-" if negative else "+", text

    def product(self, node: Node) -> Written:
        """Products and quotients of what has no name as one fraction."""
        negative, text = self.unsigned(node)
        return (f"{self.signs.sign('−')}{text}", SUM) if negative else (text, PRODUCT)

    def unsigned(self, node: Node) -> tuple[bool, str]:
        """Whether a product is negative, and its value without sign: numbers first, then tensors."""
        above, below, negative = self.all_factors(node)
        over, under = _numbers(above), _numbers(below)
        tops = [x for x in above if number_of(x) is None]
        bottoms = [x for x in below if number_of(x) is None]
        number, divisor = prod(over), prod(under)
        if abs(number) == abs(divisor):
            number, divisor = number / divisor, 1
        if number < 0:
            number, negative = -number, not negative
        if divisor == 1 and not bottoms:
            return negative, self.times(number, tops, PRODUCT)
        top, bottom = (
            self.times(number, tops, self.signs.top),
            self.times(divisor, bottoms, self.signs.bottom),
        )
        is_sum = len(tops) == 1 and number == 1 and self.written(tops[0])[1] < PRODUCT
        several = len(bottoms) + (divisor != 1) > 1
        return negative, self.signs.fraction(top, bottom, is_sum=is_sum, several=several)

    def factors_of(self, node: Node) -> Factors:
        """What stands above and below the line, and whether the sign is minus."""
        if not _is_choice(node):
            return super().factors_of(node)
        chosen = self.inside(node.args[1])
        return chosen._replace(above=[*chosen.above, node.args[0]])

    def all_factors(self, node: Node) -> Factors:
        """Those of its factors too that have other dimensions, which are not seen."""
        factors = self.factors_of(node)
        found = Factors([], [], factors.negative)
        for above, part in enumerate((factors.below, factors.above)):
            for factor in part:
                bare = self.seen(factor)
                if bare is factor or bare in self.names or not self.is_product(bare):
                    inner = Factors([bare], [], False)
                else:
                    inner = self.all_factors(bare)
                tops, bottoms = (inner.above, inner.below) if above else (inner.below, inner.above)
                negative = found.negative != inner.negative
                found = Factors(found.above + tops, found.below + bottoms, negative)
        return found

    def seen(self, value: Any) -> Any:
        """A tensor without the dimensions that are only there to broadcast it."""
        while isinstance(value, Node) and value not in self.names and _is_unseen(value):
            value = value.args[0]
        return value

    def is_product(self, node: Node) -> bool:
        """A choice between something and 0 is one as well."""
        return super().is_product(node) or _is_choice(node)

    def times(self, number: float, factors: Sequence[Any], alone: int) -> str:
        """A number and tensors, multiplied entry by entry; `alone`: how tightly one tensor has to hold."""
        text = "" if number == 1 and factors else self.number(number)
        if number == 1 and len(factors) == 1:
            return self.text(factors[0], alone)
        for at, factor in enumerate(factors):
            scalar = not factor.shape or (at and not factors[at - 1].shape)
            last = at == len(factors) - 1 and factor.op in ("sum", "mean", "amax")
            right = self.text(factor, PRODUCT if last else SIGN)
            if at == 0 or scalar:
                text = self.signs.beside(text, right) if text else right
            else:
                text += f" {self.signs.sign('⊙')} {right}"
        return text

    def applied(self, name: str, args: Sequence[Any]) -> Written:
        """A function of arguments."""
        return (
            f"{self.signs.function(name)}{self.signs.brackets(', '.join(self.text(x) for x in args))}",
            CALL,
        )

    def over(self, operator: str, x: Any, dims: Any) -> Written:
        """A sum, mean or maximum: over all numbers of x, or over dimensions, which the indices tell."""
        name = self.signs.operator(operator, self._letters(x, dims, everything=False))
        if not _indexed(x, dims):
            chained = isinstance(x, Node) and x not in self.names and x.op in ("sum", "mean", "amax")
            return f"{name} {self.text(x, PRODUCT if chained else SIGN)}", PRODUCT
        entry = self.text(x, POWER if x in self.names else CALL)
        return f"{name} {self.signs.subscripted(entry, self._letters(x, dims, everything=True))}", PRODUCT

    def _letters(self, x: Any, dims: Any, *, everything: bool) -> str:
        if not _indexed(x, dims):
            return ""
        return LETTERS[: max(dims) + 1] if everything else "".join(LETTERS[d] for d in dims)

    def other(self, node: Node) -> Written:
        """A function of its tensors and of the options that say something."""
        args, options = without_defaults(node.target, node.args, node.kwargs)
        said = [x for x in [*args, *options.values()] if isinstance(x, Node | int | float | tuple | list)]
        return self.applied(node.op, said)

    def number(self, value: float) -> str:
        """A number."""
        return self.signs.number(value)

    def literal(self, value: Any, at_least: int = 0) -> str:
        """An argument that is not a tensor."""
        if isinstance(value, bool | str | torch.dtype) or value is None:
            return self.signs.word(str(value).removeprefix("torch."))
        return super().literal(value, at_least)


def _is_true_or_false(value: Any) -> bool:
    return isinstance(value, Node) and getattr(value.value, "dtype", None) == torch.bool


def _is_unseen(node: Node) -> bool:
    """Whether it is the same numbers, perhaps with other dimensions of one or repeated."""
    if node.op == "reshape":
        return _without_ones(node) == _without_ones(node.args[0])
    if node.op == "getitem":
        parts = node.args[1] if isinstance(node.args[1], tuple) else (node.args[1],)
        return all(part is None or part is ... or _is_everything(part) for part in parts)
    return node.op in UNSEEN


def _is_everything(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


def _is_choice(node: Node) -> bool:
    """Whether it is something where a condition holds and 0 elsewhere, which is a product."""
    return node.op == "where" and number_of(node.args[2]) == 0


def _numbers(factors: Sequence[Any]) -> list[float]:
    return [number for number in map(number_of, factors) if number is not None]


def _without_ones(x: Any) -> list[int]:
    return [n for n in x.shape if n != 1]


def _indexed(x: Any, dims: Any) -> bool:
    return dims is not None and len(x.shape) <= len(LETTERS) and len(dims) < len(x.shape)
