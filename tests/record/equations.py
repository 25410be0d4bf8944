"""Reads the equations that a page shows and works them out from the numbers in them."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import mpmath
from torch import Tensor

from manual_backprop.record import Call, Recording
from manual_backprop.record.numbers import backward_lines, forward_lines, short

Line = tuple[Call, list[str], Tensor]

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
SIGNS = {"−": "-", "·": "*", "²": "**2", "³": "**3", "^": "**", "√": "sqrt", "π": "pi"}
FUNCTIONS = {
    "σ": lambda x: 1 / (1 + mpmath.exp(-x)),
    "Φ": mpmath.ncdf,
    "φ": mpmath.npdf,
    **{name: getattr(mpmath, name) for name in ("exp", "log", "tanh", "sqrt", "pi", "sign")},
    **{"abs": abs, "max": max, "min": min},
}  # of mpmath, in which exp does not overflow


class Side(NamedTuple):
    """What stands on a side of an equation, and how far its rounded numbers let it be from the truth."""

    value: float
    error: float


def number(text: str) -> float:
    """1.2·10⁻⁵ as a float."""
    mantissa, _, power = text.replace("−", "-").partition("·10")
    return float(mantissa) * 10.0 ** int(power.translate(DIGITS) or 0)


def worked_out(text: str) -> Side:
    """The value of an expression; each of its numbers is right to half a unit of its fourth digit."""
    text = re.sub(r", \(\d+ smaller ones\)", "", text)
    text = re.sub(r"\(\d+ others: ", "(", text)
    numbers = [number(found) for found in NUMBER.findall(text)]
    names = iter(range(len(numbers)))
    expression = NUMBER.sub(lambda _: f"(n[{next(names)}])", text)
    for sign, meaning in SIGNS.items():
        expression = expression.replace(sign, meaning)
    code = compile(expression, text, "eval")

    def value(at: int | None = None) -> float:
        moved = [mpmath.mpf(n + half_a_unit(n) * (i == at)) for i, n in enumerate(numbers)]
        return float(eval(code, {"__builtins__": {}, **FUNCTIONS}, {"n": moved}))

    middle = value()
    return Side(middle, sum(abs(value(i) - middle) for i in range(len(numbers))))


def half_a_unit(x: float) -> float:
    """Of the fourth significant digit."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(x))) - 3) if x else 0.0


def check(line: str) -> None:
    """Raise AssertionError if an equation is not true of its numbers, to the digits shown."""
    line = re.sub(r", (?:recorded|computed) −?[\d.·⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+ in \w+$", "", line)
    _, *sides = re.split(r" \+?= ", line)
    assert sides, f"no equation: {line}"
    assert "→" not in line, f"no equation: {line}"
    found = [worked_out(side) for side in sides]
    for side in found[1:]:
        error = 1.1 * (side.error + found[0].error) + 1e-12 * abs(side.value)
        assert abs(side.value - found[0].value) <= error, f"{found}: {line}"


def lines_of(recording: Recording, example: int = 0) -> Iterator[Line]:
    """Each operation's lines, forward and backward, with the tensor that they are of."""
    for call in recording.calls:
        yield call, forward_lines(call, example), call.output.tensor
        for at, gradient in call.gradients.items():
            yield call, backward_lines(call, at, example), gradient


def check_lines(recording: Recording, example: int = 0) -> set[str]:
    """Every equation holds, and its result is the recorded number; returns what has no equation."""
    without = set()
    for call, lines, tensor in lines_of(recording, example):
        for line in lines:
            if "=" in line:
                check(line)
            else:
                assert "→" in line
                without.add(call.operation)
        if "=" in lines[-1]:
            left, *_, result = re.split(r" \+?= ", lines[-1].replace(", recorded", " = recorded"))
            index = re.search(r"\[([\d,]+)\]$", left)
            place = tuple(map(int, index[1].split(","))) if index else ()
            assert result.removeprefix("recorded ").split(" in ")[0] == short(float(tensor[place]))
    return without
