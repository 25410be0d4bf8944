"""The wrong gradient that one mistake leads to."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Candidate:
    """What one mistake gives at one point.

    Attributes:
        name: of the mistake; stable.
        text: what it says to the one who made it.
        gradient: the wrong gradient.
        complexity: how much has to go wrong for it; the simplest explanation is preferred.
        key: tells candidates of the same name and text apart.
    """

    name: str
    text: str
    gradient: Tensor
    complexity: int = 1
    key: str = ""
