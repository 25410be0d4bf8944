"""Time, memory and CUDA graphs, as the report measures them.

On a GPU the time is that between two CUDA events, which is the GPU's own clock. What is compared alternates,
and the median counts.
"""

import math
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from manual_backprop.benchmark import Timed
from manual_backprop.training.engines.precision import float32_products
from manual_backprop.training.run.replay import cuda_graph
from scripts.cuda.section import HERE, Settings
from scripts.cuda.worker import said, wait
from tests.training.run.kernels import captured

Case = Callable[[], Any]
WARM_UP = 2
SHORTEST = 1e-3  # seconds of a measurement: a shorter case is repeated in it
MOST = 50  # times


def in_full_precision(settings: Settings) -> AbstractContextManager[None]:
    """No TF32, which cuDNN would take for float32 of itself."""
    return float32_products("ieee") if settings.device == "cuda" else nullcontext()


def alternate(cases: dict[str, Case], rounds: int, settings: Settings) -> dict[str, Timed]:
    """Seconds of a call of each case, measured `rounds` times in turn."""
    repeats = {}
    for name, case in cases.items():
        case()
        repeats[name] = min(max(int(SHORTEST / max(_seconds(case, 1, settings), 1e-7)), 1), MOST)
    timed = {name: Timed() for name in cases}
    for number in range(rounds + WARM_UP):
        for name, case in cases.items():
            seconds = _seconds(case, repeats[name], settings)
            if number >= WARM_UP:
                timed[name].seconds.append(seconds)
    return timed


def _seconds(case: Case, repeats: int, settings: Settings) -> float:
    if settings.device != "cuda":
        started = time.perf_counter()
        for _ in range(repeats):
            case()
        return (time.perf_counter() - started) / repeats
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(repeats):
        case()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1e3 / repeats  # from milliseconds


@dataclass
class Replays:
    """Cases that are captured in CUDA graphs, and why others are not.

    On a CPU the graph is an imitation that repeats the kernels. What a case returned when it was captured is
    written over by each replay.

    Attributes:
        cases: that replay, by name.
        reasons: in a line, of those that cannot be captured.
        tracebacks: of the same.
        lost: whether nothing can be done on the GPU any more.
    """

    settings: Settings
    cases: dict[str, Case] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    def add(self, name: str, case: Case) -> None:
        """Capture it and replay it once; not where another capture has left the GPU as it should not be."""
        if self.lost:
            return
        try:
            again = cuda_graph(case) if self.settings.device == "cuda" else imitated_graph(case)
            again()
            wait(self.settings.device)
        except Exception as error:
            self.reasons[name], self.tracebacks[name] = said(error), traceback.format_exc()
            HERE.renew = True  # a capture that fails may leave PyTorch in the midst of it
            try:
                wait(self.settings.device)
            except RuntimeError:
                self.lost = True
                self.cases.clear()
        else:
            self.cases[name] = again


def bandwidth(settings: Settings) -> float:
    """Bytes a second that a copy reads and writes, of more than fits into a cache."""
    given = torch.randn(2**28 if settings.device == "cuda" else 2**22, device=settings.device)
    taken = torch.empty_like(given)
    timed = alternate({"copy": lambda: taken.copy_(given)}, 10, settings)
    return 2 * given.nbytes / timed["copy"].median


def imitated_graph(case: Case) -> Case:
    """The case's kernels, repeated."""
    return captured(case).repeat


def milliseconds(timed: Timed | None) -> float | None:
    """The median."""
    return None if timed is None else timed.median * 1e3


def largest(values: Iterable[float]) -> float:
    """Infinite where one is not a number, which `max` would pass over."""
    return max((math.inf if math.isnan(value) else value for value in values), default=0.0)


@torch.no_grad()
def far(actual: Tensor, due: Tensor) -> float:
    """The largest difference, in parts of the largest number that is due; infinite for another shape."""
    if actual.shape != due.shape or actual.dtype != due.dtype:
        return math.inf
    if not due.numel():
        return 0.0
    scale, difference = float(due.abs().max()), float((actual - due).abs().max())
    return difference / scale if scale else difference
