"""A derivation as text: a line for each step, with its shape and its formula beside it."""

import unicodedata

from manual_backprop.derive.rows import Row, Shown

WIDTH = 100
INDENT = "    "
LONGEST = 46  # of the column of code; what is longer has its shape and formula below


def printed(shown: Shown, proof: str) -> str:
    """The text.

    Args:
        shown: the lines.
        proof: the last line.
    """
    rows = [*shown.forward, *shown.backward]
    widths = [len(text) for row in rows for text in row.code]
    code = max((n for n in widths if n <= LONGEST), default=0)
    shape = max((len(_shape(row)) for row in rows), default=0)
    lines = ["forward", *_section(shown.forward, code, shape), ""]
    lines += [f"backward, {_upstream(shown)}", *_section(shown.backward, code, shape), ""]
    if any(row.condenses for row in rows):
        lines.append('← n: the lines of depth="elementary" that a line condenses.')
    return "\n".join([*lines, proof])


def _upstream(shown: Shown) -> str:
    letters = [f"{letter} is {meaning}" for letter, meaning in shown.meanings.items()]
    start = " and ".join(f"{name} = {gradient}" for name, gradient in shown.upstreams)
    if shown.is_loss:
        gradient = shown.upstreams[0][1]
        start, letters = f"{gradient} = 1", [f"{shown.loss} is {shown.output}", *letters]
    return f"from {start} ({', '.join(letters)})" if letters else f"from {start}"


def _shape(row: Row) -> str:
    return "()" if not row.shape else f"({row.shape[0]},)" if len(row.shape) == 1 else str(row.shape)


def _section(rows: list[Row], code: int, shape: int) -> list[str]:
    count = max((len(str(row.number)) for row in rows if row.number is not None), default=0)
    return [text for row in rows for text in _lines(row, code, shape, count)]


def _lines(row: Row, code: int, shape: int, count: int) -> list[str]:
    margin = INDENT + (f"{row.number or '':>{count}}  " if count else "")
    blank = " " * len(margin)
    formula = f"{row.left} = {row.right}"
    first, *rest = row.code
    column = len(blank) + code + 2 + shape + 2
    mark = f"← {row.condenses}" if row.condenses else ""
    room = WIDTH - (len(mark) + 2 if mark else 0)
    beside = len(first) <= code and column + _width(formula) <= room
    lines = _wrapped(f"{margin}{first:<{code}}  {_shape(row):<{shape}}", blank)
    if beside:
        lines[-1] = f"{margin}{first:<{code}}  {_shape(row):<{shape}}  {formula}"
    lines += [part for text in rest for part in _wrapped(blank + text, blank)]
    if not beside:
        lines += _wrapped(blank + INDENT + formula, blank + INDENT)
        column = len(blank + INDENT)
    if row.reason:
        start = column if column + len(row.reason) + 2 <= WIDTH else len(blank + INDENT)
        lines += _wrapped(f"{' ' * start}# {row.reason}", " " * start)
    lines = [text.rstrip() for text in lines]
    if mark:
        at = next((i for i, text in enumerate(lines) if _width(text) <= room), len(lines))
        lines[at:] = lines[at:] or [""]
        lines[at] += " " * (WIDTH - _width(lines[at]) - len(mark)) + mark
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    """A text in lines that are short enough, parted where there is a space."""
    if _width(text.rstrip()) <= WIDTH:
        return [text]
    start = len(text) - len(text.lstrip())
    lines = [text[:start]]
    for word in text[start:].rstrip().split(" "):
        if _width(lines[-1] + word) > WIDTH and lines[-1].strip():
            lines.append(indent + INDENT)
        lines[-1] += word + " "
    return lines


def _width(text: str) -> int:
    return sum(not unicodedata.combining(c) for c in text)
