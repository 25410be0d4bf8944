"""The lines of a derivation with all that is said of each: code, shape, formula, reason."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manual_backprop.derive.condensed import condensed, ranges
from manual_backprop.derive.program import Node, Program
from manual_backprop.derive.script import Line, Script, script_of
from manual_backprop.derive.writing.dialects import Dialect
from manual_backprop.derive.writing.mathematics import Mathematics
from manual_backprop.derive.writing.signs import Signs
from manual_backprop.functional.operation.torch_state import tree_leaves

TIMES = {2: "twice", 3: "three times", 4: "four times"}


@dataclass(frozen=True)
class Row:
    """A line, as it is shown.

    Attributes:
        code: lines of Python.
        shape: of what it makes.
        left: what that is in mathematics.
        right: and what it is equal to.
        reason: why it is so, where that is not plain.
        number: the line's own, counted from 1 through forward and backward; None in the short form.
        condenses: the numbers of the lines of the elementary form that it stands for, as text.
    """

    code: tuple[str, ...]
    shape: tuple[int, ...]
    left: str
    right: str
    reason: str = ""
    number: int | None = None
    condenses: str = ""


@dataclass(frozen=True)
class Shown:
    """All of a derivation.

    Attributes:
        forward: the lines of the forward.
        backward: those of the backward.
        output: the name of what comes out, in code.
        loss: its letter, where it is the loss.
        upstreams: of each output, what its gradient is called in the code, "1" for a loss, and ∂L/∂output in
            mathematics.
        meanings: of letters that the code has not.
    """

    forward: list[Row]
    backward: list[Row]
    output: str
    loss: str
    upstreams: list[tuple[str, str]]
    meanings: dict[str, str]

    @property
    def is_loss(self) -> bool:
        """Whether what comes out is the loss itself."""
        return self.upstreams[0][0] == "1"


def shown(
    program: Program,
    long: Program | None,
    signs: type[Signs],
    dialect: Dialect,
    names: Mapping[Node, str],
    *,
    numbered: bool,
) -> Shown:
    """The lines of a program.

    Args:
        program: it.
        long: its elementary form, whose lines are named; None to name none.
        signs: of Unicode, or of LaTeX.
        dialect: of the code.
        names: of nodes that have one already.
        numbered: whether the lines are numbered.
    """
    script = script_of(program, dialect.paper, names)
    whole = None if long is None else script_of(long, dialect.paper)
    stands_for = {} if whole is None or _says(whole) == _says(script) else condensed(script, whole)
    writer = Mathematics(script, signs)
    reasons = _Reasons(script, dialect)
    count = 0

    def row(line: Line) -> Row:
        nonlocal count
        count += 1
        left, right = writer.equation(line)
        if any(text.startswith("for ") for text in line.code):
            left, right = writer.names[line.node], signs().word("as the loops say")
        return Row(
            tuple(line.code),
            line.node.shape,
            left,
            right,
            "; ".join(reasons.of(line)),
            count if numbered else None,
            ranges(stands_for.get(line.node, [])),
        )

    forward = [row(line) for line in script.forward]
    backward = [*_aliases(script, writer, dialect, None)]
    for line in script.backward:
        backward += [row(line), *_aliases(script, writer, dialect, line)]
    backward += _unreached(script, writer)
    return Shown(
        forward,
        backward,
        script.names[program.output],
        writer.names[program.output],
        [
            (script.names.get(upstream, "1"), writer.gradient_of(output))
            for output, upstream in zip(program.outputs, program.upstreams, strict=True)
        ],
        writer.meanings(),
    )


def _says(script: Script) -> list[list[str]]:
    return [line.code for line in (*script.forward, *script.backward)]


def _aliases(script: Script, writer: Mathematics, dialect: Dialect, behind: Line | None) -> Iterator[Row]:
    """The inputs whose gradient is that of another tensor, made in the line `behind`, or in no line."""
    lines = {line.node: line for line in script.backward}
    for node in script.program.differentiable:
        gradient = script.program.gradients.get(node)
        if gradient is None or lines.get(gradient) is not behind:
            continue
        name = f"d{script.names[node]}"
        if behind is None or behind.name != name:
            code = f"{name} = {dialect.paper(script.names).text(gradient)}"
            yield Row((code,), node.shape, writer.gradient_of(node), writer.text(gradient))


def _unreached(script: Script, writer: Mathematics) -> Iterator[Row]:
    """The inputs that the output does not depend on."""
    for node in script.program.differentiable:
        if node not in script.program.gradients:
            name = script.names[node]
            outputs = " and ".join(script.names[output] for output in script.program.outputs)
            reason = f"{outputs} {'does' if len(script.program.outputs) == 1 else 'do'} not depend on {name}"
            yield Row((f"d{name} = 0",), node.shape, writer.gradient_of(node), "0", reason)


class _Reasons:
    """Why lines of the backward are as they are."""

    def __init__(self, script: Script, dialect: Dialect) -> None:
        self.script = script
        self.dialect = dialect
        self.uses: Counter[Node] = Counter()
        self.sources: dict[Node, Node] = {}  # whose gradient a node is, or is one share of
        for call in script.program.calls:
            nodes = [leaf for leaf in tree_leaves(call.inputs) if isinstance(leaf, Node)]
            for at, gradient in call.gradients.items():
                self.uses[nodes[at]] += 1
                self.sources.setdefault(gradient, nodes[at])
        self.uses.update(script.program.outputs)
        self.totals = {total: node for node, total in script.program.gradients.items()}

    def of(self, line: Line) -> Iterator[str]:
        """The reasons for what is written in a line."""
        seen = set()
        for node in _written_in(line.node, self.script):
            said = self._of(node) or (self._of_a_parameter(node) if node is line.node else "")
            if said and said not in seen:
                seen.add(said)
                yield said

    def _of(self, node: Node) -> str:
        if node.reason == "broadcast" and node.op == "sum":
            dims = range(len(node.args[0].shape)) if node.args[1] is None else node.args[1]
            what = self._name(self.sources.get(node))
            return f"a sum: {what} was broadcast along {self.dialect.along([*dims])}" if what else ""
        if node.reason == "uses":
            used = self.totals.get(node)
            what, count = self._name(used), self.uses[used] if used is not None else 0
            times = TIMES.get(count, f"{count} times")
            if not what or count < 2:
                return ""
            if node.op in ("stack", "cat"):
                return f"{what} is used in parts: their gradients, joined"
            return f"+=: {what} is used {times}"
        return ""

    def _of_a_parameter(self, node: Node) -> str:
        """Of the bias of a convolution, or the weight of a norm, that stands for a whole channel."""
        of_all = node.call is not None and node.call.kind in ("layer", "normalisation")
        what = self._name(self.sources.get(node))
        if not (of_all and what and node.op == "sum" and node.args[1] is not None):
            return ""
        return f"a sum: {what} was broadcast along {self.dialect.along(node.args[1])}"

    def _name(self, node: Node | None) -> str:
        if node is None:
            return ""
        while node not in self.script.names and node.op in ("unsqueeze", "reshape", "expand", "T"):
            node = node.args[0]
        return self.script.names.get(node, "")


def _written_in(node: Node, script: Script) -> Iterator[Node]:
    yield node
    for part in node.inputs:
        if part not in script.names:
            yield from _written_in(part, script)
