"""What people get wrong in the local derivative of one operation of the forward.

An operation is y = f(t), with the upstream gradient g and the local derivative s: what comes back to t is g s.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from manual_backprop.derive.program import Call, Node
from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram
from manual_backprop.verify.diagnosis.graph import Graph, Overlay, Values
from manual_backprop.verify.diagnosis.slopes import SLOPES, is_mask
from manual_backprop.verify.diagnosis.step_changes import Change, change
from manual_backprop.verify.diagnosis.words import Words

MOST_NUMBERS = 100  # of a step whose Jacobian is formed


def of_calls(program: DerivedProgram, values: Values, words: Words, needed: set[Node]) -> Iterator[Change]:
    """The local derivative of each operation missing, taken elsewhere or replaced; the way back cut."""
    gradients = program.program.gradients
    for call in program.program.calls:
        if len(call.outputs) != 1 or call.outputs[0] not in gradients:
            continue
        above = gradients[call.outputs[0]]
        for at, gradient in call.gradients.items():
            value = _inputs(call)[at]
            if gradient in needed and gradient is not above and _alike(values, gradient, above, value):
                yield from _slopes(program.graph, values, words, call, value, above, gradient)
    yield from _cut(program, words, needed)


def _inputs(call: Call) -> list[Node]:
    return [leaf for leaf in tree_leaves(call.inputs) if isinstance(leaf, Node)]


def _alike(values: Values, *nodes: Node) -> bool:
    return len({tuple(values[node].shape) for node in nodes}) == 1


def _slopes(
    graph: Graph, values: Values, words: Words, call: Call, value: Node, above: Node, gradient: Node
) -> Iterator[Change]:
    output = call.outputs[0]
    place = call.place.text if call.place is not None else ""
    if call.kind in ("shape", "choice"):
        return
    what = f"in the step {place or call.operation} of the forward, "
    if call.kind not in ("activation", "elementwise"):
        for name in ("local-derivative", "value-for-slope"):
            text, make = SLOPES[name]
            instead = lambda v, f=make: v[above] * f(v[above], v[value], v[output])  # noqa: E731
            yield change(gradient, name, what + text, instead, 1)
        if call.kind == "normalisation" and values[output].numel() <= MOST_NUMBERS:
            text = (
                f"{what}only the diagonal of the Jacobian is used: every output depends on other inputs too"
            )
            yield change(gradient, "diagonal-only", text, _diagonal(graph, call, above, gradient))
        return

    def slope(v: Values) -> Tensor:
        found: Tensor = v[gradient] / v[above]
        return found

    for name, (text, make) in SLOPES.items():
        if name != "mask-inverted" or is_mask(slope(values)):
            instead = lambda v, f=make: v[above] * f(slope(v), v[value], v[output])  # noqa: E731
            yield change(gradient, name, what + text, instead, 1)
    text = f"{what}the local derivative is taken at the output, due at the input"
    yield change(gradient, "wrong-place", text, _at_output(graph, call, value, gradient), 1)


def _members(graph: Graph, call: Call) -> list[Node]:
    return [node for node in graph.order if node.call is call]


def _at_output(graph: Graph, call: Call, value: Node, gradient: Node) -> Callable[[Values], Tensor]:
    """The gradient that comes back if the operation's input is its own output."""

    def at(v: Values) -> Tensor:
        return _again(graph, call, v, {value: v[call.outputs[0]]})[gradient]

    return at


def _diagonal(graph: Graph, call: Call, above: Node, gradient: Node) -> Callable[[Values], Tensor]:
    """g times ∂yᵢ/∂tᵢ, without what the other outputs bring."""

    def diagonal(v: Values) -> Tensor:
        ones = torch.eye(v[above].numel(), dtype=v[above].dtype)
        rows = [
            _again(graph, call, v, {above: one.reshape(v[above].shape)})[gradient].flatten() for one in ones
        ]
        return v[above] * torch.stack([row[i] for i, row in enumerate(rows)]).reshape(v[above].shape)

    return diagonal


def _again(graph: Graph, call: Call, values: Values, instead: Values) -> Values:
    inside = Overlay(values)
    inside.update(instead)
    for node in _members(graph, call):
        if node not in instead and any(part in inside.own for part in node.inputs):
            inside[node] = graph.run(node, inside)
    return inside


def _cut(program: DerivedProgram, words: Words, needed: set[Node]) -> Iterator[Change]:
    """No gradient goes back through a value."""
    gradients = program.program.gradients
    stems = {node: program.script.names.get(node, "").rstrip("0123456789_") for node in gradients}
    all_stems = list(stems.values())
    for value, gradient in gradients.items():
        if gradient not in needed or value.op == "input" or gradient is program.program.upstream:
            continue
        cut = lambda v, g=gradient: torch.zeros_like(v[g])  # noqa: E731
        if stems[value] and all_stems.count(stems[value]) > 1:
            text = f"the way through the earlier steps is forgotten: it ends at {words.of(value)}"
            yield change(gradient, "truncated-in-time", text, cut, 2)
        else:
            yield change(gradient, "left-out", f"the way back through {words.of(value)} is left out", cut, 2)
