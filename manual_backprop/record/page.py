"""A recording as one HTML file that needs no server and no network.

Drawn with the browser's own canvas and SVG: what is shown are a few tensors as images and the edges between
them, for which a library would weigh more than the drawing. The data are embedded as JSON, the numbers as
base64 of float32; what is too large for the page is cut to its first rows and columns, and says so.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from math import isqrt
from typing import Any

import torch
from torch import Tensor

from manual_backprop.record.call import Value, matrix, norm, share_of_zeros
from manual_backprop.record.step import Step

FORMAT = 1
MOST_REMARKS = 50
MOST_NUMBERS = 480_000  # in a page: 2.6 MB of base64


def page(steps: list[Step], classes: Sequence[str] | None) -> str:
    """The page, whole."""
    room = MOST_NUMBERS // len(steps)
    data = {
        "version": FORMAT,
        "classes": None if classes is None else [str(name) for name in classes],
        "batch": max((len(v.tensor) for v in steps[0].values if v.per_example), default=1),
        "steps": [_step(step, room) for step in steps],
    }
    # In JSON "<" stands in strings only; written so, no name in the data can end the script or open one.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    # A name may hold half a surrogate pair, which UTF-8 cannot write: it is escaped, in JSON's own way.
    text = text.encode("utf-8", "backslashreplace").decode()
    template, style, script = (
        files(__package__).joinpath(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    parts = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    for name, part in parts.items():
        template = template.replace("{{" + name + "}}", part)
    return template.replace("{{data}}", text)  # last, so that nothing in it is taken for a place to fill


def _hash(text: str) -> str:
    """As a content-security policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _step(step: Step, room: int) -> dict[str, Any]:
    sides = [t for v in step.values for t in (v.tensor, v.gradient) if t is not None]
    sides += [g for c in step.calls for at, g in c.gradients.items() if len(c.inputs[at].uses) > 1]
    most = _share([t.numel() for t in sides], room)
    index = {id(value): i for i, value in enumerate(step.values)}
    learned = {id(parameter.value) for parameter in step.parameters}
    calls = []
    for call in step.calls:
        reduction = next((a for a in call.arguments if a in ("mean", "sum", "none")), "mean")
        calls.append(
            {
                "place": call.place,
                "operation": call.operation,
                "formula": call.line(),
                "inputs": [index[id(value)] for value in call.inputs],
                "outputs": [index[id(value)] for value in call.outputs],
                "plain": _is_plain(call.arguments, reduction),
                "divisor": len(call.inputs[0].tensor)
                if reduction == "mean" and call.inputs[0].tensor.dim()
                else 1,
                "gradients": {
                    at: _side("", g, most)
                    for at, g in call.gradients.items()
                    if g.numel() == 1 or len(call.inputs[at].uses) > 1
                },
                "backward": [
                    {
                        "input": index[id(call.inputs[at])],
                        "formula": call.backward_line(at),
                        "norm": _finite(norm(gradient)),
                        "ulps": _finite(call.ulps[at]) if at in call.ulps else None,
                    }
                    for at, gradient in sorted(call.gradients.items())
                ],
            }
        )
    targets = [  # of the loss, where it has classes
        v.tensor.tolist()
        for call in step.calls[-1:]
        for v in call.inputs
        if v.tensor.dim() == 1 and v.tensor.dtype == torch.int64
    ]
    return {
        "loss": _finite(step.loss),
        "lr": step.lr,
        "lrs": step.lrs,
        "losses": [_finite(value) for value in step.losses],
        "remarks": step.remarks[:MOST_REMARKS],
        "target": targets[0] if targets else None,
        "calls": calls,
        "values": [_value(step, value, most, id(value) in learned) for value in step.values],
    }


def _is_plain(arguments: tuple[Any, ...], reduction: str) -> bool:
    """Whether a cross-entropy has no weights, smoothing or ignored classes: then δ is (p − t)/N."""
    if len(arguments) < 2 or reduction == "none" or not isinstance(arguments[1], Value):
        return False
    z, target, rest = arguments[0], arguments[1], arguments[2:]
    if any(isinstance(a, Value) for a in rest):
        return False
    smoothed = any(isinstance(a, float) and a != 0 for a in rest)
    y = target.tensor
    return (
        not smoothed
        and y.dim() == 1
        and not y.is_floating_point()
        and z.tensor.dim() == 2
        and bool((y >= 0).all())
    )


def _value(step: Step, value: Value, most: int, learned: bool) -> dict[str, Any]:
    tensor = value.tensor
    features = tensor.shape[-1] if tensor.dim() else 1
    side = isqrt(features)
    return {
        **_side(value.symbol, tensor, most),
        "name": value.name,
        "kind": value.kind,
        "learned": learned,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "perExample": value.per_example,
        "image": side if value.kind == "input" and side * side == features and side > 4 else 0,
        "uses": [(step.calls.index(call), at) for call, at in value.places()],
        "gradient": None if value.gradient is None else _side(value.gradient_symbol, value.gradient, most),
    }


def _side(symbol: str, tensor: Tensor, most: int) -> dict[str, Any]:
    """A tensor, as rows and columns, cut where it is too large."""
    rect = matrix(tensor)
    columns = min(rect.shape[1], most // max(min(len(rect), isqrt(most)), 1))
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


def _share(sizes: list[int], room: int) -> int:
    """The largest tensor that is shown whole, so that all together fit."""
    most = max(sizes, default=1)
    while sum(min(size, most) for size in sizes) > room and most > 1:
        most //= 2
    return most


def _finite(number: float) -> float | str:
    """JSON has no NaN and no infinity: those as text."""
    return number if abs(number) <= 1e308 else str(number)
