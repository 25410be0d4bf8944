"""A change of steps: other values for some of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manual_backprop.derive.program import Node
from manual_backprop.verify.diagnosis.graph import Values


@dataclass(frozen=True, eq=False)
class Change:
    """Steps that have other values.

    Attributes:
        instead: what each of these steps is in its place, from the values of all steps.
        name: of the mistake.
        text: what is wrong.
        rank: which of several that come to the same is said.
    """

    instead: Mapping[Node, "Value"]
    name: str
    text: str
    rank: int = 0

    @property
    def first(self) -> Node:
        """The first step that is changed."""
        return next(iter(self.instead))


Value = Callable[..., Any]  # of the values of all steps
Changes = Iterator[Change]


def change(node: Node, name: str, text: str, value: Value, rank: int = 0) -> Change:
    """A change of one step."""
    return Change({node: value}, name, text, rank)


def get(value: Any) -> Value:
    """A part of a step, from the values of all steps."""
    return (lambda v: v[value]) if isinstance(value, Node) else (lambda _: value)


def shaped(shape: Any, make: Value) -> Value:
    """A value that is given up where it has another shape: another finding tells of that."""

    def value(v: Values) -> Any:
        found = make(v)
        if found.shape != shape:
            raise ValueError
        return found

    return value


def is_number(value: Any) -> bool:
    """Whether it is a number, and not a tensor."""
    return not isinstance(value, Node) or value.op == "number"
