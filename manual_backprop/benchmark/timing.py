"""Time and memory, measured side by side.

Whatever is compared alternates within one process, after a warm-up; medians are compared, never single runs.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import torch

WARM_UP = 3
Case = Callable[[], Any]


@dataclass
class Timed:
    """What was measured of one case."""

    seconds: list[float] = field(default_factory=list)
    peak_bytes: int | None = 0  # beyond what stood before; None where it is not counted

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.seconds)

    @property
    def middle_half(self) -> tuple[float, float]:
        """Seconds, from the lower to the upper quartile."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = quantiles(self.seconds, n=4)
        return low, high


def alternate(cases: dict[str, Case], rounds: int, repeats: int, device: torch.device) -> dict[str, Timed]:
    """Each case `rounds` times, one after the other in each round, `repeats` calls a time."""
    timed = {name: Timed() for name in cases}
    for number in range(rounds + WARM_UP):
        for name, case in cases.items():
            wait_for(device)
            started = time.perf_counter()
            for _ in range(repeats):
                case()
            wait_for(device)
            if number >= WARM_UP:
                timed[name].seconds.append((time.perf_counter() - started) / repeats)
    return timed


def wait_for(device: torch.device) -> None:
    """What was asked of a GPU is done only later."""
    if device.type != "cpu":
        torch.get_device_module(device).synchronize()


def peak_bytes(case: Case, device: torch.device) -> int | None:
    """The most memory that `case` holds in tensors at a time, beyond what stands before it.

    None on MPS, which does not count it.
    """
    case()
    if device.type == "mps":
        return None
    if device.type == "cuda":
        wait_for(device)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        case()
        wait_for(device)
        return torch.cuda.max_memory_allocated() - before
    on_cpu = [torch.profiler.ProfilerActivity.CPU]
    with _without_standard_error():
        with torch.profiler.profile(activities=on_cpu, profile_memory=True, acc_events=True) as profile:
            case()
        with TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.json"
            profile.export_chrome_trace(str(trace))
            events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    memory = sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"])
    return max(accumulate((event["args"]["Bytes"] for event in memory), initial=0))


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """Drop what C++ prints there: the profiler says when it starts and when it stops."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def machine(device: torch.device) -> dict[str, str | int]:
    """What the figures depend on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": name,
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def rates(device: torch.device) -> tuple[float, float]:
    """Floating-point operations a second of a matrix product, and bytes a second of a copy, in float32."""
    a, b, c = (torch.randn(1024, 1024, device=device) for _ in range(3))
    large = torch.randn(2**24, device=device)
    copy = torch.empty_like(large)
    timed = alternate(
        {"product": lambda: torch.mm(a, b, out=c), "copy": lambda: copy.copy_(large)}, 10, 2, device
    )
    return 2 * 1024**3 / timed["product"].median, 2 * 4 * large.numel() / timed["copy"].median
