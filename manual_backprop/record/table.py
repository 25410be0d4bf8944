"""A step as text: forward on the way down, backward on the way up, then the update."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from textwrap import wrap

from torch import Tensor

from manual_backprop.record.call import Call, norm, share_of_zeros
from manual_backprop.record.code import Code, Line, code_of
from manual_backprop.record.step import Parameter, Step

NAME, PLACE = 44, 24  # characters of a parameter's name and of a place, at most
INDENT = "  "  # of code
MOST_CODE = 12  # lines of an operation
Block = list[list[str]]
"""A row with a formula, and the rows of its code."""


class _Code(str):
    """A cell that is wrapped where it is too long, and not cut."""


def table(step: Step, width: int, most: int | None) -> str:
    """The step in lines of at most `width` characters; of each list, `most` rows."""
    wide = width >= 120
    code = cache(code_of)  # of what is shown
    forward = [partial(_forward, i, call, wide, code) for i, call in enumerate(step.calls, 1)]
    backward = _backward(step, wide, code)
    heads = ["", "in", "forward ↓", "shape", "value", "zeros", "backward ↑", "zeros"]
    if not wide:
        heads.pop(1)
    heads_back = ["", "backward ↑", "shape", "value", *(["autograd's"] if wide else []), "ulp"]
    sums = _wrapped(_some_lines(_sums(step), most), width)
    lines = [
        f"L = {step.loss:.6g}, and {step.loss_after:.6g} after the step with η = {step.lr:g}",
        "",
        *_aligned([heads, *_some_blocks(forward, most)], width, give_way=2 if wide else 1),
        "",
        *_aligned([heads_back, *_some_blocks(backward, most)], width, give_way=1),
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


def _forward(number: int, call: Call, wide: bool, code: Callable[[Call], Code]) -> Block:
    out = call.output
    gradient = out.gradient
    row = [str(number), call.line(), shape(out.tensor), shown(out.tensor), f"{out.zeros:.0%}"]
    row += ["", ""] if gradient is None else [shown(gradient), f"{share_of_zeros(gradient):.0%}"]
    place = [_shortened(call.place, PLACE) or "–"] if wide else []
    return [[row[0], *place, *row[1:]], *_code(code(call).forward, len(place), 3)]


def _backward(step: Step, wide: bool, code: Callable[[Call], Code]) -> list[Callable[[], Block]]:
    def block(number: int, call: Call, at: int) -> Block:
        gradient = call.gradients[at]
        ulps = f"{call.ulps[at]:.2g}" if at in call.ulps else "built in"
        row = [str(number), call.backward_line(at), shape(gradient), shown(gradient)]
        built_in = _number(call.built_in[at], gradient.numel()) if at in call.built_in else ""
        row += [built_in, ulps] if wide else [ulps]
        return [row, *_code(code(call).backward.get(at, []), 0, len(row) - 4)]

    numbered = reversed([*enumerate(step.calls, 1)])
    return [partial(block, n, call, at) for n, call in numbered for at in sorted(call.gradients)]


def _code(lines: list[Line], before: int, behind: int) -> Block:
    """Rows of code, with shape and value of what is made on the way."""
    rows = []
    for line in lines:
        value = shown(line.tensor) if line.tensor.is_floating_point() and not line.tensor.is_meta else ""
        numbers = ["", ""] if line.recorded else [shape(line.tensor), value]
        *first, last = line.text
        rows += [["", *[""] * before, _Code(text), "", "", *[""] * behind] for text in first]
        rows.append(["", *[""] * before, _Code(last), *numbers, *[""] * behind])
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
    codes = [len(INDENT + row[give_way]) for row in rows if isinstance(row[give_way], _Code)]
    widths[give_way] = max([widths[give_way], *codes])
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    widths[give_way] -= max(excess, 0)
    text = range(give_way + 1)
    room = width - sum(widths[:give_way]) - 2 * give_way
    lines = [part for row in rows for part in _unwrapped(row, give_way, widths[give_way], room)]
    return [
        "  ".join(
            (cell if isinstance(cell, _Code) else _cut(cell, size)).ljust(size)
            if i in text
            else cell.rjust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in lines
    ]


def _unwrapped(row: Sequence[str], at: int, size: int, room: int) -> Iterator[Sequence[str]]:
    """A row; where the column is too small for its code, as several without columns."""
    code, numbers = row[at], row[at + 1 :]
    if not isinstance(code, _Code):
        yield row
    elif len(INDENT + code) <= size:
        yield [*row[:at], _Code(INDENT + code), *numbers]
    else:
        text = "  ".join([code, *filter(None, numbers)])
        for part in wrap(
            text, room, initial_indent=INDENT, subsequent_indent=3 * INDENT, break_on_hyphens=False
        ):
            yield [*row[:at], _Code(part)]


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


def _some_blocks(blocks: Sequence[Callable[[], Block]], most: int | None) -> Block:
    """The first and the last blocks, as many as have `most` rows, and how many there are between them."""
    if most is None:
        return [row for block in blocks for row in block()]
    head: list[Block] = []
    tail: list[Block] = []
    rows = 0
    while len(head) + len(tail) < len(blocks):
        following = blocks[len(head)] if len(head) <= len(tail) else blocks[-1 - len(tail)]
        formula, *code = following()
        block = [formula, *_some(code, MOST_CODE)]
        rows += len(block)
        if rows > most and head:
            break
        (head if len(head) <= len(tail) else tail).append(block)
    found = [row for block in head for row in block]
    left = len(blocks) - len(head) - len(tail)
    if left:
        found.append(["⋮", f"… {left} more …", *[""] * (len(found[0]) - 2)])
    return found + [row for block in reversed(tail) for row in block]


def _some_lines(lines: list[str], most: int | None) -> list[str]:
    if most is None or len(lines) <= most:
        return lines
    return [*lines[:most], f"… {len(lines) - most} more …"]


def _wrapped(lines: list[str], width: int) -> list[str]:
    return [part for line in lines for part in wrap(line, width, subsequent_indent="  ")]
