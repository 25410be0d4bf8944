"""Steps that can be run again, with other values of some of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.functional.operation.torch_state import tree_map

Values = dict[Node, Any]


class Graph:
    """Steps in an order in which each comes after what it is made of."""

    def __init__(self, order: Sequence[Node]) -> None:
        self.order = order
        self.runs: dict[Node, Callable[[Values], Any]] = {}

    def values_from(self, given: Mapping[Node, Any]) -> Values:
        """Every step's value."""
        values: Values = dict(given)
        with torch.no_grad():
            for node in self.order:
                if node not in values:
                    values[node] = self.run(node, values)
        return values

    def run(self, node: Node, values: Values) -> Any:
        """A step's value from the values of what it is made of."""
        if node not in self.runs:
            self.runs[node] = _runner(node)
        return self.runs[node](values)

    def with_changes(self, changes: Mapping[Node, Any], values: Values) -> Values:
        """The values, some steps having others: what follows from them is computed anew."""
        changed = Overlay(values)
        changed.update(changes)
        for node in self.order:
            if node not in changes and any(part in changed.own for part in node.inputs):
                changed[node] = self.run(node, changed)
        return changed


class Overlay(dict[Node, Any]):
    """Values over others, which stay as they are."""

    def __init__(self, below: Values) -> None:
        super().__init__()
        self.below = below

    def __missing__(self, node: Node) -> Any:
        return self.below[node]

    @property
    def own(self) -> Mapping[Node, Any]:
        """Those that are not of the ones below."""
        return self


def _runner(node: Node) -> Callable[[Values], Any]:
    target = node.target
    if target is None:
        return lambda values: node.value
    if not node.kwargs and not any(isinstance(a, tuple | list | dict) for a in node.args):
        args = node.args
        return lambda values: target(*[values[a] if isinstance(a, Node) else a for a in args])

    def run(values: Values) -> Any:
        args, kwargs = tree_map(lambda a: values[a] if isinstance(a, Node) else a, (node.args, node.kwargs))
        return target(*args, **kwargs)

    return run


def tensors_in(values: Values, nodes: Sequence[Node]) -> Iterator[tuple[Node, Tensor]]:
    """The nodes that hold real numbers, with these."""
    for node in nodes:
        value = values[node]
        if isinstance(value, Tensor) and value.is_floating_point():
            yield node, value
