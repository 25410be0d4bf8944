"""What a backward graph is made of, and where in the model each node comes from."""

import sys
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, Node

PLACE = "manual_backprop: where it was called"
ACCUMULATE = "torch::autograd::AccumulateGrad"  # what adds up a leaf's gradient, and no operation


@dataclass
class Coverage:
    """What the last backward graph is made of.

    Attributes:
        hand_written: how many nodes of the backward graph each hand-written operation has.
        built_in: how many each backward of PyTorch's own has, with the place in the model that it came from.
    """

    hand_written: Counter[str] = field(default_factory=Counter)
    built_in: Counter[tuple[str, str]] = field(default_factory=Counter)

    def walk(self, *roots: Tensor | GradientEdge, until: Collection[Tensor | GradientEdge] = ()) -> None:
        """Walk the graph from these tensors, usually a loss, to the leaves; `backward` does it itself.

        Args:
            roots: where the walk begins, a tensor or an edge of the graph.
            until: where it ends: what is behind these is left out.
        """
        self.hand_written.clear()
        self.built_in.clear()
        ends = {_node_of(edge) for edge in until}
        for node, place in nodes_behind({_node_of(edge) for edge in roots}, ends):
            if is_hand_written(node):
                self.hand_written[name_of(node).removesuffix("Backward")] += 1
            else:
                self.built_in[name_of(node), place] += 1

    def __bool__(self) -> bool:
        """Whether there is a graph, and all of it is hand-written."""
        return self.hand_written.total() > 0 and not self.built_in

    def __str__(self) -> str:
        own, others = self.hand_written.total(), self.built_in.total()
        if not own + others:
            return "no backward yet: the graph is walked when backward() is called, or by walk(loss)"
        lines = [f"{own + others} nodes in the backward graph, {own} hand-written"]
        for (name, place), count in sorted(self.built_in.items()):
            lines.append(f"    {count} × {name}, built in: {place}")
        return "\n".join(lines)


def _node_of(edge: Tensor | GradientEdge) -> Node | None:
    return edge.node if isinstance(edge, GradientEdge) else edge.grad_fn


def nodes_behind(
    roots: Iterable[Node | None], ends: Container[Node | None] = ()
) -> Iterator[tuple[Node, str]]:
    """Each node from the roots to the `ends`, and the place that it or one after it is from.

    What accumulates the gradients of the leaves is left out.
    """
    found: set[Node] = set()
    waiting = [(root, "the loss") for root in roots]
    while waiting:
        node, place = waiting.pop()
        if node is None or node in ends or node in found or node.name() == ACCUMULATE:
            continue
        found.add(node)
        place = places_of(node).get(PLACE, place)
        yield node, place
        waiting += [(before, place) for before, _ in node.next_functions]


def name_of(node: Node) -> str:
    """A node's name, without the room of PyTorch's that it is from."""
    return node.name().rpartition("::")[2]


def is_hand_written(node: Any) -> bool:
    """Whether the backward that it runs is a Function's, not one of PyTorch's own."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def places_of(node: Node) -> dict[str, str]:
    """Where a node keeps what is to be known of it, for as long as the graph is there."""
    metadata: Any = node.metadata
    return metadata


def place_of_call() -> str:
    """The module that is computing, by its name in the outermost one, and the line of code."""
    frame: FrameType | None = sys._getframe(1)
    modules: list[nn.Module] = []
    line = ""
    while frame is not None:
        package = frame.f_globals.get("__name__", "").split(".")[0]
        if not line and package not in ("torch", "manual_backprop"):
            line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and (not modules or modules[-1] is not owner):
            modules.append(owner)
        frame = frame.f_back
    if not modules:
        return line
    name = next((name for name, module in modules[-1].named_modules() if module is modules[0]), "")
    kind = type(modules[0]).__name__
    return f"{name or 'the model'} ({kind}), {line}"
