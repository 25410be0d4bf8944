"""A step as lines of Python."""

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import Expressions
from manual_backprop.derive.writing.grammar import VIEWS
from manual_backprop.derive.writing.layout import WIDTH


def statements(writer: Expressions, node: Node, name: str) -> list[str]:
    """The lines of code that make a node."""
    write = writer.statements().get(node.op)
    if write is not None:
        return write(writer, name, *node.args, **writer.said(node))
    if node.op == "total":
        placed = [n for n in node.args if n not in writer.names and n.op in writer.statements()]
        return _placed(writer, node, name, placed) if placed else _total(writer, node, name)
    return [f"{name} = {writer.expression(node)[0]}"]


def _placed(writer: Expressions, node: Node, name: str, placed: list[Node]) -> list[str]:
    """A sum of which some parts have a place each in the whole: what they have is added there."""
    whole = [n for n in node.args if n not in placed and n.shape == node.shape]
    rest = [n for n in node.args if n not in placed and n not in whole]
    if not whole:
        code = [f"{name} = {writer.text(placed[0].args[0])}"]
    elif len(whole) == 1:
        code = [f"{name} = {writer.fresh(whole[0])}"]
    else:
        code = [f"{name} = {writer.expression(Node('total', tuple(whole), value=node.value))[0]}"]
    for part in rest:
        sign, text = writer.signed(part)
        code.append(f"{name} {sign}= {text}")
    for part in placed:
        for line in _without_start(writer, part, name):
            code.append(line if len(code) == 1 and not whole else _added(line))
    return code


def _without_start(writer: Expressions, part: Node, name: str) -> list[str]:
    """The lines that put numbers into zeros; what the zeros alone are made of is not used."""
    before = writer.used
    writer.used = {}
    for node in part.inputs[1:]:
        writer.text(node)
    needed = {**before, **writer.used}
    lines = writer.statements()[part.op](writer, name, *part.args, **writer.said(part))[1:]
    writer.used = needed
    return lines


def _added(line: str) -> str:
    """`dx[0] = g` as `dx[0] += g`; what adds already stays."""
    place, assigned, value = line.partition("] = ")
    if not assigned:
        return line
    return (
        f"{place}] -= {value[1:]}" if value.startswith("-") and " + " not in value else f"{place}] += {value}"
    )


def _total(writer: Expressions, node: Node, name: str) -> list[str]:
    """A sum in one line; or a line for each part, added to a first one that is nobody else's."""
    whole = f"{name} = {writer.expression(node)[0]}"
    first, *rest = writer.parts(node)
    shared = first in writer.names or first.op in VIEWS or first.shape != node.shape
    if len(whole) <= WIDTH - 20 or shared:
        return [whole]
    code = [f"{name} = {writer.text(first)}"]
    for part in rest:
        sign, text = writer.signed(part)
        code.append(f"{name} {sign}= {text}")
    return code
