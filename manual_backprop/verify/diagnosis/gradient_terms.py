"""The sum over all ways from an input to the output, some of which are forgotten or weighed wrongly.

A tensor that is used several times gets the sum of what comes back through each use (the chain rule for
several variables). Cutting one way and taking what is left tells what that way brings.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import Tensor, fx

from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.forward_trace import Change, Way, steps_at
from manual_backprop.verify.problem import Draw, Problem


@dataclass(frozen=True)
class Term:
    """A part of the right gradient, or what is added to it: what is forgotten or too many.

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


def ways(problem: Problem, draw: Draw, at: int) -> list[Term]:
    """What comes back on each way that is not the only one: the sum over all ways is the gradient."""
    steps = steps_at(problem, draw)
    right = problem.right(draw)[at]
    tolerance = 1e-10 * float(right.abs().max())
    found: list[Term] = []
    for way in steps.ways:
        without = steps.gradient(draw, at, Change(way, "cut"))
        term = right if without is None else right - without
        argument: Any = way.step.args[way.argument]
        of_input = argument.op == "placeholder"
        same = (t for t in (right, *(f.gradient for f in found)) if (t - term).abs().max() <= tolerance)
        if term.abs().max() > tolerance and next(same, None) is None:
            name = "forgotten-use" if of_input else "forgotten-path"
            begin = "the input's way" if of_input else f"the way from {_read(argument)}"
            text = f"{begin} through {way.name}"
            found.append(Term(name, text, term, 1 if of_input else 2))
    return found


def half_forgotten(term: Term, right: Tensor) -> Candidate | None:
    """A way forgotten that brings the same as another one: what is left looks like the right one × ½."""
    share = float((term.gradient * right).sum() / (right * right).sum())
    if not torch.allclose(term.gradient, share * right, 1e-9, 1e-12):
        return None
    text = f"{term.text[0].upper()}{term.text[1:]} is forgotten"
    return Candidate(term.name, text, right - term.gradient, term.complexity)


def _read(node: fx.Node) -> str:
    return Way(node, 0).name if node.op == "call_function" else str(node.target)


def products(problem: Problem, draw: Draw, at: int) -> list[Term]:
    """Terms that stand in formulas: the upstream gradient, or one, times up to two of what there is."""
    position = problem.differentiable[at]
    shape = draw.inputs[position].shape
    fitting = [(name, t.expand(shape)) for name, t in problem.tensors(draw) if broadcasts(t.shape, shape)]
    upstream = draw.upstream.expand(shape) if broadcasts(draw.upstream.shape, shape) else None
    found = []
    for count in (0, 1, 2):
        for chosen in combinations_with_replacement(fitting, count):
            text = " × ".join(name for name, _ in chosen)
            tensor = torch.ones(shape, dtype=draw.output.dtype)
            for _, factor in chosen:
                tensor = tensor * factor
            if upstream is not None:
                words = " × ".join(filter(None, ("grad_output", text)))
                found.append(Term("extra-term", words, upstream * tensor, 3 + count))
            found.append(Term("extra-term", text or "a constant", tensor, 3 + count))
    return found
