"""The sum over all paths from an input to the output, some of which are forgotten or have a wrong weight.

A tensor that is used several times gets the sum of what comes back through each use (the chain rule for
several variables). Cutting one path and taking what is left tells what that path brings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from manual_backprop.derive.program import Node, in_order
from manual_backprop.derive.writing.expressions import Unwritable
from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.derived_program import DerivedProgram, derived_programs
from manual_backprop.verify.diagnosis.graph import Values
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.problem import Draw, Problem

NEGLIGIBLE = 1e-10  # relative to the largest entry: a part of the gradient that is no larger is rounding
LONGEST = 60  # characters of a term in a sentence
RTOL, ATOL = 1e-9, 1e-12  # gradients of float64 that are closer than this are the same


@dataclass(frozen=True)
class Term:
    """A part of the right gradient, or what is added to it: what is forgotten or added.

    Attributes:
        name: of the mistake if it is forgotten.
        text: what it is.
        gradient: the term itself.
        complexity: see `Candidate`.
    """

    name: str
    text: str
    gradient: Tensor
    complexity: int


def paths(wrong: WrongGradient) -> list[tuple[Term, ...]]:
    """What comes back along each path that is not the only one, on every draw."""
    found: list[tuple[Term, ...]] = []
    for program in derived_programs(wrong.problem, wrong.draws[0]):
        right = program.gradient(wrong.at)
        if right is None:
            continue
        values = [program.values_at(draw) for draw in wrong.draws]
        forward = set(in_order([program.program.output]))
        for node in in_order([right]):
            if node in forward or node.op not in ("add", "sub", "total"):
                continue
            for part in dict.fromkeys(node.inputs):
                term = _path(program, node, part, right, values)
                if term is not None and not any(_same(term, other) for other in found):
                    found.append(term)
    return found


def _path(
    program: DerivedProgram, node: Node, part: Node, right: Node, values: Sequence[Values]
) -> tuple[Term, ...] | None:
    """What a part of a sum brings, on every draw; None if it is nothing, or all."""
    gradients = []
    for at in values:
        try:
            left = _without(node, part, at)
            without = program.graph.with_changes({node: lambda _, left=left: left}, at, right)
        except (RuntimeError, ValueError):
            return None
        gradients.append(at[right] - without)
    size = float(values[0][right].abs().max())
    if any(float(g.abs().max()) <= NEGLIGIBLE * size for g in gradients[:1]):
        return None
    if float((gradients[0] - values[0][right]).abs().max()) <= NEGLIGIBLE * size:
        return None
    whose = part.call.place.text if part.call is not None and part.call.place is not None else ""
    again = node.op == "total" and node is right
    name = "forgotten-use" if again else "forgotten-path"
    text = f"the way back through {whose}" if whose else f"the term {_written(program, part)}"
    return tuple(Term(name, text, g, 1 if again else 2) for g in gradients)


def _without(node: Node, part: Node, values: Values) -> Tensor:
    """A sum without one of its parts."""
    signs = (1, -1) if node.op == "sub" else (1,) * len(node.args)
    total = torch.zeros_like(values[node])
    for sign, one in zip(signs, node.args, strict=True):
        if one is not part:
            total = total + sign * (values[one] if isinstance(one, Node) else one)
    return total


def _written(program: DerivedProgram, node: Node) -> str:
    try:
        text = program.language.code(program.script.names).text(node)
    except (Unwritable, TypeError, ValueError):  # a step of PyTorch's own, of whatever arguments
        return "a step"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _same(term: tuple[Term, ...], other: tuple[Term, ...]) -> bool:
    return torch.allclose(term[0].gradient, other[0].gradient, RTOL, ATOL)


def half_forgotten(term: Term, right: Tensor) -> Candidate | None:
    """A forgotten path that brings the same as another one: what is left looks like the right one × ½."""
    share = float((term.gradient * right).sum() / (right * right).sum())
    if not torch.allclose(term.gradient, share * right, RTOL, ATOL):
        return None
    text = f"{term.text[0].upper()}{term.text[1:]} is forgotten"
    return Candidate(term.name, text, right - term.gradient, term.complexity)


def products(problem: Problem, draw: Draw, at: int) -> list[Term]:
    """Terms that formulas consist of: the upstream gradient, or one, times up to two inputs or outputs."""
    position = problem.differentiable[at]
    shape = draw.inputs[position].shape
    fitting = [(name, t.expand(shape)) for name, t in problem.tensors(draw) if broadcasts(t.shape, shape)]
    upstream = draw.upstream.expand(shape) if broadcasts(draw.upstream.shape, shape) else None
    found = []
    for count in (0, 1, 2):
        for chosen in combinations_with_replacement(fitting, count):
            text = " × ".join(name for name, _ in chosen)
            tensor = torch.ones(shape, dtype=draw.output.dtype, device=draw.output.device)
            for _, factor in chosen:
                tensor = tensor * factor
            if upstream is not None:
                words = " × ".join(filter(None, (problem.upstream, text)))
                found.append(Term("extra-term", words, upstream * tensor, 3 + count))
            found.append(Term("extra-term", text or "a constant", tensor, 3 + count))
    return found
