"""What people get wrong in a step of the forward: its local derivative, or its dimension."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.forward_trace import Change, Edge, ForwardTrace, name_of, trace_at
from manual_backprop.verify.diagnosis.wrong_derivatives import WRONG_DERIVATIVES, replaced
from manual_backprop.verify.problem import Draw, Problem

RTOL, ATOL = 1e-9, 1e-12  # gradients of float64 that are closer than this are the same
BY_STEP = {  # what only a certain kind of step can get wrong; of the others, see POINTWISE
    "mm": ("transposed", "before"),
    "bmm": ("transposed", "before"),
    "mul": ("before",),
    "index": ("assigned",),
    "index_select": ("assigned",),
    "embedding": ("assigned",),
    "_softmax": ("diagonal-only",),
    "_log_softmax": ("diagonal-only",),
    "native_layer_norm": ("diagonal-only",),
}
ORDER = list(WRONG_DERIVATIVES)
POINTWISE = (*(kind for kind, mistake in WRONG_DERIVATIVES.items() if mistake.slope), "wrong-place")
UNDECOMPOSED = ("before", "diagonal-only")  # what is also tried on what torch computes in one call


def changes(trace: ForwardTrace) -> list[Change]:
    """All changes of one local derivative, what is simplest to get wrong first."""
    found = [Change(edge, kind) for edge in trace.edges for kind in _kinds(edge)]
    return sorted(found, key=lambda change: ORDER.index(change.kind))


def _kinds(edge: Edge) -> tuple[str, ...]:
    """What can go wrong on this edge."""
    operation = getattr(edge.step.target, "_opname", "")
    if operation == "where":
        return {1: ("first",), 2: ("second",)}.get(edge.argument, ())
    kinds = BY_STEP.get(operation, ()) + (POINTWISE if _pointwise(edge.step) else ())
    return tuple(
        kind for kind in kinds if kind != "before" or _keeps_shape(edge.step.args[1 - edge.argument])
    )


def _keeps_shape(step: Any) -> bool:
    """Whether a step makes one tensor from one tensor, of the same shape."""
    arguments = [a for a in step.args if isinstance(a, fx.Node)] if isinstance(step, fx.Node) else []
    if len(arguments) != 1 or arguments[0] is not step.args[0]:
        return False
    before, after = (node.meta.get("val") for node in (arguments[0], step))
    return isinstance(before, Tensor) and isinstance(after, Tensor) and before.shape == after.shape


def _pointwise(step: Any) -> bool:
    return torch.Tag.pointwise in getattr(getattr(step, "target", None), "tags", ())


def one_step(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """One step of the forward differentiated wrongly."""
    decomposed, whole = trace_at(problem, draw), trace_at(problem, draw, decomposed=False)
    possible = [(decomposed, change) for change in changes(decomposed)]
    possible += [(whole, change) for change in changes(whole) if change.kind in UNDECOMPOSED]
    seen = [problem.right(draw)[at]]
    for number, (trace, change) in enumerate(possible):
        gradient = _gradient(trace, draw, at, change)
        if gradient is None or any(torch.allclose(gradient, other, RTOL, ATOL) for other in seen):
            continue
        seen.append(gradient)
        name = {"first": "one-case", "second": "one-case"}.get(change.kind, change.kind)
        text = f"In the step {change.edge.name} of the forward, {WRONG_DERIVATIVES[change.kind].text}"
        yield Candidate(name, text, gradient, 2, key=f"{number}")


def several_steps(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """A chain of steps whose local derivatives are all missing, as if it were its own input."""
    trace = trace_at(problem, draw)
    for number, edge in enumerate(trace.edges):
        for chain in _chains_from(trace, edge):
            gradient = _gradient(trace, draw, at, *(Change(e, "local-derivative") for e in chain))
            if gradient is not None:
                names = ", ".join(e.name for e in chain)
                text = f"The local derivatives of the steps {names} of the forward are missing"
                yield Candidate("local-derivative", text, gradient, 3, key=f"{number}")


def _chains_from(trace: ForwardTrace, edge: Edge) -> Iterator[list[Edge]]:
    """Two, three, … elementwise steps, each of which is the next one's input and nothing else's."""
    chain = [edge]
    if not _pointwise(edge.step):
        return
    following = _only_user(trace, edge.step)
    while following is not None:
        if _pointwise(following.step):
            chain = [*chain, following]
            yield chain
        following = _only_user(trace, following.step)


def _only_user(trace: ForwardTrace, step: fx.Node) -> Edge | None:
    """The edge from the one step that uses this one; None if there is no such step, or several."""
    edges = (e for e in trace.edges if e.step.args[e.argument] is step)
    return next(edges, None) if len(step.users) == 1 else None


def _gradient(trace: ForwardTrace, draw: Draw, at: int, *changes: Change) -> Tensor | None:
    try:
        return trace.gradient(draw, at, *changes)
    except (RuntimeError, KeyError, TypeError, IndexError, AttributeError):
        return None  # the mistake cannot be made in this step


def other_dimension(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The right gradient of the forward with one step taken along another dimension."""
    program = trace_at(problem, draw, decomposed=False).program
    for step in [node for node in program.graph.nodes if node.op == "call_function"]:
        for i in _dimension_arguments(step):
            was = step.args[i]
            for dim in range(step.args[0].meta["val"].dim()):
                other = [dim] if isinstance(was, list) else dim
                result = _run_with(program, step, replaced(step.args, i, other), problem, draw, at)
                if result is None:
                    continue
                output, gradient = result
                if output.shape == draw.output.shape and not torch.allclose(output, draw.output):
                    text = f"Yours is right for {name_of(step)} along dimension {dim} instead of {was}"
                    yield Candidate("wrong-dimension", text, gradient)


def _dimension_arguments(step: fx.Node) -> list[int]:
    """Positions of the arguments named `dim`."""
    schema = getattr(step.target, "_schema", None)
    names = [parameter.name for parameter in schema.arguments] if schema else []
    given = zip(names, step.args, strict=False)
    return [i for i, (name, value) in enumerate(given) if name == "dim" and isinstance(value, (int, list))]


def _run_with(
    program: fx.GraphModule, step: fx.Node, args: tuple[Any, ...], problem: Problem, draw: Draw, at: int
) -> tuple[Tensor, Tensor] | None:
    """The program's output and its gradient with other arguments of one step; None if they do not fit."""
    leaves = [x.detach().clone() for x in draw.inputs]
    leaf = leaves[problem.differentiable[at]].requires_grad_()
    as_it_was = step.args
    step.args = args
    try:
        output = fx.Interpreter(program).run(*leaves)
        (gradient,) = torch.autograd.grad(output, leaf, draw.upstream)
    except RuntimeError:
        return None
    finally:
        step.args = as_it_was
    return output, gradient
