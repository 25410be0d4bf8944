"""Numbers that a line of the user's backward lacks as a factor, or has too much: 2, or one over the batch."""

from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.changes import Change, Value, change
from manual_backprop.verify.diagnosis.explanations import is_factor
from manual_backprop.verify.diagnosis.graph import Graph, Values, filled

NOTHING = 1e-12  # relative: a line that has no part in the gradient


def number_factors(
    way: Sequence[Node], last: Node, graph: Graph, values: Values, right: Tensor
) -> Iterator[Change]:
    """Each named step times the number that makes the gradient right, if that has a meaning: two, a size."""
    sizes = {size for node in way if isinstance(values[node], Tensor) for size in values[node].shape}
    meanings = sorted({2.0, 3.0, 4.0, *map(float, sizes)} - {0.0, 1.0})
    for node in way:
        if not node.name or node is last or node.op == "input" or not isinstance(values[node], Tensor):
            continue
        factor = _factor(node, last, graph, values, right)
        if factor is None:
            continue
        for meaning in meanings:
            for due, said in ((1 / meaning, f"{meaning:g} times"), (meaning, f"1/{meaning:g} of")):
                if is_factor(factor / due, 1):
                    text = f"{node.name} is {said} what is due"
                    yield change(node, "term-factor", text, lambda v, node=node, due=due: due * v[node])


def other_numbers(way: Sequence[Node], groups: Iterable[Sequence[Node]], values: Values) -> Iterator[Change]:
    """The size of another dimension in the place of one, in each line and in all of them: N for D."""
    sizes = sorted({size for node in way if isinstance(values[node], Tensor) for size in values[node].shape})
    for group in (*groups, way):
        uses: dict[float, list[Node]] = {}
        for node in group:
            if node.op in ("mul", "div") and isinstance(values[node], Tensor):
                for number in {a for a in node.args if type(a) in (int, float)}:
                    uses.setdefault(number, []).append(node)
        for number, nodes in uses.items():
            inverse = number not in sizes and any(is_factor(number * size, 1) for size in sizes)
            if number <= 1 and not inverse:
                continue
            for size in sizes:
                due = 1 / size if inverse else size
                if size > 1 and not is_factor(due / number, 1):
                    stands, due_one = (1 / number, size) if inverse else (number, due)
                    one_over = "1/" if inverse else ""
                    text = f"the number {one_over}{stands:g} stands where {one_over}{due_one:g} is due"
                    yield Change(
                        {node: _with_number(node, number, due) for node in nodes}, "other-number", text, 1
                    )


def _with_number(node: Node, number: float, due: float) -> Value:
    make = node.target
    assert make is not None
    args = [due if type(a) in (int, float) and a == number else a for a in node.args]
    return lambda v: make(*filled(args, v), **filled(node.kwargs, v))


def _factor(node: Node, last: Node, graph: Graph, values: Values, right: Tensor) -> float | None:
    """The factor of a step with which the last step is what is right, as far as it is linear in it."""
    try:
        without = graph.with_changes({node: lambda v: 0 * v[node]}, values, last)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None
    share = (values[last] - without).double()
    size = float((share * share).sum())
    if share.shape != right.shape or size <= NOTHING or not without.any():
        return None  # what is a factor of all of it is told of all of it
    return float((share * (right - without)).sum()) / size
