"""What was measured: as tables, as ratios that can be compared from one day to another, as JSON."""

from dataclasses import asdict
from typing import Any

import torch

from manual_backprop.benchmark.cases import Compared
from manual_backprop.benchmark.timing import Timed, machine


def step_table(count: int, timed: dict[str, Timed]) -> str:
    """Markdown: the median step of each engine, and how many times as quick as autograd it is."""
    reference = timed["autograd"].median
    lines = [
        f"\nOne step, 784-128-10, float32, batch {count}\n",
        *_header("", "median", "middle half", "speed"),
    ]
    for name, case in timed.items():
        low, high = (bound * 1e6 for bound in case.middle_half)
        speed = reference / case.median
        lines.append(f"| {name} | {case.median * 1e6:.0f} µs | {low:.0f} to {high:.0f} | {speed:.2f}× |")
    return "\n".join(lines)


def operation_table(cases: dict[str, Compared], results: dict[str, dict[str, Timed]]) -> str:
    """Markdown: each operation forward and backward; `time` and `memory` are by hand over built in."""
    columns = ("operation", "shape", "by hand", "built in", "time", "floor", "by hand", "built in", "memory")
    lines = ["\nForward and backward, float32: medians, and peak memory\n", *_header(*columns)]
    for name, timed in results.items():
        ours, twins, floor = timed["by hand"], timed["built in"], timed["floor"]
        times = (
            f"{ours.median * 1e3:.2f} ms | {twins.median * 1e3:.2f} ms | {ours.median / twins.median:.2f} "
            f"| {floor.median / ours.median:.0%}"
        )
        memory = "– | – | –"
        if ours.peak_bytes is not None and twins.peak_bytes:
            share = ours.peak_bytes / twins.peak_bytes
            memory = f"{ours.peak_bytes / 2**20:.0f} MiB | {twins.peak_bytes / 2**20:.0f} MiB | {share:.2f}"
        lines.append(f"| {name} | {cases[name].shape} | {times} | {memory} |")
    return "\n".join(lines)


def _header(*columns: str) -> tuple[str, str]:
    return f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"


def ratios(
    by_batch: dict[int, dict[str, Timed]], by_operation: dict[str, dict[str, Timed]]
) -> dict[str, float]:
    """What can be compared from one day to another: times over those of the built-in way."""
    of_steps = {
        f"{name}, batch {count}": timed[name].median / timed["autograd"].median
        for count, timed in by_batch.items()
        for name in ("functions", "explicit")
    }
    of_operations = {
        name: timed["by hand"].median / timed["built in"].median for name, timed in by_operation.items()
    }
    return {**of_steps, **of_operations}


def worse(now: dict[str, float], before: dict[str, float], tolerance: float = 1.25) -> list[str]:
    """The ratios that have grown by more than the factor `tolerance`, as lines to print."""
    return [
        f"{name}: {now[name]:.2f} times the built-in's time, {before[name]:.2f} before"
        for name in before
        if name in now and before[name] > 0 and now[name] > tolerance * before[name]
    ]


def as_json(
    device: torch.device, by_batch: dict[int, dict[str, Timed]], by_operation: dict[str, dict[str, Timed]]
) -> dict[str, Any]:
    """Everything that was measured, with what it depends on."""
    return {
        "machine": machine(device),
        "ratios": ratios(by_batch, by_operation),
        "steps": {count: {k: asdict(v) for k, v in timed.items()} for count, timed in by_batch.items()},
        "operations": {
            name: {k: asdict(v) for k, v in timed.items()} for name, timed in by_operation.items()
        },
    }
