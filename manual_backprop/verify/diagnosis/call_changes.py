"""What people get wrong in the local derivative of one operation of the forward.

An operation is y = f(t), with the upstream gradient g and the local derivative s: to t comes back g s.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.program import Call, Node, in_order
from manual_backprop.functional.operation import broadcasts
from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.verify.diagnosis.changes import Change, change
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram
from manual_backprop.verify.diagnosis.graph import Graph, Overlay, Values, tensors_in
from manual_backprop.verify.diagnosis.slopes import SLOPES
from manual_backprop.verify.diagnosis.stretches import of_slope, of_stretches
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
        if call.operation == "where":
            yield from _one_case(call, above, words, needed)
    yield from of_stretches(program, values, words, needed)
    yield from _alike_steps(program, values, needed)
    yield from _cut(program, words, needed)


def _one_case(call: Call, above: Node, words: Words, needed: set[Node]) -> Iterator[Change]:
    """The derivative of one case of a choice, taken everywhere."""
    cases = [gradient for gradient in call.gradients.values() if gradient in needed]
    if not cases or any(tuple(case.shape) != tuple(above.shape) for case in cases):
        return
    for kept in cases:
        which = "second" if kept is next(iter(call.gradients.values())) else "first"
        what = f"the {which} case of {_called(call, words)} is missing"
        text = f"{what}: the other's derivative is taken everywhere"
        instead = {case: (lambda v, share=float(case is kept): share * v[above]) for case in cases}
        yield Change(instead, "one-case", text)


def _called(call: Call, words: Words) -> str:
    """An operation as the forward writes it; a part of one as the derivation does."""
    if call.place is not None and call.place.text and not call.part_of:
        return call.place.text
    return words.step(call.outputs[0]) or call.operation


def _alike_steps(program: DerivedProgram, values: Values, needed: set[Node]) -> Iterator[Change]:
    """An operation that the forward calls several times on the same: its derivative is missing each time."""
    gradients = program.program.gradients
    alike: dict[Any, list[tuple[Node, Node]]] = {}
    for call in program.program.calls:
        if (
            len(call.outputs) == 1
            and call.outputs[0] in gradients
            and call.kind in ("activation", "elementwise")
        ):
            above, gradient = gradients[call.outputs[0]], call.gradients.get(0)
            if gradient is None or gradient not in needed or gradient is above:
                continue
            if _alike(values, gradient, above):
                alike.setdefault((call.operation, _inputs(call)[0]), []).append((gradient, above))
    for (operation, _), pairs in alike.items():
        if len(pairs) > 1:
            text = f"the local derivative of {operation} is missing"
            instead = {gradient: (lambda v, above=above: v[above]) for gradient, above in pairs}
            yield Change(instead, "local-derivative", text, 1)


def _inputs(call: Call) -> list[Node]:
    return [leaf for leaf in tree_leaves(call.inputs) if isinstance(leaf, Node)]


def _alike(values: Values, *nodes: Node) -> bool:
    return len({tuple(values[node].shape) for node in nodes}) == 1


def _slopes(
    graph: Graph, values: Values, words: Words, call: Call, value: Node, above: Node, gradient: Node
) -> Iterator[Change]:
    output = call.outputs[0]
    if call.kind in ("shape", "choice", "product", "layer"):
        return
    what = f"in the step {_called(call, words)} of the forward, "
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

    yield from of_slope(what, words, slope, value, output, above, gradient, values)
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
    """No gradient goes back through a value; or through all values of a step of a recurrence."""
    gradients = {
        value: gradient
        for value, gradient in program.program.gradients.items()
        if gradient in needed and value.op != "input" and gradient is not program.program.upstream
    }
    names = {value: program.script.names.get(value, "") for value in gradients}
    again = Counter(value.place for value in gradients)
    stems = {  # what the code calls the same, and what one line of a loop makes
        value: name.rstrip("0123456789_") if value.given or again[value.place] > 1 else ""
        for value, name in names.items()
    }
    stems = _of_recurrences(stems)
    counts = Counter(stem for stem in stems.values() if stem)
    steps: dict[str, list[Node]] = {}
    for value, gradient in gradients.items():
        if counts[stems[value]] > 1:
            text = f"the way through the earlier steps is forgotten: it ends at {words.of(value)}"
            yield change(gradient, "truncated-in-time", text, nothing(gradient), 2)
            if names[value] != stems[value]:
                steps.setdefault(names[value][len(stems[value]) :], []).append(value)
        else:
            text = f"the way back through {words.of(value)} is left out"
            yield change(gradient, "left-out", text, nothing(gradient), 2)
    for values in steps.values():
        if len(values) > 1:
            what = " and ".join(dict.fromkeys(words.of(value) for value in values))
            text = f"the way through the earlier steps is forgotten: it ends at {what}"
            instead = {gradients[value]: nothing(gradients[value]) for value in values}
            yield Change(instead, "truncated-in-time", text, 2)
    yield from _without_next_step(gradients, stems, counts)
    yield from _everywhere(gradients)


def _everywhere(gradients: Mapping[Node, Node]) -> Iterator[Change]:
    """No gradient goes back through what an expression makes, as often as it is run."""
    places: dict[Any, list[Node]] = {}
    for value in gradients:
        if value.place is not None and value.place.text:
            places.setdefault((value.place, value.op), []).append(value)
    for (place, _), values in places.items():
        if len(values) > 1:
            text = f"the way back through {place.text} is left out, at every step"
            instead = {gradients[value]: nothing(gradients[value]) for value in values}
            yield Change(instead, "left-out", text, 1)


def _of_recurrences(stems: Mapping[Node, str]) -> dict[Node, str]:
    """The same, without what has one name several times though no step of it is made of one like it."""
    steps: dict[tuple[str, str], list[Node]] = {}
    for value, stem in stems.items():
        if stem:
            steps.setdefault((stem, value.op), []).append(value)
    recurrent = {
        stem
        for (stem, _), values in steps.items()
        if any(set(values).intersection(in_order(value.inputs)) for value in values)
    }
    return {value: stem if stem in recurrent else "" for value, stem in stems.items()}


def by_values(program: DerivedProgram, values: Values, words: Words, right: Node) -> Iterator[Change]:
    """The right gradient multiplied or divided by a value of the forward, such as a length."""
    shape = values[right].shape
    forward = [n for n in in_order([program.program.output]) if n.op not in ("input", "number", "constant")]
    for node, value in tensors_in(values, forward):
        if value.dim() and broadcasts(value.shape, shape):
            what = words.of(node)
            yield change(
                right,
                "times",
                f"yours is the right one multiplied by {what}",
                lambda v, n=node: v[right] * v[n],
                5,
            )
            yield change(
                right,
                "times",
                f"yours is the right one divided by {what}",
                lambda v, n=node: v[right] / v[n],
                5,
            )


def _without_next_step(
    gradients: Mapping[Node, Node], stems: Mapping[Node, str], counts: Counter[str]
) -> Iterator[Change]:
    """In a recurrence, the part of each value's gradient that comes back from the next step is left out."""
    for stem, count in counts.items():
        totals = [g for value, g in gradients.items() if stems[value] == stem and g.op == "total"]
        if count < 2 or not totals:
            continue
        for at in range(max(len(total.args) for total in totals)):
            instead = {t: _without_part(t, at) for t in totals if len(t.args) > at}
            text = f"the gradient of {stem} has one way back only at each step: another one is left out"
            yield Change(instead, "truncated-in-time", text, 3)


def _without_part(total: Node, at: int) -> Callable[[Values], Tensor]:
    rest = [part for i, part in enumerate(total.args) if i != at]
    return lambda v: sum((v[part] for part in rest[1:]), start=v[rest[0]])


def nothing(gradient: Node) -> Callable[[Values], Tensor]:
    """A gradient of zeros."""
    return lambda v: torch.zeros_like(v[gradient])
