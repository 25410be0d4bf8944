"""Softmax, log-softmax and the cross-entropy of a class: all numbers of a row are in the formula."""

import torch
from torch import Tensor

from manual_backprop.record.call import Call, Value
from manual_backprop.record.numbers.places import Place, indexed
from manual_backprop.record.numbers.writing import Written, inside, product, short, summed

ROW = 12  # numbers of a row that are all written out
SOFTMAX = ("softmax", "log_softmax")


def forward(call: Call, place: Place) -> list[Written] | None:
    """exp z / Σ exp z, or z − log Σ exp z."""
    if call.operation in SOFTMAX and place:
        row, at = _row(call, call.inputs[0].tensor, place)
        return [_softmax(row, at) if call.operation == "softmax" else _log_softmax(row, at)]
    return None


def backward(call: Call, at: int, place: Place) -> list[Written] | None:
    """p (g − Σ g p), g − p Σ g or (p − t) g/N."""
    upstream = call.output.gradient
    if upstream is None:
        return None
    if call.operation in SOFTMAX and place:
        out, here = _row(call, call.output.tensor, place)
        g, _ = _row(call, upstream, place)
        return [
            _softmax_back(out, g, here) if call.operation == "softmax" else _log_softmax_back(out, g, here)
        ]
    return _cross_entropy_back(call, place) if call.operation == "cross_entropy" and at == 0 else None


def is_plain(call: Call) -> bool:
    """Whether a cross-entropy has no weights, smoothing or ignored classes: then δ is (p − t)/N."""
    arguments = call.arguments
    if len(arguments) < 2 or reduction(call) == "none" or not isinstance(arguments[1], Value):
        return False
    logits, target, options = arguments[0].tensor, arguments[1].tensor, arguments[2:]
    weighted = any(isinstance(option, Value) for option in options)
    smoothed = any(isinstance(option, float) and option != 0 for option in options)
    if target.is_floating_point() or not target.numel():
        return False
    ignored = [option for option in options if isinstance(option, int) and not isinstance(option, bool)]
    classes = bool((target >= 0).all()) and not any(bool((target == each).any()) for each in ignored)
    return classes and logits.dim() == target.dim() + 1 and not weighted and not smoothed


def reduction(call: Call) -> str:
    """Of a loss."""
    return next((a for a in call.arguments if a in ("mean", "sum", "none", "batchmean")), "mean")


def _row(call: Call, tensor: Tensor, place: Place) -> tuple[Tensor, int]:
    """The numbers along the operation's dimension through a place, and which of them it is."""
    dim = int(call.arguments[1]) % tensor.dim()
    moved = tensor.detach().double().movedim(dim, -1)
    return moved[(*place[:dim], *place[dim + 1 :])], place[dim]


def _exponentials(row: Tensor) -> Written:
    """Σ exp z; a number of −∞, which a mask writes, adds nothing."""
    row = row[row != -torch.inf]
    return summed(row.exp(), lambda i: f"exp({short(float(row[i]))})", whole=ROW)


def _softmax(row: Tensor, at: int) -> Written:
    below = _exponentials(row)
    return Written(f"exp({short(float(row[at]))}) / ({below.text})", float(row.softmax(0)[at]))


def _log_softmax(row: Tensor, at: int) -> Written:
    below = _exponentials(row)
    return Written(f"{short(float(row[at]))} − log({below.text})", float(row.log_softmax(0)[at]))


def _softmax_back(out: Tensor, g: Tensor, at: int) -> Written:
    parts = summed(g * out, lambda i: product(float(g[i]), float(out[i])), whole=ROW)
    value = float(out[at]) * (float(g[at]) - parts.value)
    return Written(f"{short(float(out[at]))} · ({short(float(g[at]))} − ({parts.text}))", value)


def _log_softmax_back(out: Tensor, g: Tensor, at: int) -> Written:
    parts = summed(g, lambda i: short(float(g[i])), whole=ROW)
    value = float(g[at]) - float(out[at].exp()) * parts.value
    return Written(f"{short(float(g[at]))} − exp({short(float(out[at]))}) · ({parts.text})", value)


def _examples(call: Call) -> tuple[Tensor, Tensor]:
    """Logits as rows (N, C), and their classes (N,)."""
    logits, target = (value.tensor.detach() for value in call.inputs[:2])
    if logits.dim() == 1:
        logits = logits[None]
    rows = logits.double().movedim(1, -1)
    return rows.reshape(-1, rows.shape[-1]), target.reshape(-1).long()


def cross_entropy(call: Call, example: int) -> list[Written] | None:
    """The loss of an example, in which all numbers of its row stand; then the mean over the rows."""
    if not is_plain(call):
        return None
    rows, target = _examples(call)
    each = rows.logsumexp(1) - rows.gather(1, target[:, None]).squeeze(1)
    row = min(example * (len(rows) // len(call.inputs[0].tensor)), len(rows) - 1) if len(rows) > 1 else 0
    z, y = rows[row], int(target[row])
    of_row = f"−{inside(float(z[y]))} + log({_exponentials(z).text})"
    if len(rows) == 1:
        return [Written(of_row, float(each[0]))]
    losses = summed(each, lambda i: short(float(each[i])))
    of_all = losses
    if reduction(call) == "mean":
        of_all = Written(f"({losses.text}) / {len(rows)}", losses.value / len(rows))
    return [Written(of_row, float(each[row]), f"ℓ[{row}]"), of_all]


def _cross_entropy_back(call: Call, place: Place) -> list[Written] | None:
    if not is_plain(call):
        return None
    rows, target = _examples(call)
    shape = call.inputs[0].tensor.shape
    row, column = 0, place[-1]
    if len(shape) > 1:  # (N, C) or (N, C, …)
        others = [size for dim, size in enumerate(shape) if dim != 1]
        column = place[1]
        for i, size in zip((place[0], *place[2:]), others, strict=True):
            row = row * size + i
    z, t = rows[row], float(target[row] == column)
    p = _softmax(z, column)
    upstream = call.output.gradient
    g = float(upstream) if upstream is not None else 1.0
    count = len(rows) if reduction(call) == "mean" else 1
    per_example = f" / {count}" if count > 1 else ""
    text = f"({short(p.value)} − {short(t)}) · {inside(g)}{per_example}"
    symbol = indexed(f"softmax({call.inputs[0].symbol})", place)
    return [p._replace(left=symbol), Written(text, (p.value - t) * g / count)]
