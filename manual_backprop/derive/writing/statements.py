"""A step as lines of Python."""

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import Expressions
from manual_backprop.derive.writing.layout import WIDTH

VIEWS = ("T", "unsqueeze", "reshape", "expand", "permute", "movedim", "getitem", "part", "stop_gradient")
"""Primitives whose result may share its numbers with what it is made of."""


def statements(writer: Expressions, node: Node, name: str) -> list[str]:
    """The lines of code that make a node."""
    write = writer.statements().get(node.op)
    if write is not None:
        return write(writer, name, *node.args, **writer.said(node))
    if node.op == "total":
        return _total(writer, node, name)
    return [f"{name} = {writer.expression(node)[0]}"]


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
