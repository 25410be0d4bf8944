"""A derivation for notes: as LaTeX, and as Markdown with its formulas as mathematics."""

from manual_backprop.derive.rows import Row, Shown
from manual_backprop.derive.writing.latex import SPECIAL, aligned


def latex(shown: Shown) -> str:
    """The formulas, below each other: the forward, then the backward."""
    backward = [*_upstreams(shown), *((row.left, row.right) for row in shown.backward)]
    return aligned([[(row.left, row.right) for row in shown.forward], backward], "align*")


def markdown(shown: Shown, proof: str) -> str:
    """Two tables: each step as code, its shape, as mathematics, and why it is so."""
    lines = ["**Forward**", "", *_table(shown.forward), ""]
    start = "**Backward**, from " + " and ".join(f"${left} = {right}$" for left, right in _upstreams(shown))
    start += "".join(f", where ${letter} = {meaning}$" for letter, meaning in shown.meanings.items())
    lines += [start, "", *_table(shown.backward), ""]
    return "\n".join([*lines, proof, ""])


def _upstreams(shown: Shown) -> list[tuple[str, str]]:
    """∂L/∂ of each output, and what it is."""
    return [
        (gradient, name if name == "1" else rf"\mathtt{{{name.translate(SPECIAL)}}}")
        for name, gradient in shown.upstreams
    ]


def _table(rows: list[Row]) -> list[str]:
    reasons = any(row.reason for row in rows)
    numbers = any(row.number is not None for row in rows)
    marks = any(row.condenses for row in rows)
    heads = [("", numbers), ("code", True), ("shape", True), ("formula", True)]
    heads += [("because", reasons), ("elementary lines", marks)]
    lines = [_line([head for head, there in heads if there]), _line(["---" for _, there in heads if there])]
    for row in rows:
        cells = [
            ("" if row.number is None else str(row.number), numbers),
            ("<br>".join(f"`{_cell(text)}`" for text in row.code), True),
            (f"{row.shape}", True),
            (f"${_cell(row.left)} = {_cell(row.right)}$", True),
            (_cell(row.reason), reasons),
            (row.condenses, marks),
        ]
        lines.append(_line([cell for cell, there in cells if there]))
    return lines


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Without what would end a cell."""
    return text.replace("|", r"\|")
