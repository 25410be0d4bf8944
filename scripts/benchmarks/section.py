"""What the sections of the benchmark have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from manual_backprop.benchmark import Timed

Found = dict[str, dict[str, Timed]]
"""What was measured: by what was done, and then by who did it."""


@dataclass(frozen=True)
class Settings:
    """How it is measured.

    Attributes:
        device: where.
        rounds: how often a step is timed.
        epochs: how often an epoch is timed.
        short: whether small sizes will do.
    """

    device: torch.device
    rounds: int = 60
    epochs: int = 3
    short: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the benchmark.

    Attributes:
        measure: what was measured.
        table: that as Markdown.
        ratios: what can be compared from one day to another: times, and peaks of memory, over those of the
            built-in way.
    """

    measure: Callable[[Settings], Found]
    table: Callable[[Found], str]
    ratios: Callable[[Found], dict[str, float]]


def over(found: Found, ours: tuple[str, ...], theirs: str) -> dict[str, float]:
    """The medians of `ours` over that of `theirs`, by what was done and by whom."""
    return {
        f"{what}, {who}": timed[who].median / timed[theirs].median
        for what, timed in found.items()
        for who in ours
    }
