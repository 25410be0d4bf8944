"""The forward as a sequence of elementary steps, one of which may be differentiated wrongly.

A wrong derivation is, more often than not, the right derivation of a program that has the same value and one
step differentiated differently. So the mistakes of the chain rule are made here one at a time: at the step
y = f(t), whose local derivative is s = ∂y/∂t, another one, s′, is put in its place by

    y = f(t) as a constant  +  (t s′ − t s′ as a constant)

which has the value f(t) and the derivative s′; autograd does the rest of the chain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from manual_backprop.verify.diagnosis.decompositions import DEFINITIONS
from manual_backprop.verify.problem import Draw, Problem

MOST_STEPS = 60
MOST_NUMBERS = 400  # of a step whose Jacobian is formed


@dataclass(frozen=True)
class Way:
    """The way of a gradient from a step back to one of the step's arguments.

    Attributes:
        step: the node of the traced program.
        argument: which of its arguments.
    """

    step: fx.Node
    argument: int

    @property
    def name(self) -> str:
        """The step's name as one would write it."""
        return str(getattr(self.step.target, "_opname", self.step.target)).strip("_")


class Steps:
    """The forward of a problem, traced at one point."""

    def __init__(self, problem: Problem, draw: Draw, definitions: dict[Any, Any]) -> None:
        self.differentiable = problem.differentiable
        self.program = make_fx(lambda *inputs: problem.forward(*inputs), definitions)(*draw.inputs)
        nodes = [node for node in self.program.graph.nodes if node.op == "call_function"]
        if len(nodes) > MOST_STEPS:
            raise ValueError(f"{len(nodes)} steps")
        self.ways = [
            Way(node, i)
            for node in nodes
            if not getattr(getattr(node.target, "_schema", None), "is_mutable", False)
            for i, argument in enumerate(node.args)
            if isinstance(argument, fx.Node)
        ]

    def gradient(self, draw: Draw, at: int, *changes: "Change") -> Tensor | None:
        """The gradient of input `at`, some ways differentiated as `changes` say; None if none is left."""
        leaves = [x.detach().clone() for x in draw.inputs]
        leaf = leaves[self.differentiable[at]].requires_grad_()
        output = _Run(self.program, changes).run(*leaves)
        if not output.requires_grad:
            return None
        (grad,) = torch.autograd.grad(output, leaf, draw.upstream, allow_unused=True)
        return grad


@lru_cache(maxsize=2)  # one hypothesis after the other asks for the two programs of the same point
def steps_at(problem: Problem, draw: Draw, spelled_out: bool = True) -> Steps:
    """The steps of the forward; without `spelled_out`, what torch computes in one call is one step."""
    return Steps(problem, draw, DEFINITIONS if spelled_out else {})


@dataclass(frozen=True)
class Change:
    """Another local derivative on one way: one of the mistakes of step_mistakes.py, or "cut"."""

    way: Way
    kind: str


class _Run(fx.Interpreter):
    """The program, with changes in it; at most one for each step."""

    def __init__(self, program: fx.GraphModule, changes: tuple[Change, ...]) -> None:
        super().__init__(program, garbage_collect_values=False)  # a step may need what came before another
        self.changes = {change.way.step: change for change in changes}

    def run_node(self, n: fx.Node) -> Any:
        change = self.changes.get(n)
        if change is None:
            return super().run_node(n)
        i = change.way.argument
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        if not isinstance(args[i], Tensor):
            return super().run_node(n)
        cut = n.target(*_with(args, i, args[i].detach()), **kwargs)  # type: ignore[operator]
        if change.kind == "cut" or not args[i].requires_grad:
            return cut
        step: Any = n.target
        if change.kind == "assigned":
            return cut + _of_nothing(step(*args, **kwargs) * _last_of_each(args[1]).view(_rows(cut)))
        if change.kind == "before":
            other: Any = n.args[1 - i]
            before = self.env[other.args[0]].detach()  # z where `other` is a = f(z)
            return cut + _of_nothing(step(*_with(args, 1 - i, before), **kwargs))
        if change.kind == "diagonal-only":
            return cut + _of_nothing(args[i] * _diagonal(step, args, kwargs))
        if change.kind in ("first", "second"):  # of torch.where
            return _of_value(cut, args[1 if change.kind == "first" else 2].expand(cut.shape))
        if change.kind == "transposed":
            a, b = args
            return cut + _of_nothing(a @ b.detach().mT if i == 0 else a.detach().mT @ b)
        if change.kind == "wrong-place":
            if args[i].shape != cut.shape:
                raise RuntimeError("there is no such place")
            return cut + _of_nothing(args[i] * _slope(step, _with(args, i, cut.detach()), kwargs, i))
        slope = _slope(step, args, kwargs, i)
        return cut + _of_nothing(args[i] * SLOPES[change.kind](slope, args[i].detach(), cut.detach()))


def _rows(t: Tensor) -> tuple[int, ...]:
    return (-1, *[1] * (t.dim() - 1))


def _last_of_each(index: Any) -> Tensor:
    """1 where no later entry of the index is the same."""
    index = index[0] if isinstance(index, list) else index
    same = index[:, None] == index[None, :]
    return ~same.triu(1).any(1)


def _diagonal(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """∂yᵢ/∂tᵢ of a function that mixes its input's numbers."""
    with torch.enable_grad():
        t = args[0].detach().clone().requires_grad_()
        y = function(t, *args[1:], **kwargs)
        if y.shape != t.shape or y.numel() > MOST_NUMBERS:
            raise RuntimeError("its Jacobian has no diagonal, or is too large")
        rows = [
            torch.autograd.grad(one, t, retain_graph=True)[0].flatten()[i]
            for i, one in enumerate(y.flatten())
        ]
    return torch.stack(rows).reshape(t.shape)


def _with(args: tuple[Any, ...], i: int, value: Any) -> tuple[Any, ...]:
    return (*args[:i], value, *args[i + 1 :])


def _of_nothing(t: Tensor) -> Tensor:
    """Zero, with the derivative of t."""
    return t - t.detach()


def _of_value(value: Tensor, t: Tensor) -> Tensor:
    """The value, with the derivative of t."""
    return value.detach() + _of_nothing(t)


def _slope(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], i: int) -> Tensor:
    """∂y/∂t of an elementwise function, one number for each of y's."""
    constants = [a.detach() if isinstance(a, Tensor) else a for a in args]
    shape = function(*constants, **kwargs).shape
    with torch.enable_grad():
        t = constants[i].expand(shape).clone().requires_grad_()
        y = function(*_with(tuple(constants), i, t), **kwargs)
        (slope,) = torch.autograd.grad(y.sum(), t)
    return slope


SLOPES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {  # for s = ∂y/∂t, of s, t and y
    "local-derivative": lambda s, t, y: torch.ones_like(s),
    "value-for-slope": lambda s, t, y: y,
    "input-for-slope": lambda s, t, y: t.expand_as(y),
    "slope-twice": lambda s, t, y: s * s,
    "slope-inverted": lambda s, t, y: 1 / s,
    "mask-inverted": lambda s, t, y: 1 - s,
    "power-too-many": lambda s, t, y: s * t,
    "power-too-few": lambda s, t, y: s / t,
}
