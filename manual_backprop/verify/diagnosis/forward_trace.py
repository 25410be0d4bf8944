"""The forward as a sequence of elementary steps, one of which may be differentiated wrongly.

A wrong derivation is, more often than not, the right derivation of a program that has the same value and one
step differentiated differently. So the mistakes of the chain rule are made here one at a time: at the step
y = f(t), whose local derivative is s = ∂y/∂t, another one, s′, is put in its place by

    y = f(t) as a constant  +  (t s′ − t s′ as a constant)

which has the value f(t) and the derivative s′; autograd does the rest of the chain.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from manual_backprop.verify.diagnosis.decompositions import DECOMPOSITIONS
from manual_backprop.verify.diagnosis.wrong_derivatives import WRONG_DERIVATIVES, Step, replaced
from manual_backprop.verify.draws import DRAWS_OF_FEW
from manual_backprop.verify.problem import Draw, Problem

MOST_STEPS = 60


@dataclass(frozen=True)
class Edge:
    """From a step of the forward to one of its arguments: a gradient flows back along it.

    Attributes:
        step: the node of the traced program.
        argument: which of its arguments.
    """

    step: fx.Node
    argument: int

    @property
    def name(self) -> str:
        """The step's name as one would write it."""
        return name_of(self.step)


def name_of(step: fx.Node) -> str:
    """The name of a step as one would write it: softmax for aten._softmax.default."""
    return str(getattr(step.target, "_opname", step.target)).strip("_")


@dataclass(frozen=True)
class Change:
    """Another local derivative on one edge: one of WRONG_DERIVATIVES, or "cut", which is none."""

    edge: Edge
    kind: str


class ForwardTrace:
    """The forward of a problem, traced at one point."""

    def __init__(self, problem: Problem, draw: Draw, decompositions: dict[Any, Any]) -> None:
        self.differentiable = problem.differentiable
        self.program = make_fx(lambda *inputs: problem.forward(*inputs), decompositions)(*draw.inputs)
        steps = [node for node in self.program.graph.nodes if node.op == "call_function"]
        if len(steps) > MOST_STEPS:
            raise ValueError(f"the forward has {len(steps)} steps, more than {MOST_STEPS}")
        self.edges = [
            Edge(step, i)
            for step in steps
            if not _is_in_place(step)
            for i, argument in enumerate(step.args)
            if isinstance(argument, fx.Node)
        ]

    def gradient(self, draw: Draw, at: int, *changes: Change) -> Tensor | None:
        """The gradient of input `at` with some edges changed; None if none leads to it any more."""
        leaves = [x.detach().clone() for x in draw.inputs]
        leaf = leaves[self.differentiable[at]].requires_grad_()
        output = _ChangedRun(self.program, changes).run(*leaves)
        if not output.requires_grad:
            return None
        (grad,) = torch.autograd.grad(output, leaf, draw.upstream, allow_unused=True)
        return grad


@lru_cache(maxsize=2 * DRAWS_OF_FEW)  # every hypothesis asks, about every input, for two traces of each draw
def trace_at(problem: Problem, draw: Draw, decomposed: bool = True) -> ForwardTrace:
    """The steps of the forward; unless `decomposed`, what torch computes in one call is one step."""
    return ForwardTrace(problem, draw, DECOMPOSITIONS if decomposed else {})


def _is_in_place(step: fx.Node) -> bool:
    return getattr(getattr(step.target, "_schema", None), "is_mutable", False)


class _ChangedRun(fx.Interpreter):
    """The program with changes in it, at most one for each step."""

    def __init__(self, program: fx.GraphModule, changes: tuple[Change, ...]) -> None:
        super().__init__(program, garbage_collect_values=False)  # a step may need what came before another
        self.changes = {change.edge.step: change for change in changes}

    def run_node(self, n: fx.Node) -> Any:
        """The value of a step, with the derivative that its change asks for."""
        change = self.changes.get(n)
        if change is None:
            return super().run_node(n)
        step = self._step(n, change)
        if step is None:
            return super().run_node(n)
        if change.kind == "cut" or not step.t.requires_grad:
            return step.y
        return WRONG_DERIVATIVES[change.kind].applied_to(step)

    def _step(self, node: fx.Node, change: Change) -> Step | None:
        """The step with its arguments' values; None if the edge does not lead to a tensor."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        i = change.edge.argument
        if not isinstance(args[i], Tensor):
            return None
        function: Any = node.target
        y = function(*replaced(args, i, args[i].detach()), **kwargs)
        if change.kind == "before":
            args = replaced(args, 1 - i, self._input_of(node.args[1 - i]))
        return Step(function, args, kwargs, i, y)

    def _input_of(self, node: Any) -> Tensor:
        """The value z of which the node is an activation, as a constant."""
        return self.env[node.args[0]].detach()
