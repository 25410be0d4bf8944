"""What comes of a call: values and gradients, or an error; and what two of them differ in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor
from torch.utils._pytree import tree_leaves

from tests.functional.checks import upstream_for


class Twins:
    """PyTorch's functions, from torch.nn.functional or torch."""

    def __getattr__(self, name: str) -> Any:
        return getattr(T, name, None) or getattr(torch, name)


@dataclass
class Outcome:
    """What a call returned, the gradients of what it was given, and the error that ended it.

    Attributes:
        outputs: the tensors that were returned; none where the call itself failed.
        gradients: None where there is none; no list where the backward failed.
    """

    outputs: list[Tensor] | None = None
    gradients: list[Tensor | None] | None = None
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            what = "call" if self.outputs is None else "backward"
            return f"{what} raises {type(self.error).__name__}: {str(self.error).splitlines()[0][:100]}"
        return f"{self.outputs} with gradients {self.gradients}"


def outcome_of(call: Callable[..., Any], arguments: Sequence[Tensor]) -> Outcome:
    """What comes of the call, and of the backward to those arguments that are leaves with a gradient."""
    torch.manual_seed(0)
    try:
        returned = call(*arguments)
    except Exception as error:
        return Outcome(error=error)
    outputs = [out for out in tree_leaves(returned) if isinstance(out, Tensor)]
    made = [out for out in outputs if out.requires_grad]
    leaves = [x for x in arguments if x.requires_grad]
    if not made:
        return Outcome(outputs, [None] * len(leaves))
    try:
        upstreams = [upstream_for(out.detach()) for out in made]
        return Outcome(outputs, [*torch.autograd.grad(made, leaves, upstreams, allow_unused=True)])
    except Exception as error:
        return Outcome(outputs, error=error)


def difference(ours: Outcome, twins: Outcome, eps: float = 0.0) -> str | None:
    """What is not as it is with the twin; where its backward fails, ours need not.

    Numbers may differ by some roundings, of `eps` where that is more than their own type's.
    """
    told = f"{ours}, where the twin's {twins}"
    if twins.outputs is None:
        return None if isinstance(ours.error, type(twins.error)) else told
    if ours.outputs is None or len(ours.outputs) != len(twins.outputs):
        return told
    pairs: list[tuple[Tensor | None, Tensor | None]] = [*zip(ours.outputs, twins.outputs, strict=True)]
    if twins.gradients is not None:
        if ours.gradients is None or [x.requires_grad for x in ours.outputs] != [
            x.requires_grad for x in twins.outputs
        ]:
            return told
        pairs += zip(ours.gradients, twins.gradients, strict=True)
    return None if all(is_close(*pair, eps) for pair in pairs) else told


def is_close(actual: Tensor | None, due: Tensor | None, eps: float) -> bool:
    """Of one shape and type, and nearly equal; no gradient is one of 0."""
    if actual is None or due is None:
        return actual is due or not any(x.any() for x in (actual, due) if x is not None)
    if actual.shape != due.shape or actual.dtype != due.dtype:
        return False
    if not (due.is_floating_point() or due.is_complex()):
        return torch.equal(actual, due)
    tolerance = 64 * max(torch.finfo(due.dtype).eps, eps)
    if due.is_complex():  # those of half precision have no arithmetic
        actual, due = actual.to(torch.complex128), due.to(torch.complex128)
    return torch.allclose(actual, due, rtol=tolerance, atol=tolerance, equal_nan=True)
