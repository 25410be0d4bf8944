"""Numbers that a line of the user's backward lacks as a factor, or has too much: 2, or one over the batch."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.changes import Change, change
from manual_backprop.verify.diagnosis.explanations import is_factor
from manual_backprop.verify.diagnosis.graph import Graph, Values

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
