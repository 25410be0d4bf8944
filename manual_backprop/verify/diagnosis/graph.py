"""Steps that can be run again, with other values of some of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Node, in_order

Values = dict[Node, Any]


class Graph:
    """Steps in an order in which each comes after what it is made of.

    Attributes:
        order: the steps.
        place: of each step in the order.
        work: how many steps have been computed anew.
    """

    def __init__(self, order: Sequence[Node]) -> None:
        self.order = order
        self.place = {node: i for i, node in enumerate(order)}
        self.work = 0
        self._runs: dict[Node, Callable[[Values], Any]] = {}
        self._users: dict[Node, list[Node]] = {}
        self._inputs = {node: tuple(dict.fromkeys(node.inputs)) for node in order}
        for node in order:
            for part in self._inputs[node]:
                self._users.setdefault(part, []).append(node)
        self._ways: dict[tuple[Node, ...], list[Node]] = {}
        self._before: dict[Node, set[Node]] = {}

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
        if node not in self._runs:
            self._runs[node] = _runner(node)
        return self._runs[node](values)

    def with_changes(self, instead: Mapping[Node, Callable[..., Any]], values: Values, last: Node) -> Any:
        """The last step's value, some steps being others, each made of what is there at its turn."""
        changed = Overlay(values)
        way = self._way(tuple(instead), last)
        self.work += len(way)
        for node in way:
            if node not in instead:
                changed[node] = self.run(node, changed)
                continue
            if any(part in changed.own for part in self._inputs[node]):
                changed[node] = self.run(node, changed)
            changed[node] = instead[node](changed)
        return changed[last]

    def _way(self, changed: tuple[Node, ...], last: Node) -> list[Node]:
        """Those that are changed, and the steps from them to the last one, in order."""
        key = (*changed, last)
        if key not in self._ways:
            if last not in self._before:
                self._before[last] = set(in_order([last]))
            before = self._before[last]
            reached: set[Node] = set(changed) & before
            waiting = list(reached)
            while waiting:
                for user in self._users.get(waiting.pop(), ()):
                    if user in before and user not in reached:
                        reached.add(user)
                        waiting.append(user)
            self._ways[key] = sorted(reached, key=lambda n: self.place[n])
        return self._ways[key]


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
        return target(*filled(node.args, values), **filled(node.kwargs, values))

    return run


def filled(value: Any, values: Values) -> Any:
    """Arguments with the values of nodes in their places."""
    if isinstance(value, Node):
        return values[value]
    if isinstance(value, dict):
        return {key: filled(part, values) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [filled(part, values) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def tensors_in(values: Values, nodes: Sequence[Node]) -> Iterator[tuple[Node, Tensor]]:
    """The nodes that hold real numbers, with these."""
    for node in nodes:
        value = values[node]
        if is_real_tensor(value):
            yield node, value


def is_real_tensor(value: Any) -> bool:
    """Whether it is a tensor of real numbers, each in its place in memory."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.layout is torch.strided
