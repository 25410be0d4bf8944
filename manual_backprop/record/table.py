"""A step as text: forward on the way down, backward on the way up, then the update."""

from collections.abc import Sequence
from textwrap import wrap

from torch import Tensor

from manual_backprop.record.call import Call, norm, share_of_zeros
from manual_backprop.record.step import Parameter, Step

NAME, PLACE = 44, 24  # characters of a parameter's name and of a place, at most


def table(step: Step, width: int, most: int | None) -> str:
    """The step in lines of at most `width` characters; of each list, `most` lines."""
    wide = width >= 120
    rows = [_row(i, call, wide) for i, call in enumerate(step.calls, 1)]
    heads = ["", "in", "forward ↓", "shape", "value", "zeros", "backward ↑", "zeros"]
    if not wide:
        heads.pop(1)
    heads_back = ["", "backward ↑", "shape", "value", *(["autograd's"] if wide else []), "ulp"]
    sums = _wrapped(_some_lines(_sums(step), most), width)
    lines = [
        f"L = {step.loss:.6g}, and {step.loss_after:.6g} after the step with η = {step.lr:g}",
        "",
        *_aligned([heads, *_some(rows, most)], width, give_way=2 if wide else 1),
        "",
        *_aligned([heads_back, *_some(_gradients(step, wide), most)], width, give_way=1),
        *(["", *sums] if sums else []),
        *_order(step),
    ]
    if step.parameters:
        heads = ["parameter", "shape", "w", "∂L/∂w", "−η ∂L/∂w", "update/w", "ulp"]
        lines += [
            "",
            *_aligned([heads, *_some([_parameter(p) for p in step.parameters], most)], width, give_way=0),
        ]
    remarks = _some_lines([f"! {line}" for line in step.remarks], most)
    return "\n".join([*lines, *([""] if remarks else []), *_wrapped(remarks, width)])


def _row(number: int, call: Call, wide: bool) -> list[str]:
    out = call.output
    gradient = out.gradient
    row = [str(number), call.line(), shape(out.tensor), shown(out.tensor), f"{out.zeros:.0%}"]
    row += ["", ""] if gradient is None else [shown(gradient), f"{share_of_zeros(gradient):.0%}"]
    return [row[0], _shortened(call.place, PLACE) or "–", *row[1:]] if wide else row


def _gradients(step: Step, wide: bool) -> list[list[str]]:
    rows = []
    for number in range(len(step.calls), 0, -1):
        call = step.calls[number - 1]
        for at, gradient in sorted(call.gradients.items()):
            ulps = f"{call.ulps[at]:.2g}" if at in call.ulps else "built in"
            row = [str(number), call.backward_line(at), shape(gradient), shown(gradient)]
            autograds = (
                [_number(call.built_in[at], gradient.numel()) if at in call.built_in else ""] if wide else []
            )
            rows.append([*row, *autograds, ulps])
    return rows


def _sums(step: Step) -> list[str]:
    """Where a tensor is used more than once, its gradient is a sum."""
    lines = []
    numbers = {call: number for number, call in enumerate(step.calls, 1)}
    for value in step.values:
        parts = [(numbers[call], call.gradients[at]) for call, at in value.places() if at in call.gradients]
        if len(parts) > 1 and value.gradient is not None:
            symbol, total = value.gradient_symbol, shown(value.gradient)
            terms = [f"{shown(gradient)} (from {number})" for number, gradient in parts]
            if value.gradient.numel() == 1:
                lines.append(f"{symbol} = {' + '.join(terms)} = {total}: used {len(parts)} times")
            else:  # norms do not add up
                lines.append(f"{symbol}: {total}, of {', '.join(terms)}: used {len(parts)} times")
    return lines


def _order(step: Step) -> list[str]:
    return [
        f"{name}: {shown(early)} instead, if each operation were visited as soon as one gradient reached it"
        for name, early in step.early.items()
    ]


def _parameter(parameter: Parameter) -> list[str]:
    value, gradient = parameter.value, parameter.gradient
    w, update = value.norm, norm(parameter.update)
    name = value.symbol if value.name in ("", value.symbol) else f"{value.symbol} {value.name}"
    ratio = f"{update / w:.1e}" if w else "–"
    ulps = "built in" if parameter.ulps is None else f"{parameter.ulps:.2g}"
    numbers = [shown(t) for t in (value.tensor, gradient, parameter.update)]
    return [_shortened(name, NAME), shape(value.tensor), *numbers, ratio, ulps]


def shape(tensor: Tensor) -> str:
    """(64, 10), without spaces."""
    return "(" + ",".join(map(str, tensor.shape)) + ")"


def shown(tensor: Tensor) -> str:
    """The number itself, or the norm of many."""
    return _number(tensor.item() if tensor.numel() == 1 else norm(tensor), tensor.numel())


def _number(size: float, count: int) -> str:
    """A number, or what is the norm of so many."""
    return f"{size:.5g}" if count == 1 else f"‖{size:.3g}‖"


def _aligned(rows: Sequence[Sequence[str]], width: int, give_way: int) -> list[str]:
    """Columns side by side; the column `give_way` is shortened, with …, where the line would be too long."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    widths[give_way] -= max(excess, 0)
    text = range(give_way + 1)
    return [
        "  ".join(
            _cut(cell, size).ljust(size) if i in text else cell.rjust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cut(cell: str, size: int) -> str:
    return cell if len(cell) <= size else cell[: size - 1] + "…"


def _shortened(name: str, size: int) -> str:
    """A long name without its middle."""
    head = size // 3
    return name if len(name) <= size else f"{name[:head]}…{name[len(name) - size + head + 1 :]}"


def _some(rows: list[list[str]], most: int | None) -> list[list[str]]:
    """The first and the last, and between them how many more there are."""
    if most is None or len(rows) <= most:
        return rows
    head, tail = most - most // 2, most // 2
    gap = ["⋮", f"… {len(rows) - most} more …", *[""] * (len(rows[0]) - 2)]
    return [*rows[:head], gap, *rows[len(rows) - tail :]]


def _some_lines(lines: list[str], most: int | None) -> list[str]:
    if most is None or len(lines) <= most:
        return lines
    return [*lines[:most], f"… {len(lines) - most} more …"]


def _wrapped(lines: list[str], width: int) -> list[str]:
    return [part for line in lines for part in wrap(line, width, subsequent_indent="  ")]
