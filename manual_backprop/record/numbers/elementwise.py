"""Functions that work number by number: the formula with the numbers put in."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.record.call import Call, Value
from manual_backprop.record.numbers.places import Place
from manual_backprop.record.numbers.writing import Written, inside, short

# The formulas that say in words what numbers cannot be put into, in signs; {0} stands for a number.
CLIPPED = "min(max(({0} + 3)/6, 0), 1)"
FORWARD = {
    "elu": "max({0}, 0) + ‹{1} · ›(exp(min({0}, 0)) − 1)",
    "hardsigmoid": CLIPPED,
    "hardswish": f"{{0}} · {CLIPPED}",
    "hardtanh": "min(max({0}, {1}), {2})",
    "leaky_relu": "max({0}, 0) + {1} · min({0}, 0)",
    "pow": "{0}^{1}",
    "dropout": "{1} · {0} / (1 − {2})",
}
BACKWARD = {
    "dropout": ("{1} · {g} / (1 − {2})",),
    "pow": ("{g} · {1} · {0}^({1} − 1)", "{g} · {out} · log({0})"),
}
GELU = "{0} · (1 + tanh(√(2/π) · ({0} + 0.044715 · {0}^3)))/2"
NUMBER = r"−?[\d.·⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+"
NOT_WRITTEN = ("rounded_div", "overwrite", "update", "copy")


def forward(call: Call, place: Place) -> list[Written] | None:
    """The formula, with the numbers at this place."""
    numbers = _numbers(call, place)
    if numbers is None:
        return None
    template = FORWARD.get(call.operation, in_signs(call.formula.forward))
    if _is_special(call, numbers):
        template = GELU if call.operation == "gelu" else "{0}"
    value = float(call.by_twin(_tensors(numbers)))
    return [Written(_put_in(call, template, numbers), value)]


def backward(call: Call, at: int, place: Place) -> list[Written] | None:
    """The formula of the gradient; upstream times slope, where it says in words which of several slopes."""
    upstream = call.output.gradient
    if upstream is None or call.inputs[at].tensor.shape != call.output.tensor.shape:
        return None
    numbers = _numbers(call, place)
    if numbers is None:
        return None
    tensors = _tensors(numbers)
    tensors[at].requires_grad_()
    out, g = call.by_twin(tensors), float(upstream[place])
    (slope,) = torch.autograd.grad(out, tensors[at])
    value = g * float(slope)
    lines = BACKWARD.get(call.operation, call.formula.backward)
    template = in_signs(lines[min(call.positions[at], len(lines) - 1)])
    if re.search(r"where|between|else", template) or _is_special(call, numbers):
        return [Written(f"{short(g)} · {inside(float(slope))}", value)]
    return [Written(_put_in(call, template, numbers, out=float(out.detach()), g=g), value)]


def _is_special(call: Call, numbers: dict[int, float]) -> bool:
    """Whether another formula holds: of GELU by tanh, of softplus above its threshold."""
    if call.operation == "softplus":
        beta, threshold = call.arguments[1:3]
        return bool(beta * numbers[0] > threshold)
    return (call.operation, *call.arguments[1:2]) == ("gelu", "tanh")


def _numbers(call: Call, place: Place) -> dict[int, float] | None:
    """The number of each input at a place of the output."""
    if call.formula.kind not in ("activation", "elementwise") or call.twin is None:
        return None
    if call.operation in NOT_WRITTEN or len(call.outputs) != 1:
        return None
    if call.operation == "dropout" and call.arguments[2] == 1:  # nothing is left to divide
        return None
    shape = call.output.tensor.shape
    return {i: float(v.tensor.broadcast_to(shape)[place]) for i, v in enumerate(call.inputs)}


def _tensors(numbers: dict[int, float]) -> list[Tensor]:
    return [torch.tensor(x, dtype=torch.float64) for x in numbers.values()]


def in_signs(template: str) -> str:
    """A formula whose products and functions are written as numbers need them."""
    template = template.replace("⊙", "·").replace("‹{1} ›", "‹{1} · ›").replace("‹{2} ›", "‹{2} · ›")
    template = re.sub(r"(exp|log|tanh|sign|√) ?(\{\w+\}|σ\(\{0\}\))", r"\1(\2)", template)
    template = re.sub(r"\|(\{\w+\})\|", r"abs(\1)", template)
    return re.sub(r"([}²³)\d]) (?=[{(√A-Za-zσφΦ])(?!to )", r"\1 · ", template)


def _put_in(call: Call, template: str, numbers: dict[int, float], **more: float) -> str:
    """The template, with a number for each of its places."""
    rest = iter(numbers.values())
    write: Callable[[Any], str] = inside
    arguments = [
        write(next(rest)) if isinstance(a, Value) else write(float(a)) if _is_number(a) else str(a)
        for a in call.arguments
    ]
    given = {name: write(x) for name, x in more.items()}
    return without_brackets(call.chosen(template).format(*arguments, **given))


def without_brackets(text: str) -> str:
    """Without the brackets of a number that stands alone, or is in brackets already."""
    text = re.sub(rf"\((\({NUMBER}\))\)", r"\1", text)
    return text[1:-1] if re.fullmatch(rf"\({NUMBER}\)", text) else text


def _is_number(argument: Any) -> bool:
    return isinstance(argument, int | float) and not isinstance(argument, bool)
