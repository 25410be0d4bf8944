"""What the page shows, as JSON.

Numbers are embedded as base64 of float32. A tensor that is too large for the page is cut to its first rows
and columns, and the page says so.
"""

import base64
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from manual_backprop.record.call import Call, Value, matrix, norm, share_of_zeros
from manual_backprop.record.code import Line, code_of
from manual_backprop.record.numbers import backward_lines, forward_lines, losses, short
from manual_backprop.record.numbers.rows import is_plain, reduction
from manual_backprop.record.page.laboratory import losses_of_training, network_of
from manual_backprop.record.step import Step
from manual_backprop.record.table import shape

FORMAT = 4
MOST_REMARKS = 50
MOST_WORKED_OUT = 500  # formulas with their numbers, of about 2 ms each, in a page that is no laboratory
MOST_CODE = 40  # lines of code, for the forward of an operation or for a gradient
STEPS_OF_TRAINING = 100  # by PyTorch, beside those that the page makes; of all recorded steps together
MOST_NUMBERS = 480_000  # in a page: 2.6 MB of base64
SMALLEST_IMAGE = 5  # pixels on a side; fewer features are shown as a column

# How the page writes a gradient out as products of recorded numbers: beside these, with the slope where the
# formula has one.
Products = Literal["affine", "softmax minus one-hot", "squared error", "slope"]
PRODUCTS: dict[str, Products] = {
    "linear": "affine",
    "cross_entropy": "softmax minus one-hot",
    "mse_loss": "squared error",
}


def data_of(steps: list[Step], classes: Sequence[str] | None, about: str, panel: str) -> dict[str, Any]:
    """All that the page's script reads."""
    room, training = MOST_NUMBERS // len(steps), max(STEPS_OF_TRAINING // len(steps), 1)
    batch = max((len(v.tensor) for v in steps[0].values if v.per_example), default=1)
    formulas = sum(1 + len(call.gradients) for step in steps for call in step.calls)
    examples = min(batch, max(MOST_WORKED_OUT // formulas, 1))
    return {
        "version": FORMAT,
        "classes": None if classes is None else [str(name) for name in classes],
        "about": about,
        "panel": panel,
        "batch": batch,
        "steps": [_step(step, room, examples, training) for step in steps],
    }


def _step(step: Step, room: int, examples: int, training: int) -> dict[str, Any]:
    sizes = [tensor.numel() for tensor in _embedded(step)]
    most = _largest_shown_whole(sizes, room)
    index = {id(value): i for i, value in enumerate(step.values)}
    learned = {id(parameter.value) for parameter in step.parameters}
    laboratory = _laboratory(step, training) if max(sizes) <= most else None
    worked_out = None if laboratory else examples  # a laboratory works out its own numbers
    return {
        "loss": _finite(step.loss),
        "lr": step.lr,
        "lrs": step.lrs,
        "losses": [_finite(value) for value in step.losses],
        "remarks": step.remarks[:MOST_REMARKS],
        "target": _target(step),
        "calls": [_call(call, index, most, worked_out) for call in step.calls],
        "values": [_value(step, value, most, id(value) in learned) for value in step.values],
        "laboratory": laboratory,
    }


def _laboratory(step: Step, count: int) -> dict[str, Any] | None:
    """What the page computes the step by, with PyTorch's losses of so many steps of training."""
    network = network_of(step)
    if network is None:
        return None
    return network | {"losses": [_finite(loss) for loss in losses_of_training(step, count)]}


def _embedded(step: Step) -> list[Tensor]:
    """Every tensor whose numbers the page holds."""
    values = [t for v in step.values for t in (v.tensor, v.gradient) if t is not None]
    shares = [g for call in step.calls for g in _shares(call).values()]
    slopes = [slope for call in step.calls if (slope := call.local_derivative()) is not None]
    return [*values, *shares, *slopes]


def _shares(call: Call) -> dict[int, Tensor]:
    """What came back through this use of an input, where that is not the whole gradient of it."""
    return {at: g for at, g in call.gradients.items() if len(call.inputs[at].uses) > 1}


def _target(step: Step) -> list[int] | None:
    """The classes that the loss was given, if it has classes."""
    for call in step.calls[-1:]:
        for value in call.inputs:
            if value.tensor.dim() == 1 and value.tensor.dtype == torch.int64:
                return value.tensor.tolist()
    return None


def _call(call: Call, index: dict[int, int], most: int, examples: int | None) -> dict[str, Any]:
    of_each = any(value.per_example for value in (*call.inputs, *call.outputs))
    slope = call.local_derivative()
    code = code_of(call)
    single = {at: g for at, g in call.gradients.items() if g.numel() == 1}
    return {
        "place": call.place,
        "operation": call.operation,
        "elementwise": call.formula.kind in ("activation", "elementwise"),
        "formula": call.line(),
        "code": _code(code.forward),
        "numbers": _of_examples(partial(forward_lines, call), examples, of_each),
        "inputs": [index[id(value)] for value in call.inputs],
        "outputs": [index[id(value)] for value in call.outputs],
        "products": _products(call),
        "slope": None if slope is None else _side(_slope_symbol(call), slope, most),
        "divisor": _divisor(call),
        "gradients": {at: _side("", g, most) for at, g in sorted((single | _shares(call)).items())},
        "backward": [
            {
                "input": index[id(call.inputs[at])],
                "formula": call.backward_line(at),
                "code": _code(code.backward.get(at, [])),
                "numbers": _of_examples(
                    partial(backward_lines, call, at), examples, call.inputs[at].per_example
                ),
                "norm": _finite(norm(gradient)),
                "ulps": _finite(call.ulps[at]) if at in call.ulps else None,
            }
            for at, gradient in sorted(call.gradients.items())
        ],
    }


def _code(lines: list[Line]) -> list[dict[str, str]]:
    """Lines of code, each with the shape of what it makes; of what is made on the way alone, its size too."""
    rows = []
    for line in lines:
        *before, last = line.text
        rows += [{"text": text, "made": ""} for text in before]
        rows.append({"text": last, "made": shape(line.tensor) + _size(line)})
    if len(rows) <= MOST_CODE:
        return rows
    half = MOST_CODE // 2
    gap = {"text": f"… {len(rows) - 2 * half} more …", "made": ""}
    return [*rows[:half], gap, *rows[len(rows) - half :]]


def _size(line: Line) -> str:
    tensor = line.tensor
    if line.recorded or tensor.is_meta or not tensor.is_floating_point():
        return ""
    return f" {short(tensor.item())}" if tensor.numel() == 1 else f" ‖{short(norm(tensor))}‖"


def _of_examples(
    lines: Callable[[int], list[str]], examples: int | None, of_each: bool
) -> dict[str, Any] | None:
    """The lines of the first examples, or those that are the same for each; None for a laboratory."""
    if examples is None:
        return None
    return {"ofEach": of_each, "lines": [lines(i) for i in range(examples if of_each else 1)]}


def _slope_symbol(call: Call) -> str:
    return f"∂{call.output.symbol}/∂{call.inputs[0].symbol}"


def _products(call: Call) -> Products | None:
    """How the page writes this operation's gradients out; None where it shows what came back."""
    rule = PRODUCTS.get(call.operation)
    if rule == "affine":
        return rule if call.output.tensor.dim() <= 2 else None  # else the rows are not the examples
    if rule == "softmax minus one-hot":
        return rule if is_plain(call) and call.inputs[0].tensor.dim() == 2 else None
    if rule == "squared error":
        return rule if losses.is_plain(call) else None
    return None if call.formula.slope is None else "slope"


def _divisor(call: Call) -> int:
    """What a loss divides by: a squared error has a term for each number, others one for each example."""
    first = call.inputs[0].tensor
    terms = first.numel() if call.operation == "mse_loss" else len(first) if first.dim() else 1
    return terms if reduction(call) == "mean" else 1


def _value(step: Step, value: Value, most: int, learned: bool) -> dict[str, Any]:
    tensor = value.tensor
    return {
        **_side(value.symbol, tensor, most),
        "name": value.name,
        "kind": value.kind,
        "learned": learned,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "perExample": value.per_example,
        "image": _side_of_image(value),
        "uses": [(step.calls.index(call), at) for call, at in value.places()],
        "gradient": None if value.gradient is None else _side(value.gradient_symbol, value.gradient, most),
    }


def _side_of_image(value: Value) -> int:
    """How many pixels an example has on a side; 0 where it is not a square image."""
    features = value.tensor.shape[-1] if value.tensor.dim() else 1
    side = math.isqrt(features)
    return side if value.kind == "input" and side * side == features and side >= SMALLEST_IMAGE else 0


def _side(symbol: str, tensor: Tensor, most: int) -> dict[str, Any]:
    """A tensor, or its gradient, as rows and columns, cut where it is too large."""
    rect = matrix(tensor)
    columns = min(rect.shape[1], most // max(min(len(rect), math.isqrt(most)), 1))
    rows = min(len(rect), max(most // max(columns, 1), 1))
    numbers = rect[:rows, :columns].float().cpu().contiguous().numpy()
    return {
        "symbol": symbol,
        "norm": _finite(norm(tensor)),
        "zeros": share_of_zeros(tensor),
        "rect": list(rect.shape),
        "shown": [rows, columns],
        "data": base64.b64encode(numbers.astype("<f4").tobytes()).decode(),
    }


def _largest_shown_whole(sizes: list[int], room: int) -> int:
    """The size of the largest tensor that is not cut, so that all together fit."""
    most = max(sizes, default=1)
    while sum(min(size, most) for size in sizes) > room and most > 1:
        most //= 2
    return most


def _finite(number: float) -> float | str:
    """JSON has no NaN and no infinity: those as JavaScript's `Number` reads them."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
