"""The names that the code gives to what it makes."""

from collections.abc import Sequence
from typing import Any

from manual_backprop.derive.code_names import Seen
from manual_backprop.derive.program import Node


class GivenNames:
    """Names nodes as they are made, and takes back the names of what was only on the way.

    Attributes:
        latest: the last node of each evaluation of an expression, whose frames are kept apart.
    """

    def __init__(self) -> None:
        self.latest: dict[Any, tuple[Any, Node]] = {}

    def give(self, seen: Seen, nodes: Sequence[Node]) -> None:
        """The names that the code gives; what an earlier step of the same expression was called is free."""
        frame, at, inner = seen.evaluation or (None, 0, None)
        key = (id(frame), at, id(inner))
        earlier = self.latest.get(key) if inner is not None else None
        if earlier is not None:
            _, node = earlier
            if node not in nodes and node.op not in ("input", "constant"):
                node.name, node.given = "", False
        if len(seen.ours) == len(nodes):
            for name, node in zip(seen.ours, nodes, strict=True):
                if not node.given and node.op not in ("input", "constant"):
                    node.name = name
            self.latest.pop(key, None)
            return
        names = seen.names if len(seen.names) in (1, len(nodes)) else ()
        if len(names) == 1 and len(nodes) > 1:
            names = names * len(nodes)
        for name, node in zip(names, nodes, strict=False):
            if name and name != "_" and node.op not in ("input", "constant") and not node.given:
                node.name, node.given = name, True
        if nodes and seen.evaluation is not None:
            self.latest[key] = seen.evaluation, nodes[-1]
