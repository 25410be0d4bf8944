"""Which nodes of a program get a line of their own, what they are called, and in which order they stand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from manual_backprop.derive.names import Names
from manual_backprop.derive.program import Node, Program, in_order
from manual_backprop.derive.writing.expressions import LITERAL, Expressions
from manual_backprop.derive.writing.grammar import VIEWS
from manual_backprop.derive.writing.layout import WIDTH, laid_out
from manual_backprop.derive.writing.loops import FEWEST, looped
from manual_backprop.derive.writing.statements import statements

CHEAP = (
    "T",
    "unsqueeze",
    "reshape",
    "expand",
    "permute",
    "getitem",
    "number",
    "constant",
    "neg",
    "part",
    "one_hot",
    "stop_gradient",
    "arange",
    "tensor",
)
DEPTH = 8  # of a method's lines
LINES = (
    "layer",
    "activated layer",
    "recurrent layer",
    "activation",
    "normalisation",
    "pooling",
    "attention",
    "loss",
)
"""Kinds of operations whose result is a step of its own, whether the code names it or not."""


MANY = 24
MANY_LINES = 60  # of a whole script, such as that of a loop, where each pass over all of them takes long
"""Lines that are too long, from which on they are not shortened one after the other, which is slow."""


@dataclass
class Line:
    """A step with a name.

    Attributes:
        node: what it makes.
        name: what that is called.
        code: the lines of Python.
        uses: the named nodes that it is made of.
    """

    node: Node
    name: str
    code: list[str] = field(default_factory=list)
    uses: tuple[Node, ...] = ()


@dataclass
class Script:
    """A program as lines.

    Attributes:
        program: the program.
        names: of every node that has one.
        forward: the lines of the forward.
        backward: those of the backward.
        cache: what the backward takes over from the forward.
        parameters: what the forward is given: the inputs, and tensors that its code finds elsewhere.
        helpers: functions that the code needs beside itself.
    """

    program: Program
    names: dict[Node, str]
    forward: list[Line]
    backward: list[Line]
    cache: list[Node]
    parameters: list[Node]
    helpers: list[str]

    @property
    def results(self) -> list[str]:
        """What the backward returns: the gradient's name, or its expression, for each input that has one."""
        gradients = [self.program.gradients.get(x) for x in self.program.differentiable]
        return [self.names[g] if g is not None else "None" for g in gradients]


def script_of(
    program: Program, dialect: type[Expressions], names: Mapping[Node, str] | None = None
) -> Script:
    """The program in a dialect: lines that are too long are made of shorter ones.

    Args:
        program: it.
        dialect: how its lines are written.
        names: of nodes that have one already.
    """
    layout = _Layout(program, names or {})
    for _ in range(200):
        script, longest = layout.write(dialect)
        if not longest:
            break
        layout.extra |= longest
    return script


def given_constants(program: Program) -> list[Node]:
    """Tensors that the forward's code finds elsewhere, and that are too large to be written as lists."""
    results = [program.gradients[x] for x in program.differentiable if x in program.gradients]
    constants = [n for n in in_order([*program.outputs, *results]) if n.op == "constant"]
    return [n for n in constants if isinstance(n.value, Tensor) and n.value.numel() > LITERAL]


class _Layout:
    """What is known of a program's nodes before it is written."""

    def __init__(self, program: Program, given: Mapping[Node, str]) -> None:
        self.program = program
        self.given = given
        self.results = [program.gradients[x] for x in program.differentiable if x in program.gradients]
        needed = set(in_order([*program.outputs, *self.results]))
        made = {node: i for i, node in enumerate(program.nodes)}
        self.forward_nodes = sorted(
            (n for n in program.forward_nodes() if n.op not in ("input", "number", "constant")),
            key=lambda n: made.get(n, -1),
        )
        known = set(self.forward_nodes) | set(program.inputs)
        self.backward_nodes = sorted(
            (n for n in needed if n not in known and n.op not in ("number", "upstream", "constant")),
            key=lambda n: made.get(n, -1),
        )
        self.owners: dict[Node, Node] = {}
        self.uses: Counter[Node] = Counter()
        for node in (*self.forward_nodes, *self.backward_nodes):
            self.uses.update(node.inputs)
        self.extra: set[Node] = set()
        self.consumers: dict[Node, list[Node]] = {}
        for node in (*self.forward_nodes, *self.backward_nodes):
            for part in node.inputs:
                self.consumers.setdefault(part, []).append(node)

    def _own(self, lines: set[Node]) -> None:
        """Whose gradient a node is: of several that share it, the earliest with a line, else the latest."""
        sharing: dict[Node, list[Node]] = {}
        for node, gradient in self.program.gradients.items():
            if gradient.op not in ("upstream", "number", "input", "constant"):
                sharing.setdefault(gradient, []).append(node)
        for gradient, nodes in sharing.items():
            inner = [n for n in nodes if n.op != "input"]
            outer = [n for n in nodes if n.op == "input"]
            self.owners[gradient] = next((n for n in reversed(inner) if n in lines), (outer or inner)[0])

    def lines(self, dialect: type[Expressions]) -> set[Node]:
        """The nodes that get a line."""
        found = {*self.extra, *self.program.outputs}
        named = Counter(n.name for n in self.forward_nodes if n.given)
        many = (
            {n for n in self.forward_nodes if n.op == "getitem" and named[n.name] >= FEWEST}
            if dialect.faithful
            else set()
        )
        salient = {n for call in self.program.calls if call.kind in LINES for n in call.outputs}
        for node in self.forward_nodes:
            repeated = self.uses[node] > 1 and not _is_cheap(node, found)
            if node in many and _is_cheap(node, found):
                continue  # the windows that a loop looks at
            if node.given or node in salient or repeated or node.op in dialect.statements():
                found.add(node)
        self._own(found)
        found |= {g for g in self.results if g.op not in ("upstream", "number", "constant", "input")}
        for node in self.backward_nodes:
            owner = self.owners.get(node)
            repeated = self.uses[node] > 1 and not _is_cheap(node, found)
            if (
                repeated
                or node.op in dialect.statements()
                or (owner is not None and owner in found and owner.op != "input")
            ):
                found.add(node)
                of = owner or node.of
                if of is not None and of.op != "input" and not _is_cheap(of, found):
                    found.add(of)
        for node in (*self.forward_nodes, *self.backward_nodes):
            if self.uses[node] > 1 and node not in found and node.op in CHEAP:  # what it is made of is not
                found.update(n for n in node.inputs if n.op not in CHEAP)
        for node in self.backward_nodes:
            if node.op == "total" and any(self._is_written_into(n, dialect) for n in node.args):
                found.add(node)
        found -= {n for n in found if self._is_written_into(n, dialect)} - {
            *self.program.outputs,
            *self.results,
        }
        return {n for n in found if n.op not in ("input", "constant", "number", "upstream")}

    def _is_written_into(self, node: Node, dialect: type[Expressions]) -> bool:
        """Whether its one use is to be written over, or added to a sum at its place."""
        consumers = self.consumers.get(node, [])
        if (
            len(consumers) != 1
            or self.uses[node] != 1
            or node in self.results
            or node in self.program.outputs
        ):
            return False
        (consumer,) = consumers
        if consumer.op == "total":
            return node.op in dialect.statements() and node.args[0].op in ("zeros_like", "zeros")
        written_over = consumer.op in dialect.statements() and consumer.args[0] is node
        return written_over and node.op not in VIEWS

    def write(self, dialect: type[Expressions]) -> tuple[Script, set[Node]]:
        """The script, and nodes that should have a line so that others get shorter."""
        lines = self.lines(dialect)
        names = Names(
            self.program,
            self.owners,
            lines,
            self.given,
            dialect.helper_names,
            faithful=dialect.faithful,
        )
        forward = [names.forward(node) for node in self.forward_nodes if node in lines]
        backward = [node for node in self.backward_nodes if node in lines]
        given = given_constants(self.program)
        for node in given:
            names.forward(node)
        for node in self.program.upstreams:
            if node.op == "upstream" and node not in self.given:
                names.names[node] = "grad_output"
        whole = (
            [node for node in backward if self.owners.get(node) in names.names] if dialect.faithful else []
        )
        for node in (*(g for g in self.results if g in lines), *whole, *backward):
            if node not in names.names:
                names.backward(node)
        del forward
        writer = dialect(names.names)
        forward_lines = [self._line(writer, n, names.names[n]) for n in self.forward_nodes if n in lines]
        backward_lines = self._ordered([self._line(writer, n, names.names[n]) for n in backward])
        in_forward = set(self.forward_nodes) | set(self.program.inputs) | set(given)
        cache: dict[Node, None] = {}
        for line in backward_lines:
            cache.update(dict.fromkeys(n for n in line.uses if n in in_forward))
        order = {n: i for i, n in enumerate([*self.program.inputs, *given, *self.forward_nodes])}
        script = Script(
            self.program,
            names.names,
            forward_lines,
            backward_lines,
            sorted(cache, key=lambda n: order[n]),
            [*self.program.parameters, *given],
            writer.helpers(),
        )
        return script, self._to_shorten([*forward_lines, *backward_lines], lines)

    def _ordered(self, lines: list[Line]) -> list[Line]:
        """What is ready of the inputs' gradients first, in the inputs' order: then the way back goes on."""
        rank = {g: i for i, g in enumerate(self.results)}
        nodes = {line.node for line in lines}
        done: set[Node] = set()
        ordered: list[Line] = []
        waiting = list(lines)
        while waiting:
            ready = [
                x for x in waiting if all(n in done or n not in nodes for n in x.uses if n is not x.node)
            ]
            results = sorted(
                (x for x in ready if x.node in rank and self._is_end(x.node)), key=lambda x: rank[x.node]
            )
            chosen = (results or ready or waiting)[0]
            waiting.remove(chosen)
            done.add(chosen.node)
            ordered.append(chosen)
        return ordered

    def _is_end(self, node: Node) -> bool:
        return not self.uses[node]

    def _line(self, writer: Expressions, node: Node, name: str) -> Line:
        before = writer.used
        writer.used = {}
        code = statements(writer, node, name)
        if writer.faithful:
            code = looped(code, set(writer.names.values()))
        line = Line(node, name, code, tuple(n for n in writer.used if n is not node))
        writer.used = before
        return line

    def _to_shorten(self, lines: list[Line], named: set[Node]) -> set[Node]:
        """A node inside the first line that is too long; where many are, inside each that shares none."""
        found: dict[Node, None] = {}
        seen: set[Node] = set()
        for line in lines:
            if max(len(text) for text in line.code) + DEPTH <= WIDTH:
                continue
            parts = [n for n in _unnamed(line.node, named) if n is not line.node and n not in self.extra]
            if seen.intersection(parts):
                continue
            inside = [n for n in parts if n.op not in CHEAP] or [n for n in parts if n.name]
            if (
                not inside
                and max(len(x) for text in line.code for x in laid_out(text, DEPTH)) > WIDTH - DEPTH
            ):
                inside = [n for n in parts if _weight(n, named) > 1]
            if inside:
                seen.update(parts)
                node = max(inside, key=lambda n: (bool(n.name), _weight(n, named) <= 6, _weight(n, named)))
                found[node] = None
        return set(list(found)[: None if len(found) > MANY or len(lines) > MANY_LINES else 1])


def _is_cheap(node: Node, named: set[Node]) -> bool:
    """Whether it may be written again wherever it is used: one view, but no view of a view; or 1 − t."""
    inside = [n for n in node.inputs if n.op not in ("number", "constant")]
    if node.op in ("add", "sub", "mul", "div", "pow", "neg") and not inside:
        return True
    if node.op in ("add", "sub", "mul", "div", "pow") and len(inside) == 1:
        (x,) = inside
        of_numbers = x.op in ("mul", "div", "neg") and _is_cheap(x, named)
        return x in named or x.op in ("input", "upstream") or of_numbers
    if node.op == "T" and node.args[0].op == "getitem":
        return _is_cheap(node.args[0], named)
    return node.op in CHEAP and not any(n.op in CHEAP and n not in named for n in inside)


def _unnamed(node: Node, named: set[Node]) -> list[Node]:
    """The nodes that are written inside another one's line."""
    found: dict[Node, None] = {}
    waiting = list(node.inputs)
    while waiting:
        inner = waiting.pop()
        if inner in named or inner.op in ("input", "upstream", "number", "constant") or inner in found:
            continue
        found[inner] = None
        waiting += inner.inputs
    return list(found)


def _weight(node: Node, named: set[Node]) -> int:
    """How many steps a node's expression holds."""
    return 1 + len(_unnamed(node, named))
