"""The sum over all paths from an input to the output, some of which are forgotten or have a wrong weight.

A tensor that is used several times gets the sum of what comes back through each use (the chain rule for
several variables). Cutting one path and taking what is left tells what that path brings.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.forward_trace import Change, Edge, name_of, trace_at
from manual_backprop.verify.problem import Draw, Problem

NEGLIGIBLE = 1e-10  # relative to the largest entry: a part of the gradient that is no larger is rounding
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


def paths(problem: Problem, draw: Draw, at: int) -> list[Term]:
    """What comes back along each path that is not the only one: the sum over all paths is the gradient."""
    trace = trace_at(problem, draw)
    right = problem.right(draw)[at]
    tolerance = NEGLIGIBLE * float(right.abs().max())
    found: list[Term] = []
    for edge in trace.edges:
        without = trace.gradient(draw, at, Change(edge, "cut"))
        term = right if without is None else right - without
        known = (torch.zeros_like(term), right, *(f.gradient for f in found))
        if not any((term - other).abs().max() <= tolerance for other in known):
            found.append(_path(edge, term))
    return found


def _path(edge: Edge, gradient: Tensor) -> Term:
    beginning: Any = edge.step.args[edge.argument]
    if beginning.op == "placeholder":
        return Term("forgotten-use", f"the path from the input through {edge.name}", gradient, 1)
    begin = name_of(beginning) if beginning.op == "call_function" else str(beginning.target)
    return Term("forgotten-path", f"the path from {begin} through {edge.name}", gradient, 2)


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
                words = " × ".join(filter(None, ("grad_output", text)))
                found.append(Term("extra-term", words, upstream * tensor, 3 + count))
            found.append(Term("extra-term", text or "a constant", tensor, 3 + count))
    return found
