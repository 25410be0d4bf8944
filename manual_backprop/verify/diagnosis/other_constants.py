"""A constant in the user's backward that is not the forward's: clipped at 1, where the forward has 0.7."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from manual_backprop.derive.program import Node
from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map
from manual_backprop.verify.diagnosis.changes import Change, Value, change
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram
from manual_backprop.verify.diagnosis.graph import Values
from manual_backprop.verify.diagnosis.words import Words

MOST_CONSTANTS = 6  # of the forward, that are tried for each of the user's
PLACES = ("reshape", "sum", "mean", "getitem", "setitem", "permute", "expand", "unsqueeze", "T", "cat",
          "stack", "zeros_like", "index_put", "to")  # fmt: skip
"""Steps whose numbers are places and sizes."""


def constants_of(programs: Sequence[DerivedProgram]) -> list[float]:
    """The sizes of the numbers that stand in the forward, but for places and sizes."""
    found: dict[float, None] = {}
    for program in programs:
        for node in program.graph.order:
            if node.op not in PLACES:
                found.update(dict.fromkeys(abs(n) for n in _numbers_in(node)))
    return list(found)


def other_constants(way: Sequence[Node], constants: Sequence[float], words: Words) -> Iterator[Change]:
    """A number in one of the user's steps, in the place of one that the forward has."""
    for node in way:
        if node.op in PLACES or node.target is None:
            continue
        for own in dict.fromkeys(abs(n) for n in _numbers_in(node) if n):
            for due in [n for n in constants if n not in (own, 0)][:MOST_CONSTANTS]:
                text = f"in {words.of(node)}, {own:g} stands where {due:g} is due"
                yield change(node, "other-number", text, _with_constant(node, own, due), 2)


def _numbers_in(node: Node) -> list[float]:
    """Those that a step is given, as numbers or made tensors."""
    found = (_number(a) for a in tree_leaves((node.args, node.kwargs)))
    return [number for number in found if number is not None]


def _number(value: Any) -> float | None:
    if isinstance(value, Node) and value.op in ("number", "constant"):
        value = value.value
        return float(value.detach()) if isinstance(value, Tensor) and value.dim() == 0 else None
    return float(value) if type(value) in (int, float) else None


def _with_constant(node: Node, own: float, due: float) -> Value:
    """A step with a number replaced by another one, and its negative by that one's."""

    def replaced(argument: Any, v: Values) -> Any:
        value = v[argument] if isinstance(argument, Node) else argument
        number = _number(argument)
        return value * (due / own) if number is not None and abs(number) == own else value

    def value(v: Values) -> Any:
        make = node.target
        assert make is not None
        args, kwargs = tree_map(lambda a: replaced(a, v), (node.args, node.kwargs))
        return make(*args, **kwargs)

    return value
