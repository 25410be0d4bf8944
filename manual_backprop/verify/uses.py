"""What each use of a tensor contributes to its gradient, when the forward uses it several times."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from manual_backprop.verify.problem import Draw, Problem

MOST_USES = 5


class Use(NamedTuple):
    """The function that used the tensor, and what comes back through it."""

    name: str
    gradient: Tensor


class _Recorder(TorchFunctionMode):
    """Gives every function that uses `watched` a copy of its own, which then collects its own gradient."""

    def __init__(self, watched: Tensor) -> None:
        super().__init__()
        self.watched = watched
        self.copies: list[tuple[str, Tensor]] = []

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(function, "__name__", "a function")
        return function(
            *(self._own(arg, name) for arg in args),
            **{key: self._own(value, name) for key, value in (kwargs or {}).items()},
        )

    def _own(self, value: Any, name: str) -> Any:
        if value is not self.watched:
            return value
        copy = value.detach().clone().requires_grad_()
        self.copies.append((name.strip("_"), copy))
        return copy


def contributions_of_uses(problem: Problem, draw: Draw, at: int) -> list[Use]:
    """One entry for each use that a gradient comes back through; none for fewer than two or very many."""
    position = problem.differentiable[at]
    leaves = [x.detach().clone() for x in draw.inputs]
    with _Recorder(leaves[position]) as recorder:
        output = problem.forward(*leaves)
    if not output.requires_grad:
        return []
    tensors = [copy for _, copy in recorder.copies]
    grads = torch.autograd.grad(output, tensors, draw.upstream, allow_unused=True)
    uses = [
        Use(name, grad) for (name, _), grad in zip(recorder.copies, grads, strict=True) if grad is not None
    ]
    return uses if 2 <= len(uses) <= MOST_USES else []
