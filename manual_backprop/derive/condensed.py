"""Which lines of the elementary form each line of the short form condenses."""

from collections.abc import Iterator

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.script import Line, Script

ROUNDINGS = 1e-9  # relative to the largest entry, in float64
SMALLEST = 1e-3  # what is smaller may be the rounding of zero


def condensed(short: Script, long: Script) -> dict[Node, list[int]]:
    """The numbers of lines of the long script, counted from 1, by the node of each line of the short one.

    A line condenses the one that makes the same numbers, and what that is made of in the same calls of the
    forward's operations, as far as no line before it does. Of what is left, each goes to a line of its call,
    if there is one to one that has none yet.
    """
    numbers = {line.node: at for at, line in enumerate([*long.forward, *long.backward], 1)}
    found: dict[Node, set[Node]] = {}
    for mine, theirs in ((short.forward, long.forward), (short.backward, long.backward)):
        lines = {line.node: line for line in theirs}
        claimed: set[Node] = set()
        for line in mine:
            same = _same(line, lines, claimed)
            found[line.node] = set()
            if same is not None:
                made_of = _made_of(same, lines, calls_of(line, short), claimed, long)
                found[line.node] = {same, *made_of}
                claimed |= found[line.node]
        for left in (line for line in theirs if line.node not in claimed):
            calls = calls_of(left, long)
            able = [line for line in mine if calls & calls_of(line, short)]
            if able:
                nearest = min(
                    able, key=lambda x: _distance(x, left, calls - calls_of(x, short), found[x.node])
                )
                found[nearest.node].add(left.node)
    return {node: sorted(numbers[taken] for taken in lines) for node, lines in found.items()}


def _distance(mine: Line, theirs: Line, foreign: set[int], taken: set[Node]) -> tuple[bool, ...]:
    """How far a short line is from a long one: of other calls, with lines of its own, of another shape."""
    return bool(foreign), bool(taken), mine.node.shape != theirs.node.shape


def ranges(numbers: list[int]) -> str:
    """The numbers 3, 4, 5 and 8 as 3–5, 8."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}–{p[-1]}" for p in parts)


def calls_of(line: Line, script: Script) -> set[int]:
    """The numbers of the calls whose steps stand in a line."""
    return {node.call.number for node in _inside(line.node, script) if node.call is not None}


def _inside(node: Node, script: Script) -> Iterator[Node]:
    """A node and what is written in its line."""
    yield node
    for part in node.inputs:
        if part not in script.names and part.op not in ("input", "number", "constant", "upstream"):
            yield from _inside(part, script)


def _same(line: Line, lines: dict[Node, Line], claimed: set[Node]) -> Node | None:
    """The line with the same numbers, of several the one with the same name."""
    equal = [node for node in lines if node not in claimed and _is_equal(node.value, line.node.value)]
    return min(equal, key=lambda node: lines[node].name != line.name, default=None)


def _is_equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    scale = float(b.abs().nan_to_num(posinf=1.0).max()) if b.numel() else 0.0
    return torch.allclose(a, b, rtol=ROUNDINGS, atol=ROUNDINGS * max(scale, SMALLEST), equal_nan=True)


def _made_of(
    node: Node, lines: dict[Node, Line], calls: set[int], claimed: set[Node], script: Script
) -> set[Node]:
    found: set[Node] = set()
    waiting = [*lines[node].uses]
    while waiting:
        part = waiting.pop()
        if part not in lines or part in claimed or part in found:
            continue
        if calls_of(lines[part], script) <= calls:
            found.add(part)
            waiting += lines[part].uses
    return found
