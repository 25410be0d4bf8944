"""The user's backward as the steps that it takes, each with its value and the line that it stands in."""

import inspect
import linecache
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from manual_backprop.derive.book import set_item
from manual_backprop.derive.code_names import entrance, is_users, seen_from
from manual_backprop.derive.primitives import Primitive, name_of, primitive
from manual_backprop.derive.program import Node, Place, in_order
from manual_backprop.functional.operation.torch_state import tree_map
from manual_backprop.verify.diagnosis.graph import is_real_tensor
from manual_backprop.verify.forms.form import FormedBackward
from manual_backprop.verify.problem import Draw, Problem

NO_STEPS = {"size", "dim", "numel", "is_floating_point", "item", "tolist", "bool", "len", "stride", "type",
            "ndimension", "element_size", "is_complex", "requires_grad_", "setattr", "repr"}  # fmt: skip
ATTRIBUTES = {"T", "mT", "H", "mH", "data", "real"}


@dataclass
class Steps:
    """All steps of a backward, as the nodes of a program.

    Attributes:
        all: in the order in which they were taken; first what is given.
        returned: the step that each gradient is; None where it is not the tensor of a step.
        end: the last line, which returns them; None where the source cannot be read.
        of_loss: the steps that a loss is made of, where its gradients come from the same function.
    """

    all: list[Node] = field(default_factory=list)
    returned: list[Node | None] = field(default_factory=list)
    end: Place | None = None
    of_loss: frozenset[Node] = frozenset()


def is_real(step: Node) -> bool:
    """Whether it holds real numbers, rather than places, classes or a mask."""
    return is_real_tensor(step.value)


class _Following(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Node] = []
        self.known: dict[int, Node] = {}
        self.alive: list[Any] = []

    def know(self, tensor: Tensor, step: Node) -> None:
        self.known[id(tensor)] = step
        self.alive.append(tensor)

    def add(self, tensor: Tensor, step: Node) -> None:
        self.steps.append(step)
        self.know(tensor, step)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = name_of(func)
        if name in NO_STEPS or (getattr(func, "__name__", "") == "__get__" and name not in ATTRIBUTES):
            return func(*args, **kwargs)
        found = _primitive(func, args, kwargs)
        nodes = tree_map(self._node, (found.args, found.kwargs))
        output = func(*args, **kwargs)
        seen = seen_from(sys._getframe(1), is_users)
        if name == "setitem":
            node = Node("setitem", nodes[0], {}, args[0].detach().clone(), set_item, place=seen.place)
            node.name = nodes[0][0].name
            self.add(args[0], node)
        elif isinstance(output, Tensor):
            node = Node(found.op, nodes[0], nodes[1], output.detach().clone(), found.target, place=seen.place)
            over = nodes[0][0] if args and output is args[0] else None  # it is written over, as by index_put_
            node.name = seen.names[0] if len(seen.names) == 1 else over.name if over is not None else ""
            self.add(output, node)
        elif isinstance(output, tuple | list) and any(isinstance(x, Tensor) for x in output):
            whole = Node(found.op, nodes[0], nodes[1], output, found.target, place=seen.place)
            for at, part in enumerate(output):
                if isinstance(part, Tensor):
                    node = Node(
                        "part", (whole, at), {}, part.detach().clone(), operator.getitem, place=seen.place
                    )
                    node.name = seen.names[at] if len(seen.names) == len(output) else ""
                    self.add(part, node)
        return output

    def _node(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self.known:
            self.know(value, Node("constant", value=value.detach().clone()))
        return self.known[id(value)]


def _primitive(func: Any, args: Any, kwargs: Any) -> Primitive:
    """The call under its one name, or as it is where its arguments are of another form."""
    try:
        return primitive(func, args, kwargs)
    except (TypeError, ValueError, RuntimeError):
        return Primitive(name_of(func), func, args, kwargs)


@lru_cache(maxsize=32)  # each input asks for them, on each draw
@entrance
def steps_of(problem: Problem, draw: Draw) -> Steps:
    """Run the user's backward at a point and write its steps down; none if it raises."""
    follower = _Following()
    upstream = draw.upstream.clone()
    inputs = [x.clone() for x in draw.inputs]
    if isinstance(problem.backward, FormedBackward):
        return _steps_of_form(problem, problem.backward, follower, upstream, inputs)
    names = _parameters(problem.backward)
    given = [upstream, *inputs]
    for at, tensor in enumerate(given):
        name = names[at] if at < len(names) else (problem.upstream, *problem.names)[at]
        follower.add(tensor, Node("input", value=tensor.clone(), name=name, given=True))
    more = {}
    if "output" in names[len(given) :] or "output" in _keywords(problem.backward):
        output = draw.output.clone()
        follower.add(output, Node("input", value=output.clone(), name="output", given=True))
        more = {"output": output}
    try:
        with follower:
            returned = problem.backward(upstream, *inputs, **more)
    except (Exception, SystemExit):  # what it raises has been told already
        return Steps()
    several = returned if isinstance(returned, tuple | list) else (returned,)
    found = [follower.known.get(id(g)) if isinstance(g, Tensor) else None for g in several]
    if len(found) == len(problem.names):
        found = [found[i] for i in problem.differentiable]
    return Steps(follower.steps, found, _end_of(problem.backward))


def _steps_of_form(
    problem: Problem,
    backward: FormedBackward,
    follower: _Following,
    upstream: Tensor,
    inputs: Sequence[Tensor],
) -> Steps:
    def know(name: str, tensor: Tensor) -> None:
        if id(tensor) in follower.known:
            if name != "_":
                follower.known[id(tensor)].name = name
        else:
            follower.add(tensor, Node("input", value=tensor.detach().clone(), name=name, given=True))

    losses: list[Tensor] = []
    try:
        returned = backward.follow(upstream, inputs, follower, know, losses.append)
    except (Exception, SystemExit):  # NumPy code for which torch has no functions, say
        return Steps()
    found = [follower.known.get(id(g)) if isinstance(g, Tensor) else None for g in returned]
    computed = [follower.known[id(loss)] for loss in losses if id(loss) in follower.known]
    return Steps(
        follower.steps,
        [found[i] for i in problem.differentiable],
        _end_of(backward.code),
        frozenset(in_order(computed)),
    )


def _end_of(backward: Any) -> Place | None:
    """Where a function returns."""
    try:
        lines, start = inspect.getsourcelines(backward)
        file = inspect.getsourcefile(backward) or ""
    except (OSError, TypeError):
        return None
    returns = [i for i, line in enumerate(lines) if line.strip().startswith("return")]
    return Place(file, start + (returns[-1] if returns else 0), "")


def code_of(place: Place) -> str:
    """The line of code that a place is in, without its indentation and its comment."""
    line = linecache.getline(place.file, place.line).strip()
    return line.split("  #")[0].rstrip()


def _parameters(backward: Any) -> list[str]:
    """The names of what a backward is given by position."""
    try:
        parameters = inspect.signature(backward).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _keywords(backward: Any) -> set[str]:
    try:
        return set(inspect.signature(backward).parameters)
    except (TypeError, ValueError):
        return set()
