"""A wrong gradient as the diagnosis gets it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient
from manual_backprop.verify.draws import draws_of
from manual_backprop.verify.judging.judge import tolerance_for
from manual_backprop.verify.problem import Problem


def wrong_gradient(
    forward: Callable[..., Tensor],
    backward: Callable[..., Any],
    shapes: Sequence[Any],
    at: int = 0,
    dtype: torch.dtype = torch.float64,
) -> WrongGradient:
    """What `backward` gives for input `at`; it returns one gradient for each input that has one."""
    differentiable = tuple(
        i for i, x in enumerate(shapes) if not isinstance(x, Tensor) or x.is_floating_point()
    )
    problem = Problem(forward, backward, tuple("xwabc"[: len(shapes)]), differentiable)
    draws = draws_of(problem, shapes, torch.empty(0, dtype=dtype), fresh=True, seed=0)
    given = [problem.given(draw)[at] for draw in draws]
    right = [problem.right(draw.double())[at] for draw in draws]
    return WrongGradient(problem, draws, at, given, right, tolerance_for(dtype))
