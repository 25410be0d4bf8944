"""What people get wrong in the local derivative of several steps of the forward that are one to them.

A sigmoid or a softmax that the forward writes out, y = 1 / (1 + np.exp(-t)), has a derivative that one knows
by heart, and gets wrong as a whole. Such a stretch begins at a value t through which all ways to y lead, and
nothing inside it is used elsewhere.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from manual_backprop.derive.program import Node, in_order
from manual_backprop.verify.diagnosis.changes import Change, change
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram
from manual_backprop.verify.diagnosis.graph import Graph, Values
from manual_backprop.verify.diagnosis.slopes import OTHERS, SLOPES, is_mask
from manual_backprop.verify.diagnosis.words import Words

MOST_NUMBERS = 150  # of values whose Jacobian is formed
LONGEST = 12  # calls in a stretch
SAME = 1e-9  # relative


def of_stretches(
    program: DerivedProgram, values: Values, words: Words, needed: set[Node]
) -> Iterator[Change]:
    """The derivative of a stretch missing, taken from another function, or its diagonal alone."""
    gradients = program.program.gradients
    for start, end in stretches(program):
        above, gradient = gradients.get(end), gradients.get(start)
        if above is None or gradient is None or gradient not in needed or above is gradient:
            continue
        if not values[start].shape == values[end].shape == values[gradient].shape == values[above].shape:
            continue
        what = f"in the steps from {words.of(start)} to {words.of(end)} of the forward, "
        rank = 1 if start in words.names else 2
        slope = _slope(program.graph, values, above, gradient)
        if slope is not None:
            yield from of_slope(what, words, slope, start, end, above, gradient, values, rank)
        elif values[end].numel() <= MOST_NUMBERS:
            text = "only the diagonal of the Jacobian is used: every output depends on other inputs too"
            diagonal = _diagonal(program.graph, above, gradient)
            yield change(gradient, "diagonal-only", f"{what}{text}", diagonal, rank)
            text = f"{what}the local derivative is missing"
            yield change(gradient, "local-derivative", text, lambda v, above=above: v[above], rank)


def of_slope(
    what: str,
    words: Words,
    slope: Callable[[Values], Tensor],
    start: Node,
    end: Node,
    above: Node,
    gradient: Node,
    values: Values,
    rank: int = 1,
) -> Iterator[Change]:
    """What stands in the place of a slope that works number by number."""
    for name, (text, make) in SLOPES.items():
        if name != "mask-inverted" or is_mask(slope(values)):
            instead = lambda v, f=make: v[above] * f(slope(v), v[start], v[end])  # noqa: E731
            yield change(gradient, name, what + text, instead, rank)
    y = words.names.get(end) or "y"
    for text, make in OTHERS if values[end].numel() > 1 else ():  # of one number, several say the same
        instead = lambda v, f=make: v[above] * f(slope(v), v[start], v[end])  # noqa: E731
        yield change(gradient, "local-derivative", what + text.format(y=y), instead, rank + 1)


def stretches(program: DerivedProgram) -> list[tuple[Node, Node]]:
    """From a value to one that depends on the inputs through it alone, by more than one call."""
    calls = {output: call for call in program.program.calls for output in call.outputs}
    order = {node: i for i, node in enumerate(program.graph.order)}
    users: dict[Node, set[Node]] = {}
    for output, call in calls.items():
        for part in in_order([output]):
            if part in calls or part.op == "input":
                users.setdefault(part, set())
        for part in _given(call.inputs):
            users.setdefault(part, set()).add(output)
    found = []
    for end in calls:
        inside: set[Node] = set()
        waiting = {end}
        while waiting and len(inside) <= LONGEST:
            if len(waiting) == 1 and len(inside) > 1:
                (start,) = waiting
                if all(users.get(one, set()) <= inside for one in (inside - {end}) | waiting):
                    found.append((start, end))
            latest = max(waiting, key=lambda node: order.get(node, -1))
            waiting.discard(latest)
            if latest not in calls:
                break  # an input is a start at most
            inside.add(latest)
            waiting |= {part for part in _given(calls[latest].inputs) if part.differentiable}
    return found[::-1]  # the longer first


def _given(inputs: object) -> list[Node]:
    holder = Node("", (inputs,))
    return holder.inputs


def _slope(graph: Graph, values: Values, above: Node, gradient: Node) -> Callable[[Values], Tensor] | None:
    """The local derivative, number by number; None if numbers depend on one another."""

    def slope(v: Values) -> Tensor:
        found: Tensor = graph.with_changes({above: lambda _: torch.ones_like(v[above])}, v, gradient)
        return found

    found = slope(values)
    by_number = found * values[above]
    error = float((by_number - values[gradient]).abs().max())
    return slope if error <= SAME * float(values[gradient].abs().max()) else None


def _diagonal(graph: Graph, above: Node, gradient: Node) -> Callable[[Values], Tensor]:
    """The upstream gradient times each output's derivative by the number in its own place."""

    def diagonal(v: Values) -> Tensor:
        ones = torch.eye(v[above].numel(), dtype=v[above].dtype)
        shape = v[above].shape
        rows = [
            graph.with_changes({above: lambda _, one=one: one.reshape(shape)}, v, gradient).flatten()
            for one in ones
        ]
        return v[above] * torch.stack([row[i] for i, row in enumerate(rows)]).reshape(shape)

    return diagonal
