"""Another tensor of the same shape in the place of one: in a step, or in all steps of a line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.graph import Graph, Overlay, Values, tensors_in
from manual_backprop.verify.diagnosis.step_changes import (
    COMPARISONS,
    REDUCED,
    Change,
    Changes,
    change,
    is_number,
    listed,
    other_dimensions,
)
from manual_backprop.verify.diagnosis.words import Words

REPLACEABLE = (
    "mul",
    "div",
    "matmul",
    "where",
    "sub",
    "add",
    "pow",
    "T",
    "sum",
    "mean",
    "softmax",
    "exp",
    *COMPARISONS,
)
CONVERSIONS = ("to", "double", "float", "half", "bfloat16", "type", "type_as", "alias")
NARROW = (torch.bfloat16, torch.float16, torch.float32)


class Tensors:
    """The tensors that may be taken for one another, by their shapes.

    Attributes:
        place: of each step in the order of all.
        given: what is there before the backward begins: inputs and the steps of the forward.
        before: what activations are made of.
    """

    def __init__(
        self, graph: Graph, values: Values, given: Iterable[Node], before: Mapping[Node, Node] | None = None
    ) -> None:
        self.place = graph.place
        self.given = set(given)
        self.before = before or {}
        self.by_shape: dict[tuple[int, ...], list[Node]] = {}
        for node, value in tensors_in(values, graph.order):
            if node.op not in ("number", "constant"):
                self.by_shape.setdefault(tuple(value.shape), []).append(node)

    def others(self, node: Node, part: Node, values: Values) -> list[Node]:
        """What may stand in the place of a part of a step: what is known there, of the same shape."""
        found = self.by_shape.get(tuple(values[part].shape), [])
        return [x for x in found if x is not part and self.place[x] < self.place[node]]


def in_one_step(node: Node, values: Values, words: Words, tensors: Tensors) -> Changes:
    """Another tensor in a step."""
    make = node.target
    if node.op not in REPLACEABLE or make is None:
        return
    for at, part in enumerate(node.args):
        if not isinstance(part, Node) or not isinstance(values[part], Tensor) or is_number(part):
            continue
        if part.op == "T" and part not in words.names and not words.mends:
            continue  # what it transposes is replaced
        for other in tensors.others(node, part, values):
            text = words.stands_for(words.of(other), words.of(part))
            name = "other-tensor"
            narrow = _narrow_type(part) if words.mends else ""
            if narrow:
                name, text = narrow, f"{words.of(part)} is rounded to {narrow}"
            elif tensors.before.get(part) is other and node.op == "matmul":
                name, text = "before", f"{text}: the factor is taken before its activation"
            yield change(
                node, name, text,
                lambda v, at=at, other=other: make(
                    *[v[a] if isinstance(a, Node) else a for a in (*node.args[:at], other, *node.args[at + 1 :])]
                ), _rank(part, other, words, tensors),
            )  # fmt: skip


def _narrow_type(part: Node) -> str:
    """The type that a value was rounded to and back, where it holds fewer digits than the others."""
    while part.op in CONVERSIONS and part.inputs:
        if part.value.dtype in NARROW:
            return str(part.value.dtype).removeprefix("torch.")
        part = part.inputs[0]
    return ""


def _rank(part: Node, other: Node, words: Words, tensors: Tensors) -> int:
    """A value for a value, or a gradient for a gradient, is likelier than one for the other."""
    alike = (part in tensors.given) == (other in tensors.given)
    named = other in words.names or bool(other.name)
    return (0 if alike else 3) + (0 if named else 2)


def in_a_group(
    group: Sequence[Node], graph: Graph, values: Values, words: Words, tensors: Tensors
) -> Changes:
    """Another tensor wherever steps that belong together use one; another dimension in all their sums."""
    uses: dict[Node, int] = {}
    members = set(group)
    for node in group:
        for part in node.inputs:
            if part not in members and isinstance(values[part], Tensor) and not is_number(part):
                uses[part] = uses.get(part, 0) + 1
    first = min(group, key=lambda n: tensors.place.get(n, 0))
    for part, count in uses.items():
        if count > 1:
            for other in tensors.others(first, part, values):
                text = words.stands_for(words.of(other), words.of(part))
                yield Change(
                    tuple(group), "other-tensor", text,
                    lambda v, part=part, other=other: _recomputed(group, graph, v, {part: v[other]}),
                    _rank(part, other, words, tensors),
                )  # fmt: skip
    yield from _other_dimensions(group, graph, values, words)


def _other_dimensions(group: Sequence[Node], graph: Graph, values: Values, words: Words) -> Changes:
    sums: dict[tuple[Any, int], list[Node]] = {}
    for node in group:
        if node.op in REDUCED and node.args[2]:
            x, dims, _ = node.args
            sums.setdefault((dims, values[x].dim()), []).append(node)
    for (dims, count), nodes in sums.items():
        chosen = tuple(range(count)) if dims is None else dims
        if len(nodes) < 2:
            continue
        for other in other_dimensions(count, chosen):
            what = " and ".join(dict.fromkeys(words.of(node.args[0]) for node in nodes))
            done = REDUCED[nodes[0].op][0]
            text = words.due(
                f"{what} are {done}", f"over dimension {listed(other)}", f"over {listed(chosen)}"
            )

            def moved(
                v: Values, nodes: Sequence[Node] = nodes, other: tuple[int, ...] = other
            ) -> dict[Node, Any]:
                over = {node: REDUCED[node.op][1](v[node.args[0]], other, keepdim=True) for node in nodes}
                return _recomputed(group, graph, v, {}, over)

            yield Change(tuple(group), "other-dimension", text, moved)


def _recomputed(
    group: Sequence[Node],
    graph: Graph,
    values: Values,
    instead: Mapping[Node, Any],
    fixed: Mapping[Node, Any] | None = None,
) -> dict[Node, Any]:
    """The values of the group's steps, with others in the place of some of what they are made of."""
    inside = Overlay(values)
    inside.update(instead)
    found: dict[Node, Any] = dict(fixed or {})
    inside.update(found)
    for node in group:
        if node not in found and any(part in inside.own for part in node.inputs):
            found[node] = inside[node] = graph.run(node, inside)
    return found
