"""Another tensor of the same shape in the place of one: in a step, or in all steps of a line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.changes import Change, Changes, Value, change, is_number
from manual_backprop.verify.diagnosis.graph import Graph, Overlay, Values, tensors_in
from manual_backprop.verify.diagnosis.step_changes import REDUCED, STEPS, of_step, other_dimensions
from manual_backprop.verify.diagnosis.words import Words

FIXED = (
    "setitem",
    "part",
    "total",
    "expand",
    "reshape",
    "unsqueeze",
    "stack",
    "cat",
    "getitem",
    "zeros_like",
)
"""Steps that only put numbers somewhere: nobody takes another tensor there."""
ALONG = ("flip", "cumsum", "cumprod", "sort", "argsort", "logsumexp", "prod", "std", "var", "norm", "diff",
         "softmax", "log_softmax", "argmax", "roll")  # fmt: skip
CONVERSIONS = ("to", "double", "float", "half", "bfloat16", "type", "type_as", "alias")
NARROW = (torch.bfloat16, torch.float16, torch.float32)


class Tensors:
    """The tensors that may be taken for one another, by their shapes.

    Attributes:
        place: of each step in the order of all.
        given: what is there before the backward begins: inputs and the steps of the forward.
        before: what activations are made of.
        by_shape: all that are computed or given.
        constants: numbers of the code's own, such as the state before the first step, by shape.
    """

    def __init__(
        self, graph: Graph, values: Values, given: Iterable[Node], before: Mapping[Node, Node] | None = None
    ) -> None:
        self.place = graph.place
        self.given = set(given)
        self.before = before or {}
        self.by_shape: dict[tuple[int, ...], list[Node]] = {}
        self.constants: dict[tuple[int, ...], list[Node]] = {}
        for node, value in tensors_in(values, graph.order):
            if node.op == "constant":
                self.constants.setdefault(tuple(value.shape), []).append(node)
            elif node.op != "number":
                self.by_shape.setdefault(tuple(value.shape), []).append(node)

    def others(self, node: Node, part: Node, values: Values) -> list[Node]:
        """What may stand in the place of a part of a step: what is known there, of the same shape."""
        found = self.by_shape.get(tuple(values[part].shape), [])
        return [x for x in found if x is not part and self.place[x] < self.place[node]]


def in_one_step(node: Node, values: Values, words: Words, tensors: Tensors) -> Changes:
    """Another tensor in a step."""
    make = node.target
    if node.op in FIXED or make is None or node.kwargs:
        return
    for at, part in enumerate(node.args):
        if not isinstance(part, Node) or not isinstance(values[part], Tensor) or is_number(part):
            continue
        if part.op == "T" and part not in words.names and not words.mends:
            continue  # what it transposes is replaced
        for other in tensors.others(node, part, values):
            if not words.mends and part in tensors.given and other not in tensors.given:
                continue  # nobody takes a gradient for a value of the forward
            text = words.stands_for(words.of(other), words.of(part))
            name = "other-tensor"
            narrow = _narrow_type(part) if words.mends else ""
            if narrow:
                name, text = narrow, f"{words.of(part)} is rounded to {narrow}"
            elif part.op == "neg" and part.args[0] is other:
                name, text = "sign", words.left_out(f"the minus before {words.of(other)}")
            elif tensors.before.get(part) is other and node.op == "matmul":
                name, text = "before", f"{text}: the factor is taken before its activation"
            args = (*node.args[:at], other, *node.args[at + 1 :])
            value = lambda v, args=args: make(*[v[a] if isinstance(a, Node) else a for a in args])  # noqa: E731
            yield change(node, name, text, value, _rank(part, other, words, tensors))


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
    """Another tensor wherever steps that belong together use one; another dimension in all of them."""
    uses: dict[Node, list[Node]] = {}
    members = set(group)
    for node in group:
        for part in dict.fromkeys(node.inputs):
            if part not in members and isinstance(values[part], Tensor) and not is_number(part):
                uses.setdefault(part, []).append(node)
    first = min(group, key=lambda n: tensors.place[n])
    for part, users in uses.items():
        if len(users) > 1:
            for other in tensors.others(first, part, values):
                name, text = "other-tensor", words.stands_for(words.of(other), words.of(part))
                if words.mends and (narrow := _narrow_type(part)):
                    name, text = narrow, f"{words.of(part)} is rounded to {narrow}"
                instead = {node: _with(graph, node, part, other) for node in users}
                yield Change(instead, name, text, _rank(part, other, words, tensors))
    yield from other_dimension_in(group, values, words)


def _with(graph: Graph, node: Node, part: Node, other: Node) -> Value:
    """A step with another tensor in the place of one."""

    def value(v: Values) -> Any:
        inside = Overlay(v)
        inside[part] = v[other]
        return graph.run(node, inside)

    return value


def other_dimension_in(group: Sequence[Node], values: Values, words: Words) -> Changes:
    """Another dimension in all steps of a group that are taken over the same one."""
    over: dict[tuple[Any, int], list[Node]] = {}
    for node in group:
        for dims, count in _dimensions(node, values, words):
            over.setdefault((dims, count), []).append(node)
    for (dims, count), nodes in over.items():
        if len(nodes) < 2 and nodes[0].op in STEPS:
            continue  # what is done to a step by itself
        chosen = tuple(range(count)) if dims is None else dims
        for other in other_dimensions(count, chosen):
            if len(other) != len(chosen) and any(node.op not in REDUCED for node in nodes):
                continue
            what = " and ".join(dict.fromkeys(words.of(node.args[0]) for node in nodes))
            verb = "are" if len(nodes) > 1 else "is"
            done = REDUCED[nodes[0].op][0] if nodes[0].op in REDUCED else f"taken through {nodes[0].op}"
            text = words.due(
                f"{what} {verb} {done}",
                f"over {words.language.along(other)}",
                f"over {words.language.along(chosen)}",
            )
            yield Change({node: _over(node, other) for node in nodes}, "other-dimension", text)


def _dimensions(node: Node, values: Values, words: Words) -> list[tuple[Any, int]]:
    """What a step is taken over, and how many dimensions there are.

    Of a user's step, what is summed over the first dimension is broadcast as if it were kept.
    """
    x = node.args[0] if node.args else None
    if not isinstance(x, Node) or not isinstance(values[x], Tensor):
        return []
    count = values[x].dim()
    if node.op in REDUCED:
        first = words.mends and node.args[1] == (0,) and count > 1
        return [(node.args[1], count)] if node.args[2] or first else []
    if node.op not in ALONG:
        return []
    given = [*node.args[1:], *node.kwargs.values()]
    found = [tuple(a) if isinstance(a, list | tuple) else a for a in given]
    return [
        (a if isinstance(a, tuple) else (a % count,), count)
        for a in found[:1]
        if (isinstance(a, int) and not isinstance(a, bool) and count)
        or (isinstance(a, tuple) and a and all(isinstance(d, int) for d in a))
    ]


def _over(node: Node, dims: tuple[int, ...]) -> Value:
    """A step over other dimensions."""
    make = node.target
    assert make is not None

    def value(v: Values) -> Any:
        args = [v[a] if isinstance(a, Node) else a for a in node.args]
        kwargs = dict(node.kwargs)
        if node.op in REDUCED:
            return REDUCED[node.op][1](args[0], dims, keepdim=True)
        given = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        new = dims[0] if isinstance(given, int) else dims
        if len(args) > 1:
            args[1] = new
        else:
            kwargs[next(iter(kwargs))] = new
        return make(*args, **kwargs)

    return value


def again_and_again(
    steps: Sequence[Node], graph: Graph, values: Values, words: Words, tensors: Tensors
) -> Changes:
    """The same change at every step of a loop: in each step that stands at the same place of the code."""
    loops: dict[Any, list[Node]] = {}
    for node in steps:
        place = node.place
        if place is not None:
            loops.setdefault((place.file, place.line, place.text, node.op, _turn(node, steps)), []).append(
                node
            )
    for nodes in sorted(loops.values(), key=lambda nodes: nodes[0].op != "setitem"):
        if len(nodes) < 2:
            continue
        for same in zip(*(list(of_step(node, values, words)) for node in nodes), strict=False):
            if len({one.name for one in same}) == 1:
                instead = {node: value for one in same for node, value in one.instead.items()}
                yield Change(instead, same[0].name, f"{same[0].text}, at every step", same[0].rank + 1)
        yield from _earlier_or_later(nodes, graph, values, words, tensors)


def _turn(node: Node, steps: Sequence[Node]) -> int:
    """Which of the steps of one formula it is, where a line of the derivation has several."""
    if node.call is None:
        return 0
    return [other for other in steps if other.call is node.call and other.op == node.op].index(node)


def _earlier_or_later(
    nodes: Sequence[Node], graph: Graph, values: Values, words: Words, tensors: Tensors
) -> Changes:
    """At every step of a loop, the tensor of the step before or after."""
    for at in range(len(nodes[0].args)):
        parts = [node.args[at] if len(node.args) > at else None for node in nodes]
        real = [part for part in parts if isinstance(part, Node) and isinstance(values[part], Tensor)]
        if len(real) < len(nodes) or len(set(real)) < len(real):
            continue
        for moved, end in ((real[1:], -1), (real[:-1], 0)):
            shape = tuple(values[real[0]].shape)
            for other in (*tensors.by_shape.get(shape, []), *tensors.constants.get(shape, [])):
                if other in real or tensors.place[other] >= tensors.place[nodes[end]]:
                    continue
                shifted = [*moved, other] if end == -1 else [other, *moved]
                instead = {
                    node: _with(graph, node, part, new)
                    for node, part, new in zip(nodes, real, shifted, strict=True)
                }
                text = words.stands_for(f"{words.of(shifted[0])}, of another step,", words.of(real[0]))
                if words.mends:
                    which = "before" if tensors.place[shifted[0]] < tensors.place[real[0]] else "after"
                    text = f"{words.of(nodes[0])} is due with what the step {which} has in its place"
                yield Change(instead, "other-tensor", text, 2)
