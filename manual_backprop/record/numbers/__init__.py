"""The formulas of a step with its numbers put in, for one example, and worked out.

    z²[0,7] = 3.12 · 0.2561 + 2.4 · 0.31 + 1.9 · 0.2 + (125 others: 4.2) = 6.12

What stands behind the last "=" is computed in float64 from the step's numbers; where the step has another
number, in its own precision, that is said. What cannot be written so is no equation: then the numbers that
went in and came out are listed, without "=".
"""

from dataclasses import replace
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import tree_map
from manual_backprop.record.call import Call, Value
from manual_backprop.record.numbers import elementwise, jacobian, losses, normalisation, rows, windows
from manual_backprop.record.numbers.places import Place, indexed, largest
from manual_backprop.record.numbers.writing import Written, listed, short

__all__ = ["backward_lines", "forward_lines", "short"]

FORWARD = (elementwise, rows, normalisation, losses, windows, jacobian)
BACKWARD = (elementwise, rows, normalisation, losses, jacobian)
CLOSE = 1e-4  # relative to the largest number of a tensor: more than float32's rounding makes of it


def forward_lines(call: Call, example: int) -> list[str]:
    """What the operation made of an example: its largest number, worked out."""
    call = _on_cpu(call)
    out = call.output
    place = largest(out, out.tensor, example)
    with torch.enable_grad():
        written = None if place is None else _forward(call, place, example)
    if place is not None and written is not None and _is_what_was_recorded(written, out.tensor, place):
        return _equations(indexed(out.symbol, place), "=", written, out.tensor, place)
    given, made = (
        ", ".join(listed(value.symbol, _row(value, value.tensor, example)) for value in values)
        for values in (call.inputs, call.outputs)
    )
    return [f"{given} → {made}"]


def backward_lines(call: Call, at: int, example: int) -> list[str]:
    """What came back to input `at` of an example: its largest number, worked out."""
    call = _on_cpu(call)
    value, gradient = call.inputs[at], call.gradients[at]
    place = largest(value, gradient, example)
    with torch.enable_grad():
        written = None if place is None else _backward(call, at, place)
    if place is not None and written is not None and _is_what_was_recorded(written, gradient, place):
        sign = "+=" if value.used_again else "="
        return _equations(indexed(value.gradient_symbol, place), sign, written, gradient, place)
    upstream = [(out, out.gradient) for out in call.outputs if out.gradient is not None]
    given = ", ".join(listed(out.gradient_symbol, _row(out, g, example)) for out, g in upstream)
    return [f"{given} → {listed(value.gradient_symbol, _row(value, gradient, example))}"]


def _on_cpu(call: Call) -> Call:
    """The call with its numbers where float64 is always to be had: on MPS it is not."""
    if all(value.tensor.device.type == "cpu" for value in (*call.inputs, *call.outputs)):
        return call

    def moved(value: Any) -> Any:
        if not isinstance(value, Value):
            return value
        gradient = None if value.gradient is None else value.gradient.cpu()
        return replace(value, tensor=value.tensor.cpu(), gradient=gradient)

    return replace(
        call,
        arguments=tree_map(moved, call.arguments),
        outputs=[moved(value) for value in call.outputs],
        gradients={at: gradient.cpu() for at, gradient in call.gradients.items()},
    )


def _forward(call: Call, place: Place, example: int) -> list[Written] | None:
    if call.operation == "cross_entropy":
        return rows.cross_entropy(call, example)
    found = (builder.forward(call, place) for builder in FORWARD)
    return next((written for written in found if written is not None), None)


def _backward(call: Call, at: int, place: Place) -> list[Written] | None:
    found = (builder.backward(call, at, place) for builder in BACKWARD)
    return next((written for written in found if written is not None), None)


def _is_what_was_recorded(written: list[Written], recorded: Tensor, place: Place) -> bool:
    """Whether the last line comes to the recorded number, but for rounding, and every number is finite."""
    eps = torch.finfo(recorded.dtype).eps
    off = max(CLOSE, 4 * eps) * float(recorded.abs().max()) + 100 * eps * written[-1].largest
    close = abs(written[-1].value - float(recorded[place])) <= off
    return close and all(isfinite(line.value) and "∞" not in line.text for line in written)


def _equations(left: str, sign: str, written: list[Written], kept: Tensor, place: Place) -> list[str]:
    *before, last = written
    line = f"{left} {sign} {last.worked_out()}"
    recorded = short(float(kept[place]))
    if recorded != short(last.value):
        line += f", recorded {recorded} in {str(kept.dtype).removeprefix('torch.')}"
    return [*(f"{each.left} = {each.worked_out()}" for each in before), line]


def _row(value: Value, tensor: Tensor, example: int) -> Tensor:
    return tensor[min(example, len(tensor) - 1)] if value.per_example and len(tensor) else tensor
