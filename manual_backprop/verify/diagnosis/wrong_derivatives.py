"""What people get wrong in one local derivative: the words for each mistake, and its formula.

A step is y = f(t), with the local derivative s = ∂y/∂t.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MOST_NUMBERS = 400  # of a step whose Jacobian is formed


@dataclass(frozen=True)
class Step:
    """A step of the forward at the moment at which it is run.

    Attributes:
        function: f.
        args: all arguments of f.
        kwargs: and those given by name.
        argument: which of `args` is t.
        y: f(t), without a derivative with respect to t.
    """

    function: Callable[..., Tensor]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    argument: int
    y: Tensor

    @property
    def t(self) -> Tensor:
        """The argument whose derivative is wrong."""
        return self.args[self.argument]

    def run(self) -> Tensor:
        """The step as it is."""
        return self.function(*self.args, **self.kwargs)

    def slope(self, t: Tensor | None = None) -> Tensor:
        """∂y/∂t of an elementwise function at t, one number for each of y's."""
        args = [a.detach() if isinstance(a, Tensor) else a for a in self.args]
        if t is not None:
            args[self.argument] = t
        shape = self.function(*args, **self.kwargs).shape
        with torch.enable_grad():
            args[self.argument] = leaf = args[self.argument].expand(shape).clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.function(*args, **self.kwargs).sum(), leaf)
        return slope


def replaced(args: tuple[Any, ...], i: int, value: Any) -> tuple[Any, ...]:
    """The arguments with another one at position i."""
    return (*args[:i], value, *args[i + 1 :])


Slope = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class WrongDerivative:
    """A mistake in the local derivative of a step.

    Attributes:
        text: what is wrong.
        slope: what stands in place of s in an elementwise step, from s, t and y.
        with_derivative: in other steps, a tensor of y's shape that has the wrong derivative.
        alone: whether the other arguments of the step get no gradient through it either.
    """

    text: str
    slope: Slope | None = None
    with_derivative: Callable[[Step], Tensor] | None = None
    alone: bool = False

    def applied_to(self, step: Step) -> Tensor:
        """y with the wrong derivative: as a constant, plus zero with the derivative that is wanted."""
        if self.slope is not None:
            wrong = step.t * self.slope(step.slope(), step.t.detach(), step.y.detach())
        else:
            assert self.with_derivative is not None
            wrong = self.with_derivative(step)
        y = step.y.detach() if self.alone else step.y
        return y + (wrong - wrong.detach())


def _slope_at_output(step: Step) -> Tensor:
    if step.t.shape != step.y.shape:
        raise RuntimeError("the output has another shape than the input that it would stand for")
    return step.t * step.slope(step.y.detach())


def _not_transposed(step: Step) -> Tensor:
    a, b = step.args
    return a @ b.detach().mT if step.argument == 0 else a.detach().mT @ b


def _last_row_of_each(step: Step) -> Tensor:
    """Rows that no later entry of the index takes again."""
    index = step.args[1][0] if isinstance(step.args[1], list) else step.args[1]
    taken_again = (index[:, None] == index[None, :]).triu(1).any(1)
    return step.run() * (~taken_again).view(-1, *[1] * (step.y.dim() - 1))


def _diagonal(step: Step) -> Tensor:
    """∂yᵢ/∂tᵢ of a function that mixes its input's numbers."""
    with torch.enable_grad():
        t = step.args[0].detach().clone().requires_grad_()
        y = step.function(t, *step.args[1:], **step.kwargs)
        if y.shape != t.shape or y.numel() > MOST_NUMBERS:
            raise RuntimeError("the Jacobian has no diagonal, or is too large")
        rows = [torch.autograd.grad(one, t, retain_graph=True)[0].flatten() for one in y.flatten()]
    return step.t * torch.stack([row[i] for i, row in enumerate(rows)]).reshape(t.shape)


def _one_case(step: Step) -> Tensor:
    return step.t.expand(step.y.shape)


WRONG_DERIVATIVES = {  # what is simplest to get wrong comes first
    "local-derivative": WrongDerivative(
        "the local derivative is missing", lambda s, t, y: torch.ones_like(s)
    ),
    "first": WrongDerivative(
        "the second case is missing: the derivative of the first is taken everywhere",
        with_derivative=_one_case,
        alone=True,
    ),
    "second": WrongDerivative(
        "the first case is missing: the derivative of the second is taken everywhere",
        with_derivative=_one_case,
        alone=True,
    ),
    "value-for-slope": WrongDerivative("the output is used in place of its derivative", lambda s, t, y: y),
    "input-for-slope": WrongDerivative(
        "the input is used in place of the local derivative", lambda s, t, y: t.expand_as(y)
    ),
    "slope-twice": WrongDerivative("the local derivative is multiplied in twice", lambda s, t, y: s * s),
    "slope-inverted": WrongDerivative(
        "the upstream gradient is divided by the local derivative", lambda s, t, y: 1 / s
    ),
    "mask-inverted": WrongDerivative(
        "the mask is inverted: yours is 1 − f′, expected f′", lambda s, t, y: 1 - s
    ),
    "wrong-place": WrongDerivative(
        "the local derivative is taken at the step's output instead of at its input",
        with_derivative=_slope_at_output,
    ),
    "power-too-many": WrongDerivative(
        "the local derivative has one factor of the input too many", lambda s, t, y: s * t
    ),
    "power-too-few": WrongDerivative(
        "the local derivative lacks a factor of the input", lambda s, t, y: s / t
    ),
    "transposed": WrongDerivative(
        "the other factor is not transposed, or the wrong one is", with_derivative=_not_transposed
    ),
    "before": WrongDerivative(
        "the other factor is taken before its activation: yours is z, expected a = f(z)",
        with_derivative=Step.run,
    ),
    "assigned": WrongDerivative(
        "rows that are taken several times are assigned their gradient: it must be the sum over all uses",
        with_derivative=_last_row_of_each,
    ),
    "diagonal-only": WrongDerivative(
        "only the diagonal of the Jacobian is used: every output depends on other inputs too",
        with_derivative=_diagonal,
    ),
}
