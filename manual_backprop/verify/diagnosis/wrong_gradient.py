"""The gradient that has to be explained."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop.verify.problem import Draw, Problem


@dataclass(frozen=True, eq=False)
class WrongGradient:
    """What was given as the gradient of one input, and what is right.

    Attributes:
        problem: the forward and its derivation.
        draws: the points at which gradients were compared.
        at: which of the differentiable inputs.
        given: the derivation's gradient at each point.
        right: the right gradient at each point, in float64.
        tolerance: the error, relative to the largest entry, that rounding explains.
    """

    problem: Problem
    draws: Sequence[Draw]
    at: int
    given: Sequence[Tensor]
    right: Sequence[Tensor]
    tolerance: float

    @property
    def position(self) -> int:
        """Which of all inputs it is."""
        return self.problem.differentiable[self.at]

    @property
    def shape(self) -> torch.Size:
        """Of the input."""
        return self.draws[0].inputs[self.position].shape

    @property
    def fit_tolerance(self) -> float:
        """The error that rounding explains where something is fitted to several gradients at once."""
        return 4 * self.tolerance
