"""The derivation of a problem's forward, as a program that can be run with one of its steps changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch

from manual_backprop.derive.backward import program_of
from manual_backprop.derive.program import Node, Program, in_order
from manual_backprop.derive.script import Script, script_of
from manual_backprop.derive.trace import TooLong
from manual_backprop.derive.writing.dialects import Dialect
from manual_backprop.verify.diagnosis.graph import Graph, Values
from manual_backprop.verify.problem import Draw, Problem

MOST_STEPS = 400  # of a program that mistakes are tried in
RTOL, ATOL = 1e-7, 1e-9


@dataclass(eq=False)
class DerivedProgram:
    """A program, and what it takes to run it again.

    Attributes:
        program: the steps.
        differentiable: the inputs that have a gradient, by their position.
        script: the same as lines with names.
        language: of these lines.
        graph: all steps.
    """

    program: Program
    differentiable: tuple[int, ...]
    script: Script
    language: Dialect
    graph: Graph

    @property
    def taken_off(self) -> list[Node]:
        """The largest values that are taken off before an exponential, on which nothing depends."""
        forward = set(in_order([self.program.output]))
        largest = [node for node in self.graph.order if node.op == "amax" and node in forward]
        return [node for node in largest if node.call is None or not node.call.gradients]

    def values_at(self, draw: Draw, *, as_run: bool = False) -> Values:
        """Every step's value at a point; `as_run`: with what is taken off, which on paper nobody does."""
        draw = draw.double()
        given: Values = dict(zip(self.program.inputs, draw.inputs, strict=True))
        given[self.program.upstream] = draw.upstream
        if not as_run and self.taken_off:
            without = {node: torch.zeros_like(node.value) for node in self.taken_off}
            values = self.graph.values_from({**given, **without})
            if self.holds_at(draw, values):
                return values
        return self.graph.values_from(given)

    def holds_at(self, draw: Draw, values: Values) -> bool:
        """Whether it is the forward at this point too: code may go another way where numbers differ."""
        output = values[self.program.output]
        return bool(torch.allclose(output, draw.output.double(), RTOL, ATOL))

    def gradient(self, at: int) -> Node | None:
        """∂L/∂ of the differentiable input `at`."""
        return self.program.gradients.get(self.program.inputs[self.differentiable[at]])


@lru_cache(maxsize=4)  # the same problem is asked about for each of its inputs
def derived_programs(problem: Problem, draw: Draw) -> tuple[DerivedProgram, ...]:
    """The short derivation and the long one; fewer, where they are the same, too long or cannot be made."""
    found: list[DerivedProgram] = []
    for elementary in (False, True):
        try:
            program, graph = _derived(problem, draw.double(), elementary)
            if len(graph.order) <= MOST_STEPS and (
                not found or len(found[0].graph.order) != len(graph.order)
            ):
                script = script_of(program, problem.language.code, {program.upstream: problem.upstream})
                found.append(DerivedProgram(program, problem.differentiable, script, problem.language, graph))
        except TooLong:  # and in smaller steps, longer still
            break
        except Exception:  # the forward is anyone's, and this is for an explanation only
            continue
    return tuple(found)


def _derived(problem: Problem, draw: Draw, elementary: bool) -> tuple[Program, Graph]:
    program = program_of(
        problem.forward,
        problem.names,
        draw.inputs,
        problem.differentiable,
        None if problem.is_loss else draw.upstream,
        elementary=elementary,
        opaque=True,
        patterns=problem.dialect == "numpy",
        most=MOST_STEPS,
    )
    outputs = [node for call in program.calls for node in call.outputs]
    roots = [program.output, *outputs, *program.gradients.values()]
    made = {node: i for i, node in enumerate(program.nodes)}
    order = in_order(roots)
    first = [node for node in order if node not in made]
    order = first + sorted((node for node in order if node in made), key=lambda n: made[n])
    return program, Graph(order)


def paper_names(program: DerivedProgram, users: Mapping[Node, str]) -> dict[Node, str]:
    """Names for the derivation's steps: the user's, the forward's own, and d with one of these."""
    known = {node for node, name in program.script.names.items() if node.given or node.op == "input"}
    owned = {g for value, g in program.program.gradients.items() if value in known}
    own = {node: name for node, name in program.script.names.items() if node in known or node in owned}
    return {**{node: name for node, name in own.items() if node not in users}, **users}
