"""What stands in the place of a slope s = f′(t), y = f(t): the words for each mistake, and its formula."""

from collections.abc import Callable

import torch
from torch import Tensor

Slope = Callable[[Tensor, Tensor, Tensor], Tensor]
SLOPES: dict[str, tuple[str, Slope]] = {  # what is simplest to get wrong comes first
    "local-derivative": ("the local derivative is missing", lambda s, t, y: torch.ones_like(s)),
    "value-for-slope": ("the output is used in place of its derivative", lambda s, t, y: y),
    "input-for-slope": ("the input is used in place of the local derivative", lambda s, t, y: t),
    "slope-twice": ("the local derivative is multiplied in twice", lambda s, t, y: s * s),
    "slope-inverted": ("the upstream gradient is divided by the local derivative", lambda s, t, y: 1 / s),
    "mask-inverted": ("the mask is inverted: yours is 1 − f′, expected f′", lambda s, t, y: 1 - s),
    "power-too-many": ("the local derivative has one factor of the input too many", lambda s, t, y: s * t),
    "power-too-few": ("the local derivative lacks a factor of the input", lambda s, t, y: s / t),
}
OTHERS: tuple[tuple[str, Slope], ...] = (
    ("the local derivative is taken as {y} (1 − {y}), that of a sigmoid", lambda s, t, y: y * (1 - y)),
    ("the local derivative is taken as 1 − {y}², that of tanh", lambda s, t, y: 1 - y * y),
    ("the local derivative is taken as 1 − {y}", lambda s, t, y: 1 - y),
    ("the local derivative is taken as that of relu, 1 where {y} is positive", lambda s, t, y: (y > 0).to(s)),
)
"""The derivatives of other functions that people take for this one's, of its output y."""


def is_mask(slope: Tensor) -> bool:
    """Whether a slope is 0 at some places and 1 at all others."""
    return set(slope.unique().tolist()) == {0.0, 1.0}
