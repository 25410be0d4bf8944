"""The first line of the user's backward that departs from the derivation.

Each step's value is looked for among the derivation's, up to transposition, sign and a factor. Where a step
is found nowhere, though all that it is made of is found, and nothing behind it is found again, the user's way
and the derivation's part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop.derive.program import Node, Place, in_order
from manual_backprop.derive.script import Line
from manual_backprop.derive.writing.expressions import Unwritable
from manual_backprop.derive.writing.statements import statements
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram, paper_names
from manual_backprop.verify.diagnosis.graph import Values, tensors_in
from manual_backprop.verify.diagnosis.users_steps import Steps, code_of, is_real

SAME = 1e-9  # of a cosine: two values are one but for rounding and a factor
LONGEST = 160


@dataclass(frozen=True, eq=False)
class Match:
    """Where a user's value is found among the derivation's.

    Attributes:
        node: the step of the derivation.
        factor: what the user's value is of it.
        transposed: whether it is its transpose.
    """

    node: Node
    factor: float
    transposed: bool

    @property
    def scaled(self) -> bool:
        """Whether it has another sign or factor."""
        return abs(self.factor - 1) >= 1e-6

    @property
    def exact(self) -> bool:
        """Whether it is the same, number by number."""
        return not self.transposed and not self.scaled


@dataclass(frozen=True, eq=False)
class Departure:
    """The step at which the user's backward leaves the derivation's.

    Attributes:
        place: where it stands.
        code: the line of code.
        right: an expression in it that is right still; "" for what is given.
        due: the line of the derivation, in the user's names; "" where none goes on from there.
        nodes: the steps of the derivation that the due line is made of.
    """

    place: Place
    code: str
    right: str
    due: str
    nodes: frozenset[Node]

    def __str__(self) -> str:
        text = f"line {self.place.line}: {self.code}"
        if self.right:
            text += f": {self.right} is right"
        return f"{text}; due is {self.due}" if self.due else text


class Matches:
    """The derivation's values, to find others among them."""

    def __init__(self, programs: Sequence[DerivedProgram], values: Sequence[Values]) -> None:
        self.rows: dict[int, list[tuple[Node, bool]]] = {}
        vectors: dict[int, list[Tensor]] = {}
        for program, at in zip(programs, values, strict=True):
            for node, value in tensors_in(at, program.graph.order):
                for transposed, form in ((False, value), (True, value.mT if value.dim() > 1 else value)):
                    if transposed and value.dim() < 2:
                        continue
                    flat = form.detach().reshape(-1).double()
                    size = float(flat.norm())
                    if size:
                        self.rows.setdefault(len(flat), []).append((node, transposed))
                        vectors.setdefault(len(flat), []).append(flat)
        self.vectors = {count: torch.stack(rows) for count, rows in vectors.items()}
        self.norms = {count: matrix.norm(dim=1) for count, matrix in self.vectors.items()}

    def find(self, value: Tensor) -> Match | None:
        """The value among the derivation's; the same one before a multiple, and that before a transpose."""
        flat = value.detach().reshape(-1).double()
        count, size = len(flat), float(flat.norm())
        if count not in self.vectors or not size or not flat.isfinite().all():
            return None
        products = self.vectors[count] @ flat
        cosines = products / (self.norms[count] * size)
        factors = products / self.norms[count] ** 2
        likely = (cosines.abs() > 1 - 1e-6).nonzero().flatten().tolist()
        found = []
        for i in likely:
            residual = float((flat - factors[i] * self.vectors[count][i]).abs().max())
            factor = float(factors[i])
            if residual <= SAME * float(flat.abs().max()) and (count > 1 or abs(abs(factor) - 1) < SAME):
                node, transposed = self.rows[count][i]
                same = tuple(node.value.shape) == tuple(value.shape)
                found.append(
                    ((transposed or not same, abs(factor - 1) > SAME, i), Match(node, factor, transposed))
                )
        return min(found, key=lambda f: f[0])[1] if found else None


def matched(steps: Steps, matches: Matches) -> dict[Node, Match]:
    """The steps that are found among the derivation's."""
    found = {step: matches.find(step.value) for step in steps.all if is_real(step)}
    return {step: match for step, match in found.items() if match is not None}


def departure(
    programs: Sequence[DerivedProgram], steps: Steps, found: dict[Node, Match], at: int
) -> Departure | None:
    """The first step that departs on the way to the gradient of input `at`; None if it cannot be told."""
    last = steps.returned[at] if at < len(steps.returned) else None
    if last is None:
        return None
    way = _before(last)
    ordered = [step for step in steps.all if step in way]
    if last in found:
        return _inexact(programs, steps, last, found) or _other_value(programs, steps, last, found, at)
    fine = {step for step in way if step in found or not is_real(step) or not step.value.any()}
    fine |= {step for step in way if step.op in ("input", "constant") or step in steps.of_loss}
    for step in reversed(ordered):  # what leads to a value that is found again was right
        if step in found:
            fine |= _before(step)
    for step in [*_before_it_is_put(ordered, fine), *ordered]:
        if step not in fine and step.place is not None and all(part in fine for part in step.inputs):
            scaled = [part for part in step.inputs if part in found and found[part].scaled]
            earlier = _inexact(programs, steps, scaled[0], found) if scaled else None
            return earlier or _told(programs, steps, step, found, at)
    return None


def _before_it_is_put(ordered: Sequence[Node], fine: set[Node]) -> list[Node]:
    """The steps that are made of right ones, but for those that only put something somewhere.

    What is filled part by part is found nowhere until it is full; it is a part that is wrong, if one is.
    """
    return [
        s for s in ordered if s.op not in ("setitem", "getitem") and all(part in fine for part in s.inputs)
    ]


def _inexact(
    programs: Sequence[DerivedProgram], steps: Steps, last: Node, found: dict[Node, Match]
) -> Departure | None:
    """Where values on the way to the last one begin to have another sign or factor, or to be transposed."""
    if last not in found or found[last].exact:
        return None
    way = _inexact_before(last, found)
    first = next((step for step in steps.all if step in way and step in found), None)
    if first is None or first.place is None:
        return None
    names = users_names(steps.all, found)
    due = found[first].node
    for program in programs:
        if due in program.graph.place and due.inputs:  # an input or grad_output is no line
            line = Line(due, program.script.names.get(due, "d"))
            text = written(program, line, {node: name for node, name in names.items() if node is not due})
            return Departure(first.place, code_of(first.place), "", text, frozenset(inside(program, line)))
    return None


def _inexact_before(last: Node, found: dict[Node, Match]) -> set[Node]:
    """The steps that lead to it by another sign, factor or order as well, or by what is found nowhere."""
    match, reached = found[last], set[Node]()
    waiting = [last]
    while waiting:
        step = waiting.pop()
        if step in reached or step.op in ("input", "constant"):
            continue
        other = found.get(step)
        if other is None or (not other.exact and (other.transposed or not match.transposed)):
            reached.add(step)
            waiting += step.inputs
    return reached


def _other_value(
    programs: Sequence[DerivedProgram], steps: Steps, last: Node, found: dict[Node, Match], at: int
) -> Departure | None:
    """Where what is returned is a value of the derivation, but not the gradient."""
    names = users_names(steps.all, found)
    place = last.place or steps.end
    for program in programs:
        right = program.gradient(at)
        if right is None or place is None or found[last].node is right:
            continue
        line = next((line for line in program.script.backward if line.node is right), None)
        if line is not None:
            due = written(program, line, names)
            return Departure(place, code_of(place), "", due, frozenset(inside(program, line)))
    return None


def _before(last: Node) -> set[Node]:
    reached: set[Node] = set()
    waiting = [last]
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting += step.inputs
    return reached


def _told(
    programs: Sequence[DerivedProgram],
    steps: Steps,
    step: Node,
    found: dict[Node, Match],
    at: int,
) -> Departure:
    assert step.place is not None
    parts = [part for part in step.inputs if part in found]
    reached = {match.node for match in found.values()}
    names = users_names(steps.all, found)
    due, nodes = "", frozenset[Node]()
    line = _due_line(programs, [found[part].node for part in parts], reached, at)
    if line is not None:
        program, one = line
        due = written(program, one, names)
        nodes = frozenset(inside(program, one))
    right = next((p.place.text for p in parts if p.place is not None and not p.name and p.place.text), "")
    return Departure(step.place, code_of(step.place), right, due, nodes)


def users_names(steps: Iterable[Node], found: dict[Node, Match]) -> dict[Node, str]:
    """What the user calls the derivation's steps: a name, or the expression that stands for it."""
    names: dict[Node, str] = {}
    for step in steps:
        if step.name and step in found and found[step].exact:
            names.setdefault(found[step].node, step.name)
    for step in steps:
        if step.place is not None and step.place.text and step in found and found[step].exact:
            text = step.place.text
            names.setdefault(found[step].node, text if _is_one_piece(text) else f"({text})")
    return names


def _is_one_piece(text: str) -> bool:
    """Whether an expression has no operator outside of brackets."""
    depth = 0
    for character in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if depth == 0 and character in " -+*/@":
            return False
    return True


def _due_line(
    programs: Sequence[DerivedProgram], parts: Sequence[Node], reached: set[Node], at: int
) -> tuple[DerivedProgram, Line] | None:
    """The derivation's first line that goes on from what the user has right, to the gradient of the input."""
    best: tuple[int, tuple[DerivedProgram, Line]] | None = None
    for program in programs:
        gradient = program.gradient(at)
        if gradient is None:
            continue
        needed = set(in_order([gradient]))
        gradients = set(program.program.gradients.values()) | {program.program.upstream}
        for line in program.script.backward:
            if line.node not in needed or line.node in reached:
                continue
            within = {*inside(program, line), *line.uses}
            score = sum(10 if part in gradients else 1 for part in parts if part in within)
            if score and (best is None or score > best[0]):
                best = score, (program, line)
    return best[1] if best else None


def inside(program: DerivedProgram, line: Line) -> list[Node]:
    """The steps that a line is made of, and has no names for."""
    named = set(program.script.names)
    found: dict[Node, None] = {line.node: None}
    waiting = [*line.node.inputs]
    while waiting:
        node = waiting.pop()
        if node not in named and node not in found:
            found[node] = None
            waiting += node.inputs
    return list(found)


def written(program: DerivedProgram, line: Line, names: dict[Node, str]) -> str:
    """A line of the derivation, in the user's names where there are some; "" for PyTorch's own."""
    if any(node.op.endswith("_backward") for node in inside(program, line)):
        return ""
    for known in (paper_names(program, names), {**program.script.names, **names}):
        writer = program.language.code({node: name for node, name in known.items() if node is not line.node})
        try:
            code = statements(writer, line.node, line.name)
        except (Unwritable, TypeError, ValueError):  # a step of PyTorch's own, of whatever arguments
            return ""
        text = "; ".join(code) if len(code) > 1 else code[0].partition(" = ")[2]
        if len(text) <= LONGEST:
            return text
    return ""
