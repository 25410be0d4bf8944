"""A program of named steps: what was computed, each tensor as a node that knows how it is made of others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from manual_backprop.functional.operation.torch_state import tree_map


@dataclass(frozen=True)
class Place:
    """Where in someone's code a tensor was made.

    Attributes:
        file: the file, as Python names it.
        line: the number of the line.
        text: the expression that made it, as it stands there; "" where the source cannot be read.
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        number = f", line {self.line}" if ".ipynb, cell " in self.file else f":{self.line}"
        return f"{self.file}{number}: {self.text}"


@dataclass(eq=False)
class Node:
    """A tensor of the program.

    Attributes:
        op: the name of the primitive that makes it, "input" for what is given, "constant" for a number.
        args: what the primitive is given: nodes, numbers and others.
        kwargs: and by name.
        value: its numbers in the run that was traced.
        target: the function that makes it.
        name: what the code calls it; "" for what has no name there.
        given: whether `name` stands in the code of whoever wrote the forward, or is ours to change.
        call: the call of the forward that it belongs to, forward or backward; None for inputs.
        place: where it was made.
        reason: why it is there, where that is not plain.
        differentiable: whether a gradient flows through it.
        pinned: whether it is a step that is to be seen, and not to be joined with others.
        of: the node whose gradient it is, where a formula calls the one z and the other dz.
    """

    op: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    target: Callable[..., Any] | None = None
    name: str = ""
    given: bool = False
    call: "Call | None" = None
    place: Place | None = None
    reason: str = ""
    differentiable: bool = False
    pinned: bool = False
    of: "Node | None" = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its value."""
        return tuple(self.value.shape)

    @property
    def inputs(self) -> list["Node"]:
        """The nodes among its arguments, each as often as it is used."""
        found: list[Node] = []
        _gather((*self.args, *self.kwargs.values()), found)
        return found

    def __repr__(self) -> str:
        return f"Node({self.op}, {self.name or '·'}, {self.shape if isinstance(self.value, Tensor) else ''})"


def _gather(values: Iterable[Any], found: list[Node]) -> None:
    """The nodes among arguments, also in lists, tuples and dictionaries."""
    for value in values:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple | list):
            _gather(value, found)
        elif isinstance(value, dict):
            _gather(value.values(), found)


@dataclass(eq=False)
class Call:
    """A call of an operation in the forward.

    Attributes:
        number: its place among the calls of the code that was traced.
        operation: its name.
        kind: what it is for, as its formula says.
        inputs: the nodes that it was given, in the order of the gradients that `backward` returns.
        outputs: the nodes that came out.
        backward: the gradients of `inputs`, from those of `outputs`; None for what cannot be written out.
        place: where it stands.
        part_of: the operations that it is a part of, the outermost first.
        gradients: what comes back through it to each of `inputs`, by its position there.
    """

    number: int
    operation: str
    kind: str
    inputs: tuple[Any, ...]
    outputs: list[Node]
    backward: Callable[..., Any] | None
    place: Place | None
    part_of: tuple[str, ...] = ()
    gradients: dict[int, Node] = field(default_factory=dict)


@dataclass(eq=False)
class Program:
    """A forward with its backward.

    Attributes:
        inputs: the nodes that are given, in order.
        outputs: what comes out.
        upstreams: ∂L/∂ of each output, which are given to the backward; a number where the output is the loss
            itself.
        calls: the calls of the forward, in order.
        gradients: ∂L/∂ of each node that has one.
        nodes: all nodes, in the order in which they were made.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    upstreams: tuple[Node, ...]
    calls: list[Call]
    gradients: dict[Node, Node]
    nodes: list[Node]

    @property
    def output(self) -> Node:
        """The first output, or the only one."""
        return self.outputs[0]

    @property
    def upstream(self) -> Node:
        """∂L/∂ of it."""
        return self.upstreams[0]

    @property
    def differentiable(self) -> tuple[Node, ...]:
        """The inputs that have a gradient."""
        return tuple(node for node in self.inputs if node.differentiable)

    @property
    def parameters(self) -> tuple[Node, ...]:
        """The inputs that the program takes: those that have a gradient or are used."""
        used = set(in_order([*self.outputs, *self.gradients.values()]))
        return tuple(node for node in self.inputs if node.differentiable or node in used)

    def forward_nodes(self) -> list[Node]:
        """Everything that the outputs are made of, in order."""
        return in_order(self.outputs)

    def backward_nodes(self) -> list[Node]:
        """Everything that the gradients of the inputs are made of, beyond the forward, in order."""
        found = in_order([self.gradients[x] for x in self.differentiable if x in self.gradients])
        forward = set(self.forward_nodes()) | set(self.inputs)
        return [node for node in found if node not in forward]


def in_order(roots: Iterable[Node]) -> list[Node]:
    """The roots and what they are made of, each after what it is made of; depth first, left to right."""
    found: dict[Node, None] = {}
    waiting: list[tuple[Node, Iterator[Node]]] = []
    for root in roots:
        waiting.append((root, iter(root.inputs)))
        while waiting:
            node, rest = waiting[-1]
            if node in found:
                waiting.pop()
                continue
            following = next((n for n in rest if n not in found), None)
            if following is None:
                found[node] = None
                waiting.pop()
            else:
                waiting.append((following, iter(following.inputs)))
    return list(found)


def evaluate(nodes: Iterable[Node], values: Mapping[Node, Any]) -> dict[Node, Any]:
    """The values of nodes, in their order, from those that are given."""
    known = dict(values)
    for node in nodes:
        if node in known:
            continue
        if node.target is None:
            known[node] = node.value
            continue
        args, kwargs = tree_map(lambda a: known[a] if isinstance(a, Node) else a, (node.args, node.kwargs))
        known[node] = node.target(*args, **kwargs)
    return known
