"""Arithmetic and comparisons of the forward with another number, or without an operand."""

from collections.abc import Iterator
from math import copysign, e, sqrt
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.forward_calls import (
    Arguments,
    Call,
    Keywords,
    Kind,
    OtherCall,
    Replacement,
    number,
)

ARITHMETIC = {
    "add": ("add", "radd", "iadd"),
    "sub": ("sub", "subtract", "rsub", "isub"),
    "mul": ("mul", "multiply", "rmul", "imul"),
    "div": ("div", "divide", "true_divide", "truediv", "rdiv", "rtruediv", "idiv", "itruediv"),
    "pow": ("pow", "rpow", "ipow", "float_power"),
}
OPERATION = {name: operation for operation, names in ARITHMETIC.items() for name in names}
OTHER_WAY_ROUND = ("radd", "rsub", "rmul", "rdiv", "rtruediv", "rpow")  # the tensor is the second operand
NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1, "pow": 1}
COMPARISONS = ("gt", "ge", "lt", "le", "greater", "greater_equal", "less", "less_equal")


def of_arithmetic(call: Call) -> Iterator[OtherCall]:
    """a + b, a − b, a b, a / b and aᵇ."""
    operation = OPERATION[call.name]
    texts = call.operands()
    for written in (0, 1):
        place = 1 - written if call.name in OTHER_WAY_ROUND else written
        value: Any = call.args[place] if place < len(call.args) else None
        if isinstance(value, Tensor):
            text = texts[written] if written < len(texts) else ""
            yield from _without_operand(call, operation, written, place, text)
        elif _is_number(value):
            for kind, other in _other_operands(operation, written, value):
                sign = operation in ("mul", "div") and other == -value
                yield OtherCall(
                    kind,
                    f"the forward with {number(other)} in place of {number(value)} in {call.where}",
                    _with_argument(place, other),
                    "term-sign" if sign else "forward-option",
                )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without_operand(call: Call, operation: str, written: int, place: int, text: str) -> Iterator[OtherCall]:
    if operation == "pow" and written == 0:
        return
    value = call.args[place]
    words = {"add": "term", "sub": "term", "mul": "factor", "div": "divisor", "pow": "exponent"}
    what = "dividend" if operation == "div" and written == 0 else words[operation]
    which = f"{what} `{text}`" if text else f"{('first', 'second')[written]} operand"

    def replacement(function: Any, args: Arguments, kwargs: Keywords) -> Any:
        neutral = torch.full_like(args[place], NEUTRAL[operation])
        return function(*args[:place], neutral, *args[place + 1 :], **kwargs)

    yield OtherCall(
        Kind.PART if value.requires_grad else Kind.OPTION,
        f"the forward without the {which} in {call.where}",
        replacement,
        "more-entries" if operation == "mul" and _is_mask(value) else "forward-option",
    )


def _is_mask(constant: Tensor) -> bool:
    """Whether it has zeros, and one other value."""
    others = constant[constant != 0]
    return not constant.requires_grad and 0 < len(others) < constant.numel() and len(others.unique()) == 1


def _other_operands(operation: str, written: int, c: float) -> Iterator[tuple[Kind, float]]:
    yield Kind.OPTION, NEUTRAL[operation]
    if operation == "pow":
        others: tuple[float, ...] = (2, c - 1, c + 1, 2 * c, c / 2, -c, 3, 0) if written else (e, 2, 10)
    elif operation in ("mul", "div"):
        others = (-c, c * c, copysign(sqrt(abs(c)), c), 2 * c, c / 2, 0, 1 / c if c else 1)
    else:
        others = (1, -c, 2 * c, c / 2, c * c)
    yield from ((Kind.NUMBER, other) for other in others)


def _with_argument(place: int, value: Any) -> Replacement:
    return lambda function, args, kwargs: function(*args[:place], value, *args[place + 1 :], **kwargs)


def of_comparison(call: Call) -> Iterator[OtherCall]:
    """x > c, where c is a number."""
    value: Any = call.args[1] if len(call.args) > 1 else None
    if _is_number(value):
        for other in (0, 1, -1, -value, 2 * value, value / 2):
            words = f"the forward with {number(other)} in place of {number(value)} in {call.where}"
            yield OtherCall(Kind.NUMBER, words, _with_argument(1, other))


def exchanged(call: Call) -> Iterator[OtherCall]:
    """Two tensors of the same shape given the other way round."""
    places = [i for i, a in enumerate(call.args) if isinstance(a, Tensor)]
    texts = call.operands()
    known = len(texts) == len(call.args) and call.name not in OTHER_WAY_ROUND
    for i in places:
        for j in places:
            a, b = call.args[i], call.args[j]
            if i < j and a.shape == b.shape and a.dtype == b.dtype:
                which = f"`{texts[i]}` and `{texts[j]}`" if known else "its operands"
                yield OtherCall(
                    Kind.FUNCTION, f"the forward with {which} exchanged in {call.where}", _exchange(i, j)
                )
    if call.name == "kl_div" and len(places) == 2 and not call.kwargs.get("log_target"):
        yield OtherCall(
            Kind.FUNCTION,
            f"the forward with the divergence in the other direction in {call.where}",
            lambda function, args, kwargs: function(args[1].log(), args[0].exp(), *args[2:], **kwargs),
        )


def _exchange(i: int, j: int) -> Replacement:
    return lambda function, args, kwargs: function(
        *args[:i], args[j], *args[i + 1 : j], args[i], *args[j + 1 :], **kwargs
    )
