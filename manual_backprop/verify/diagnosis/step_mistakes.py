"""What people get wrong in the local derivative of one step."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx

from manual_backprop.verify.diagnosis.candidate import Candidate
from manual_backprop.verify.diagnosis.forward_trace import Change, Steps, Way, steps_at
from manual_backprop.verify.problem import Draw, Problem

TEXTS = {
    "local-derivative": "the local derivative is missing",
    "first": "the second case is missing: the derivative of the first is taken everywhere",
    "second": "the first case is missing: the derivative of the second is taken everywhere",
    "value-for-slope": "the output stands where its derivative is due",
    "input-for-slope": "the input stands where the local derivative is due",
    "slope-twice": "the local derivative is multiplied in twice",
    "slope-inverted": "the gradient is divided by the local derivative",
    "mask-inverted": "the mask is inverted: yours is 1 − f′ where f′ is due",
    "wrong-place": "the local derivative is taken at the step's output instead of at its input",
    "power-too-many": "the local derivative has a factor of the input too many",
    "power-too-few": "the local derivative lacks a factor of the input",
    "transposed": "the other factor is not transposed, or the wrong one is",
    "before": "the other factor is taken before its activation: z where a = f(z) is due",
    "assigned": "rows that are taken several times are assigned their gradient: they get the sum of all",
    "diagonal-only": "only the diagonal of the Jacobian is used: every output depends on other inputs too",
}


BY_STEP = {  # what only a certain kind of step can get wrong; of the others, see `changes`
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
ELEMENTWISE = tuple(TEXTS)[: tuple(TEXTS).index("transposed")]


def changes(steps: Steps) -> list[Change]:
    """All changes of one local derivative, what is simplest to get wrong first; cutting is for `ways`."""
    found = []
    for way in steps.ways:
        operation = getattr(way.step.target, "_opname", "")
        if operation == "where":
            found += [Change(way, ("first", "second")[way.argument - 1])] if way.argument else []
            continue
        kinds = BY_STEP.get(operation, ())
        if _pointwise(way.step):
            kinds += tuple(kind for kind in ELEMENTWISE if kind not in ("first", "second"))
        for kind in kinds:
            if kind != "before" or _keeps_shape(way.step.args[1 - way.argument]):
                found.append(Change(way, kind))
    return sorted(found, key=lambda change: list(TEXTS).index(change.kind))


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
    spelled_out, whole = steps_at(problem, draw), steps_at(problem, draw, spelled_out=False)
    possible = [(spelled_out, change) for change in changes(spelled_out)]
    possible += [(whole, change) for change in changes(whole) if change.kind in ("before", "diagonal-only")]
    seen = [problem.right(draw)[at]]
    for number, (steps, change) in enumerate(possible):
        try:
            gradient = steps.gradient(draw, at, change)
        except (RuntimeError, KeyError, TypeError, IndexError, AttributeError):
            continue
        if gradient is None or any(torch.allclose(gradient, other, 1e-9, 1e-12) for other in seen):
            continue
        seen.append(gradient)
        name = {"first": "one-case", "second": "one-case"}.get(change.kind, change.kind)
        text = f"In the step {change.way.name} of the forward, {TEXTS[change.kind]}"
        yield Candidate(name, text, gradient, 2, key=f"{number}")


def several_steps(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """A chain of steps whose local derivatives are all missing, as if it were its own input."""
    steps = steps_at(problem, draw)
    for number, way in enumerate(steps.ways):
        run = [way] if _pointwise(way.step) else []
        node = way.step
        while run and len(node.users) == 1:
            (user,) = node.users
            following = next(
                (w for w in steps.ways if w.step is user and user.args[w.argument] is node), None
            )
            if following is None:
                break
            node = user
            if not _pointwise(user):
                continue
            run.append(following)
            try:
                gradient = steps.gradient(draw, at, *(Change(w, "local-derivative") for w in run))
            except (RuntimeError, KeyError, TypeError, IndexError):
                break
            if gradient is not None:
                names = ", ".join(w.name for w in run)
                text = f"The local derivatives of the steps {names} of the forward are missing"
                yield Candidate("local-derivative", text, gradient, 3, key=f"{number}")


def other_dimension(problem: Problem, draw: Draw, at: int) -> Iterator[Candidate]:
    """The right gradient of the forward with one step taken along another dimension."""
    program = steps_at(problem, draw, spelled_out=False).program
    for node in [node for node in program.graph.nodes if node.op == "call_function"]:
        schema = getattr(node.target, "_schema", None)
        for i, parameter in enumerate(schema.arguments if schema else ()):
            if parameter.name != "dim" or i >= len(node.args) or not isinstance(node.args[i], (int, list)):
                continue
            as_it_was = node.args
            for dim in range(node.args[0].meta["val"].dim()):
                other = [dim] if isinstance(as_it_was[i], list) else dim
                node.args = (*as_it_was[:i], other, *as_it_was[i + 1 :])
                leaves = [x.detach().clone() for x in draw.inputs]
                leaf = leaves[problem.differentiable[at]].requires_grad_()
                try:
                    output = fx.Interpreter(program).run(*leaves)
                    (gradient,) = torch.autograd.grad(output, leaf, draw.upstream)
                except RuntimeError:
                    continue
                finally:
                    node.args = as_it_was
                if output.shape == draw.output.shape and not torch.allclose(output, draw.output):
                    name = Way(node, 0).name
                    text = f"Yours is right for {name} along dimension {dim} in place of {as_it_was[i]}"
                    yield Candidate("wrong-dimension", text, gradient)
