"""Nodes as mathematics: what is written, in Unicode; latex.py has the signs of LaTeX for the same."""

from collections.abc import Callable, Sequence
from math import isclose, isfinite, pi, prod
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.script import Line, Script
from manual_backprop.derive.writing.expressions import (
    AND,
    CALL,
    COMPARE,
    OR,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expressions,
    Written,
    without_defaults,
)
from manual_backprop.derive.writing.products import Factors
from manual_backprop.derive.writing.symbols import Symbol, symbols_of

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
UNSEEN = ("unsqueeze", "expand", "stop_gradient")  # the same numbers; mathematics writes no copies
LETTERS = "ijklm"
MOST_UNDER_ROOT = 10_000
SUBSCRIPTS = str.maketrans("0123456789ijklmnxyaehopstuvr", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₓᵧₐₑₕₒₚₛₜᵤᵥᵣ")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Mathematics(Expressions):
    """`δ² = (softmax(z²) − onehot(y)) / 64`.

    Attributes:
        top: how tightly what stands alone above a line of fraction has to hold together.
        bottom: and below.
    """

    top, bottom = PRODUCT, SIGN

    def __init__(self, script: Script) -> None:
        self.symbols = {node: self.symbol(symbol) for node, symbol in symbols_of(script).items()}
        super().__init__({node: text for node, (text, _) in self.symbols.items()})

    def equation(self, line: Line) -> tuple[str, str]:
        """The two sides of a line."""
        return self.names[line.node], self.expression(line.node)[0]

    def gradient_of(self, node: Node) -> str:
        """∂L/∂ of a named node, whether that has a name or not."""
        return self.partial(self.names[node])[0]

    # what is written

    def text(self, value: Any, at_least: int = 0) -> str:
        """A node, or a number, as part of an expression that holds together so tightly."""
        written, strength = self.written(value)
        if at_least >= SUM and _is_true_or_false(value):
            return self.indicator(written)
        return written if strength >= at_least else self.brackets(written)

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
            return f"{left} {self.sign(COMPARISONS[node.op])} {right}", COMPARE
        if node.op in FUNCTIONS:
            return self.applied(FUNCTIONS[node.op], [node.args[0]])
        if _is_unseen(node):
            return self.written(node.args[0])
        if node.op in ("number", "constant"):
            value = node.value.tolist()
            return self.literal(value), SUM if isinstance(value, int | float) and value < 0 else CALL
        write = FORMS.get(node.op)
        return write(self, *node.args, **self.said(node)) if write else self.other(node)

    def added(self, parts: Sequence[Any], taken_off: Sequence[bool]) -> Written:
        """A sum of parts, some of which are taken off."""
        text = ""
        for part, minus in zip(parts, taken_off, strict=True):
            negative, bare = self.bare(part, SUM if not text else SUM + 1)
            if not text:
                text = f"{self.sign('−')}{bare}" if negative != minus else bare
            else:
                text += f" {self.sign('−' if negative != minus else '+')} {bare}"
        return text, SUM

    def bare(self, part: Any, at_least: int) -> tuple[bool, str]:
        """Whether a part of a sum is negative, and it without its sign."""
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
        negative, text = self.bare(part, SUM)
        return "-" if negative else "+", text

    def product(self, node: Node) -> Written:
        """Products and quotients of what has no name as one fraction."""
        negative, text = self.unsigned(node)
        return (f"{self.sign('−')}{text}", SUM) if negative else (text, PRODUCT)

    def unsigned(self, node: Node) -> tuple[bool, str]:
        """Whether a product is negative, and its value without sign: numbers first, then tensors."""
        above, below, negative = self.factors_of(node)
        over, under = _numbers(above), _numbers(below)
        tops = [x for x in above if _number(x) is None]
        bottoms = [x for x in below if _number(x) is None]
        number, divisor = prod(over), prod(under)
        if number < 0:
            number, negative = -number, not negative
        if divisor == 1 and not bottoms:
            return negative, self.times(number, tops, PRODUCT)
        top, bottom = self.times(number, tops, self.top), self.times(divisor, bottoms, self.bottom)
        is_sum = len(tops) == 1 and number == 1 and self.written(tops[0])[1] < PRODUCT
        several = len(bottoms) + (divisor != 1) > 1
        return negative, self.fraction(top, bottom, is_sum=is_sum, several=several)

    def factors_of(self, node: Node) -> Factors:
        """What stands above and below the line, and whether the sign is minus."""
        if not _is_choice(node):
            return super().factors_of(node)
        chosen = self.inside(node.args[1])
        return chosen._replace(above=[*chosen.above, node.args[0]])

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
                text = self.beside(text, right) if text else right
            else:
                text += f" {self.sign('⊙')} {right}"
        return text

    def applied(self, name: str, args: Sequence[Any]) -> Written:
        """A function of arguments."""
        return f"{self.function(name)}{self.brackets(', '.join(self.text(x) for x in args))}", CALL

    def over(self, operator: str, x: Any, dims: Any) -> Written:
        """A sum, mean or maximum: over all numbers of x, or over dimensions, which the indices tell."""
        name = self.operator(operator, self._letters(x, dims, everything=False))
        if not _indexed(x, dims):
            return f"{name} {self.text(x, SIGN)}", PRODUCT
        entry = self.text(x, POWER if x in self.names else CALL)
        return f"{name} {self.subscripted(entry, self._letters(x, dims, everything=True))}", PRODUCT

    def _letters(self, x: Any, dims: Any, *, everything: bool) -> str:
        if not _indexed(x, dims):
            return ""
        return LETTERS[: max(dims) + 1] if everything else "".join(LETTERS[d] for d in dims)

    def other(self, node: Node) -> Written:
        """A function of its tensors and of the options that say something."""
        args, options = without_defaults(node.target, node.args, node.kwargs)
        said = [x for x in [*args, *options.values()] if isinstance(x, Node | int | float | tuple | list)]
        return self.applied(node.op, said)

    # with which signs

    def symbol(self, symbol: Symbol) -> Written:
        """A name."""
        if symbol.is_delta:
            return f"δ{symbol.layer.translate(SUPERSCRIPTS)}{self.low(symbol.index)}", CALL
        text = (
            f"{symbol.base}\u0302"
            if symbol.hat and len(symbol.base) == 1
            else symbol.base + "hat" * symbol.hat
        )
        text += symbol.layer.translate(SUPERSCRIPTS) + self.low(symbol.index)
        if symbol.gradient:
            return self.partial(text)
        return text, POWER if symbol.layer else CALL

    def partial(self, name: str) -> Written:
        """∂L/∂ of a name."""
        return f"∂L/∂{name}", SIGN

    def low(self, index: str) -> str:
        """An index below."""
        low = index.translate(SUBSCRIPTS)
        return low if not set(low) & set(index) else index if len(index) == 1 else f"_{index}"

    def sign(self, sign: str) -> str:
        """A sign of operation or relation."""
        return sign

    def number(self, value: float) -> str:
        """A number; powers of ten as such."""
        if (under := _under_root(value)) is not None:
            return self.root(under)
        mantissa, _, exponent = f"{value:.12g}".partition("e")
        if not exponent:
            return {"inf": "∞", "-inf": "−∞"}.get(mantissa, mantissa.replace("-", "−"))
        power = self.raised("10", str(int(exponent)))
        return power if mantissa == "1" else f"{mantissa.replace('-', '−')} · {power}"

    def literal(self, value: Any, at_least: int = 0) -> str:
        """An argument that is no tensor."""
        if isinstance(value, bool | str | torch.dtype) or value is None:
            return self.word(str(value).removeprefix("torch."))
        return super().literal(value, at_least)

    def beside(self, left: str, right: str) -> str:
        """Two factors without a sign between them."""
        return f"{left} {right}"

    def raised(self, base: str, exponent: str) -> str:
        """A power."""
        high = exponent.translate(SUPERSCRIPTS)
        return f"{base}{high}" if not set(high) & set(exponent) else f"{base}^{exponent}"

    def transposed(self, x: str) -> str:
        """xᵀ."""
        return f"{x}ᵀ"

    def subscripted(self, x: str, letters: str) -> str:
        """x with the indices of its entries."""
        return x + letters.translate(SUBSCRIPTS)

    def operator(self, name: str, letters: str) -> str:
        """Σ, mean or max over indices."""
        return name + letters.translate(SUBSCRIPTS)

    def fraction(self, top: str, bottom: str, *, is_sum: bool = False, several: bool = False) -> str:
        """A quotient; whether the top is a sum, and whether the bottom has several factors."""
        return f"{top} / {self.brackets(bottom) if several else bottom}"

    def root(self, x: str) -> str:
        """√x."""
        return f"√{x}" if len(x) == 1 or x.isdigit() else f"√({x})"

    def brackets(self, text: str) -> str:
        """(text)."""
        return f"({text})"

    def function(self, name: str) -> str:
        """The name of a function."""
        return name

    def word(self, text: str) -> str:
        """A word between formulas."""
        return text

    def indicator(self, condition: str) -> str:
        """1 where the condition holds, else 0."""
        return f"𝟙[{condition}]"

    def absolute(self, x: str) -> str:
        """|x|."""
        return f"|{x}|"

    def cases(self, value: str, condition: str, otherwise: str) -> Written:
        """One value where the condition holds, else another."""
        return f"{value} where {condition}, else {otherwise}", COMPARE


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
    return node.op == "where" and _number(node.args[2]) == 0


def _under_root(value: float) -> str | None:
    """What a number is the root of: 2, 2π."""
    if not isinstance(value, float) or value <= 0 or not isfinite(value) or value == int(value):
        return None
    for unit, name in ((1.0, ""), (pi, "π")):
        times = round(value**2 / unit)
        if 0 < times < MOST_UNDER_ROOT and isclose(value**2, times * unit, rel_tol=1e-14):
            return f"{times}{name}".replace("1π", "π") if times == 1 else f"{times}{name}"
    return None


def _number(x: Any) -> float | None:
    if isinstance(x, Node):
        return float(x.value.item()) if x.op == "number" else None
    return x if isinstance(x, int | float) else None


def _numbers(factors: Sequence[Any]) -> list[float]:
    return [number for number in map(_number, factors) if number is not None]


def _without_ones(x: Any) -> list[int]:
    return [n for n in x.shape if n != 1]


def _indexed(x: Any, dims: Any) -> bool:
    return dims is not None and len(x.shape) <= len(LETTERS) and len(dims) < len(x.shape)


def _where(m: Mathematics, condition: Any, value: Any, otherwise: Any) -> Written:
    return m.cases(m.text(value), m.text(condition), m.text(otherwise))


def _power(m: Mathematics, base: Any, exponent: Any) -> Written:
    power = _number(exponent)
    if power == 0.5:
        return m.root(m.text(base)), CALL
    return m.raised(m.text(base, CALL), m.text(exponent, CALL) if power is None else m.number(power)), POWER


def _transposed(m: Mathematics, x: Any) -> str:
    return m.transposed(m.text(x, POWER if x in m.names else CALL))


def _product(m: Mathematics, a: Node, b: Node) -> Written:
    chained = a not in m.names and a.op == "matmul"
    return m.beside(m.text(a, PRODUCT if chained else SIGN), m.text(b, SIGN)), PRODUCT


def _cross_entropy(m: Mathematics, z: Node, y: Node, *, reduction: str = "mean", **_: Any) -> Written:
    picked = f"{m.function('log softmax')}{m.brackets(m.text(z))}{_place(m, y)}"
    over = {"mean": f"{m.operator('mean', '')} ", "sum": f"{m.operator('Σ', '')} "}.get(reduction, "")
    return f"{m.sign('−')}{over}{picked}", SUM


def _place(m: Mathematics, index: Any) -> str:
    return f"[{m.index(index)}]"


def _put(m: Mathematics, base: Any, index: Any, value: Any) -> Written:
    at = f"{m.word('at')} {_place(m, index)}"
    otherwise = "0" if base.op in ("zeros_like", "zeros") else m.text(base)
    return f"{m.text(value)} {at}, {m.word('else')} {otherwise}", COMPARE


def _collected(m: Mathematics, base: Any, dim: int, index: Any, source: Any) -> Written:
    places = f"{m.word('over the places of each row in')} {m.text(index)}"
    return f"{m.operator('Σ', '')} {m.text(source, SIGN)} {places}", COMPARE


def _convolution(sign: str) -> Callable[..., Written]:
    def write(m: Mathematics, x: Any, weight: Any, bias: Any = None, *_: Any, **__: Any) -> Written:
        slid = f"{m.text(weight, SIGN)} {m.sign(sign)} {m.text(x, SIGN)}"
        return (slid, PRODUCT) if bias is None else (f"{slid} + {m.text(bias, SUM)}", SUM)

    return write


def _relation(sign: str, strength: int) -> Callable[..., Written]:
    return lambda m, a, b: (f"{m.text(a, strength)} {m.sign(sign)} {m.text(b, strength)}", strength)


FORMS: dict[str, Callable[..., Written]] = {
    "matmul": _product,
    "outer": lambda m, a, b: (m.beside(m.text(a, SIGN), _transposed(m, b)), PRODUCT),
    "T": lambda m, x: (_transposed(m, x), CALL),
    "pow": _power,
    "sqrt": lambda m, x: (m.root(m.text(x)), CALL),
    "rsqrt": lambda m, x: (m.fraction("1", m.root(m.text(x))), PRODUCT),
    "abs": lambda m, x: (m.absolute(m.text(x)), CALL),
    "relu": lambda m, x: m.applied("max", [0, x]),
    "minimum": lambda m, a, b: m.applied("min", [a, b]),
    "maximum": lambda m, a, b: m.applied("max", [a, b]),
    "logical_not": lambda m, x: (f"{m.sign('¬')}{m.text(x, AND)}", AND),
    "and": _relation("∧", AND),
    "logical_and": _relation("∧", AND),
    "or": _relation("∨", OR),
    "logical_or": _relation("∨", OR),
    "sum": lambda m, x, dims, _: m.over("Σ", x, dims),
    "mean": lambda m, x, dims, _: m.over("mean", x, dims),
    "amax": lambda m, x, dims, _: m.over("max", x, dims),
    "where": _where,
    "reshape": lambda m, x, _: m.applied("reshape", [x]),
    "permute": lambda m, x, order: m.applied("permute", [x, *order]),
    "movedim": lambda m, x, source, destination, _: m.applied("movedim", [x, source, destination]),
    "getitem": lambda m, x, index: (f"{m.text(x, CALL)}{_place(m, index)}", CALL),
    "part": lambda m, x, i: (f"{m.text(x, CALL)}{_place(m, i)}", CALL),
    "stack": lambda m, tensors, dim: m.applied("stack", tensors),
    "cat": lambda m, tensors, dim: m.applied("cat", tensors),
    "setitem": _put,
    **{op: lambda m, *_, **__: ("0", CALL) for op in ("zeros_like", "zeros")},
    **{op: lambda m, *_, **__: ("1", CALL) for op in ("ones_like", "ones")},
    "tensor": lambda m, numbers, **_: (m.literal(numbers), CALL),
    "index_add": _collected,
    "one_hot": lambda m, y, *_: m.applied("onehot", [y]),
    "cross_entropy": _cross_entropy,
    "conv2d": _convolution("⋆"),
    "conv_transpose2d": _convolution("⋆ᵀ"),
}
