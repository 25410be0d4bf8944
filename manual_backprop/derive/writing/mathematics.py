"""How mathematics writes each primitive that is no sum, product or function by name."""

from collections.abc import Callable, Mapping
from typing import Any

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.grammar import (
    AND,
    CALL,
    COMPARE,
    OR,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Written,
    number_of,
)
from manual_backprop.derive.writing.terms import Terms


class Mathematics(Terms):
    """`δ² = (softmax(z²) − onehot(y)) / 64`."""

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How each primitive is written."""
        return FORMS


def _where(m: Terms, condition: Any, value: Any, otherwise: Any) -> Written:
    return m.signs.cases(m.text(value), m.text(condition), m.text(otherwise))


def _power(m: Terms, base: Any, exponent: Any) -> Written:
    power = number_of(exponent)
    if power == 0.5:
        return m.signs.root(m.text(base)), CALL
    return m.signs.raised(
        m.text(base, CALL), m.text(exponent, CALL) if power is None else m.number(power)
    ), POWER


def _transposed(m: Terms, x: Any) -> str:
    return m.signs.transposed(_entry(m, x))


def _entry(m: Terms, x: Any) -> str:
    """What may have something at its right shoulder."""
    return m.text(x, POWER if x in m.names else CALL)


def _largest(m: Terms, x: Any, dim: Any = None, keepdim: bool = False) -> Written:
    return m.over("max", _without_stop(m, x), None if dim is None else (dim % max(len(x.shape), 1),))


def _part(m: Terms, whole: Any, i: int) -> Written:
    if whole.op == "max" and i == 0 and whole not in m.names:
        return m.written(whole)
    return f"{_entry(m, whole)}{_place(m, i)}", CALL


def _without_stop(m: Terms, x: Any) -> Any:
    """The maximum that is taken off a softmax changes nothing, its gradient neither."""
    return x.args[0] if x not in m.names and x.op == "stop_gradient" else x


def _stopped(m: Terms, x: Any) -> Written:
    if x not in m.names and x.op in ("amax", "part"):
        return m.written(x)
    return m.applied("stop", [x])


def _product(m: Terms, a: Node, b: Node) -> Written:
    chained = a not in m.names and a.op == "matmul"
    return m.signs.beside(m.text(a, PRODUCT if chained else SIGN), m.text(b, SIGN)), PRODUCT


def _cross_entropy(m: Terms, z: Node, y: Node, *, reduction: str = "mean", **_: Any) -> Written:
    picked = f"{m.signs.function('log softmax')}{m.signs.brackets(m.text(z))}{_place(m, y)}"
    over = {"mean": f"{m.signs.operator('mean', '')} ", "sum": f"{m.signs.operator('Σ', '')} "}.get(
        reduction, ""
    )
    return f"{m.signs.sign('−')}{over}{picked}", SUM


def _place(m: Terms, index: Any) -> str:
    return f"[{m.index(index)}]"


def _put(m: Terms, base: Any, index: Any, value: Any) -> Written:
    at = f"{m.signs.word('at')} {_place(m, index)}"
    otherwise = "0" if base.op in ("zeros_like", "zeros") else m.text(base)
    return f"{m.text(value)} {at}, {m.signs.word('else')} {otherwise}", COMPARE


def _collected(m: Terms, base: Any, dim: int, index: Any, source: Any) -> Written:
    places = f"{m.signs.word('over the places of each row in')} {m.text(index)}"
    return f"{m.signs.operator('Σ', '')} {m.text(source, SIGN)} {places}", COMPARE


def _convolution(sign: str) -> Callable[..., Written]:
    def write(m: Terms, x: Any, weight: Any, bias: Any = None, *_: Any, **__: Any) -> Written:
        slid = f"{m.text(weight, SIGN)} {m.signs.sign(sign)} {m.text(x, SIGN)}"
        return (slid, PRODUCT) if bias is None else (f"{slid} + {m.text(bias, SUM)}", SUM)

    return write


def _relation(sign: str, strength: int) -> Callable[..., Written]:
    return lambda m, a, b: (f"{m.text(a, strength)} {m.signs.sign(sign)} {m.text(b, strength)}", strength)


FORMS: dict[str, Callable[..., Written]] = {
    "matmul": _product,
    "outer": lambda m, a, b: (m.signs.beside(m.text(a, SIGN), _transposed(m, b)), PRODUCT),
    "T": lambda m, x: (_transposed(m, x), CALL),
    "pow": _power,
    "sqrt": lambda m, x: (m.signs.root(m.text(x)), CALL),
    "rsqrt": lambda m, x: (m.signs.fraction("1", m.signs.root(m.text(x))), PRODUCT),
    "abs": lambda m, x: (m.signs.absolute(m.text(x)), CALL),
    "relu": lambda m, x: m.applied("max", [0, x]),
    "minimum": lambda m, a, b: m.applied("min", [a, b]),
    "maximum": lambda m, a, b: m.applied("max", [a, b]),
    "logical_not": lambda m, x: (f"{m.signs.sign('¬')}{m.text(x, AND)}", AND),
    "and": _relation("∧", AND),
    "logical_and": _relation("∧", AND),
    "or": _relation("∨", OR),
    "logical_or": _relation("∨", OR),
    "sum": lambda m, x, dims, _: m.over("Σ", x, dims),
    "mean": lambda m, x, dims, _: m.over("mean", x, dims),
    "amax": lambda m, x, dims, _: m.over("max", _without_stop(m, x), dims),
    "amin": lambda m, x, dims, _: m.over("min", x, dims),
    "max": _largest,
    "stop_gradient": _stopped,
    "where": _where,
    "reshape": lambda m, x, _: m.applied("reshape", [x]),
    "permute": lambda m, x, order: m.applied("permute", [x, *order]),
    "movedim": lambda m, x, source, destination, _: m.applied("movedim", [x, source, destination]),
    "getitem": lambda m, x, index: (f"{_entry(m, x)}{_place(m, index)}", CALL),
    "part": _part,
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
