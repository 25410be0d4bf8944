"""What each operation costs beside the built-in one: as it is written, and compiled inside `fused()`."""

import time
from collections.abc import Callable, Collection
from functools import partial
from statistics import median

import torch

from manual_backprop.benchmark.calls import calls
from manual_backprop.benchmark.timing import Case, Timed, alternate, peak_bytes, wait_for
from manual_backprop.functional.operation import fused

Sizes = tuple[int, int]
SIZES_OF_CALLS: tuple[Sizes, ...] = ((64, 128), (512, 1024), (4096, 1024))
A_SAMPLE, AT_MOST = 0.005, 2.0
"""Seconds that are measured at a time, if one call takes less, and in all, if five calls do not take more."""
COLUMNS = ("eager", "fused", "memory", "memory fused")


def every_operation(
    sizes: Sizes, rounds: int, device: torch.device, names: Collection[str] | None = None
) -> dict[str, dict[str, Timed]]:
    """Forward and backward of each: "eager", "fused" and "built in", with the peak of their memory.

    Args:
        sizes: rows and columns of the calls.
        rounds: how often each is measured, in turn, if it does not take too long.
        device: where.
        names: of these operations only.
    """
    found = {}
    for name, call in calls(*sizes).items():
        if names is None or name in names:
            by_hand, built_in = call.pair(name, device)
            seconds = _seconds(built_in, device)
            count = max(1, int(A_SAMPLE / seconds))
            often = max(5, min(rounds, int(AT_MOST / (count * seconds))))
            cases: dict[str, Case] = {
                "eager": partial(_repeated, by_hand, count),
                "fused": fused()(partial(_repeated, by_hand, count)),
                "built in": partial(_repeated, built_in, count),
            }
            found[name] = alternate(cases, often, 1, device)
            for timed in found[name].values():
                timed.seconds = [each / count for each in timed.seconds]
            for which, case in (("eager", by_hand), ("fused", fused()(by_hand)), ("built in", built_in)):
                found[name][which].peak_bytes = peak_bytes(case, device)
    return found


def ratios_of(timed: dict[str, Timed]) -> dict[str, float]:
    """Times and peaks over those of the built-in one, by column."""
    built_in = timed["built in"]
    found = {which: timed[which].median / built_in.median for which in ("eager", "fused")}
    for column, which in (("memory", "eager"), ("memory fused", "fused")):
        ours, theirs = timed[which].peak_bytes, built_in.peak_bytes
        if ours is not None and theirs:
            found[column] = ours / theirs
    return found


def every_table(by_sizes: dict[str, dict[str, dict[str, Timed]]]) -> str:
    """Markdown: a row for each operation, and what is in the middle and at the end of each column."""
    headings = [f"{column}, {sizes}" for sizes in by_sizes for column in COLUMNS]
    lines = [
        "\nForward and backward by hand, over the built-in one's time and peak memory\n",
        "| | " + " | ".join(headings) + " |",
        "|---" * (len(headings) + 1) + "|",
    ]
    found: dict[str, list[float]] = {heading: [] for heading in headings}
    for name in next(iter(by_sizes.values())):
        cells = []
        for sizes, timed in by_sizes.items():
            ratios = ratios_of(timed[name])
            for column in COLUMNS:
                cells.append(f"{ratios[column]:.2f}" if column in ratios else "–")
                if column in ratios:
                    found[f"{column}, {sizes}"].append(ratios[column])
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for what, which in (("median", median), ("largest", max)):
        lines.append(f"| **{what}** | " + " | ".join(f"{which(found[each]):.2f}" for each in headings) + " |")
    return "\n".join(lines)


def _repeated(case: Callable[[], None], count: int) -> None:
    for _ in range(count):
        case()


def _seconds(case: Callable[[], None], device: torch.device) -> float:
    """How long a call takes, about."""
    for _ in range(2):
        case()
    wait_for(device)
    started = time.perf_counter()
    case()
    wait_for(device)
    return time.perf_counter() - started
