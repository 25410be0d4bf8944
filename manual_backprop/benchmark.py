"""What hand-written gradients cost in time and memory, beside the built-in ones and the machine's limits.

Whatever is compared alternates within one process, after a warm-up; medians are compared, never single runs,
and what is said is a ratio. The floor of an operation is the time that its floating-point operations take at
the measured rate of a matrix product, or that its bytes take at the measured bandwidth of a copy, whichever
is longer.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.engines import build

BATCHES = (64, 128, 1024)
SIZES = (784, 128, 10)
WARM_UP = 3
Case = Callable[[], Any]


@dataclass
class Timed:
    """What was measured of one case."""

    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0  # beyond what stood before

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
    if device.type == "cuda":
        torch.cuda.synchronize()


def peak_bytes(case: Case, device: torch.device) -> int:
    """The most memory that `case` holds in tensors at a time, beyond what stands before it."""
    case()
    if device.type == "cuda":
        wait_for(device)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        case()
        wait_for(device)
        return torch.cuda.max_memory_allocated() - before
    on_cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=on_cpu, profile_memory=True, acc_events=True) as profile:
        case()
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    memory = sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"])
    return max(accumulate((event["args"]["Bytes"] for event in memory), initial=0))


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


def steps(count: int, device: torch.device) -> dict[str, Case]:
    """One training step of 784-128-10 by each engine on the same batch, and its matrix products alone."""
    images = torch.randn(count, SIZES[0], device=device)
    labels = torch.randint(0, SIZES[-1], (count,), device=device)
    engines = {name: build(TrainingConfig(engine=name), SIZES[0], SIZES[-1], device) for name in ENGINES}
    cases: dict[str, Case] = {name: partial(engine.step, images, labels) for name, engine in engines.items()}
    return {"products alone": products(count, device), **cases}


def products(count: int, device: torch.device) -> Case:
    """The products that a step cannot do without: two forward, two for the weights, one back."""
    x, W, z = (torch.randn(shape, device=device) for shape in ((count, 784), (128, 784), (count, 128)))
    V, logits = torch.randn(10, 128, device=device), torch.randn(count, 10, device=device)
    grad_W, grad_V, delta = torch.empty_like(W), torch.empty_like(V), torch.empty_like(z)

    def run() -> None:
        torch.mm(x, W.T, out=z)
        torch.mm(z, V.T, out=logits)
        torch.mm(logits.T, z, out=grad_V)
        torch.mm(logits, V, out=delta)
        torch.mm(delta.T, x, out=grad_W)

    return run


@dataclass
class Compared:
    """An operation forward and backward, by hand and built in, and what it cannot do without."""

    shape: str
    by_hand: Case
    built_in: Case
    flops: float = 0.0
    bytes: float = 0.0


class _Given(torch.autograd.Function):
    """A tensor as another operation would hand it on: no leaf, so that it may be overwritten."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, tensor: Tensor) -> Tensor:
        return tensor.detach()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        return grad_output.new_zeros(()), None


def operations(device: torch.device, large: bool) -> dict[str, Compared]:
    """The operations on float32; `large` for the sizes of a language model's last layer."""
    N, C, D = (4096, 32768, 256) if large else (1024, 8192, 256)

    def both(ours: Callable[..., Tensor], twin: Callable[..., Tensor], *inputs: Tensor) -> tuple[Case, Case]:
        token = torch.zeros((), device=device, requires_grad=True)
        upstream: list[Tensor] = []

        def case(f: Callable[..., Tensor]) -> Case:
            def run() -> None:
                given = [x if x.is_leaf and x.requires_grad else _Given.apply(token, x) for x in inputs]
                output = f(*given)
                if not upstream:
                    upstream.append(torch.randn_like(output))
                torch.autograd.backward(output, upstream[0])
                for x in inputs:
                    x.grad = None

            return run

        return case(ours), case(twin)

    def random(*shape: int, learns: bool = False) -> Tensor:
        return torch.randn(shape, device=device, requires_grad=learns)

    z, t, n = random(4096, 1024), random(4096, 1024), 4096 * 1024 * 4
    x, W, b = random(512, 1024), random(1024, 1024, learns=True), random(1024, learns=True)
    product = 6 * 512 * 1024 * 1024
    y = torch.randint(0, C, (N,), device=device)
    logits, scores = random(N, C), N * C * 4
    head = (random(N, D), (random(C, D) / D**0.5).requires_grad_())  # logits of size 1: no denormal numbers
    plane, layer, loss = "4096 × 1024", "512 × 1024 → 1024", f"{N} × {C}"

    def linear_then(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
        return lambda x, W, b: activation(T.linear(x, W, b))

    def on_classes(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda z: f(z, y)

    built_in_loss = on_classes(T.cross_entropy)
    return {
        "linear": Compared(layer, *both(F.linear, T.linear, x, W, b), flops=product),
        "linear_relu": Compared(layer, *both(F.linear_relu, linear_then(torch.relu), x, W, b), flops=product),
        "linear_sigmoid": Compared(
            layer, *both(F.linear_sigmoid, linear_then(torch.sigmoid), x, W, b), flops=product
        ),
        "relu": Compared(plane, *both(F.relu, T.relu, z), bytes=5 * n),
        "sigmoid": Compared(plane, *both(F.sigmoid, torch.sigmoid, z), bytes=5 * n),
        "tanh": Compared(plane, *both(F.tanh, torch.tanh, z), bytes=5 * n),
        "mse_loss": Compared(
            plane, *both(lambda z: F.mse_loss(z, t), lambda z: T.mse_loss(z, t), z), bytes=5 * n
        ),
        "log_softmax": Compared(
            loss,
            *both(partial(F.log_softmax, dim=1), partial(T.log_softmax, dim=1), logits),
            bytes=5 * scores,
        ),
        "cross_entropy": Compared(
            loss, *both(on_classes(F.cross_entropy), built_in_loss, logits), bytes=3 * scores
        ),
        "cross_entropy_": Compared(
            loss, *both(on_classes(F.cross_entropy_), built_in_loss, logits), bytes=2 * scores
        ),
        "linear_cross_entropy": Compared(
            f"{N} × {D} → {C}",
            *both(
                lambda x, W: F.linear_cross_entropy(x, W, y),
                lambda x, W: T.cross_entropy(T.linear(x, W), y),
                *head,
            ),
            flops=6 * N * D * C,
        ),
    }


def rates(device: torch.device) -> tuple[float, float]:
    """Floating-point operations a second of a matrix product, and bytes a second of a copy, in float32."""
    a, b, c = (torch.randn(1024, 1024, device=device) for _ in range(3))
    large = torch.randn(2**24, device=device)
    copy = torch.empty_like(large)
    timed = alternate(
        {"product": lambda: torch.mm(a, b, out=c), "copy": lambda: copy.copy_(large)}, 10, 2, device
    )
    return 2 * 1024**3 / timed["product"].median, 2 * 4 * large.numel() / timed["copy"].median


def compare(cases: dict[str, Compared], rounds: int, device: torch.device) -> dict[str, dict[str, Timed]]:
    """Time and peak memory of each operation, by hand and built in, and its floor."""
    flop_rate, bandwidth = rates(device)
    results = {}
    for name, case in cases.items():
        pair = {"by hand": case.by_hand, "built in": case.built_in}
        timed = alternate(pair, rounds, 1, device)
        for which, run in pair.items():
            timed[which].peak_bytes = peak_bytes(run, device)
        timed["floor"] = Timed([max(case.flops / flop_rate, case.bytes / bandwidth)])
        results[name] = timed
    return results


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
        if name in now and now[name] > tolerance * before[name]
    ]


def run(
    device: torch.device, rounds: int, large: bool
) -> tuple[dict[int, dict[str, Timed]], dict[str, dict[str, Timed]]]:
    """Measure and print steps and operations."""
    print(", ".join(f"{key} {value}" for key, value in machine(device).items()))
    by_batch = {}
    for count in BATCHES:
        by_batch[count] = alternate(steps(count, device), rounds, 20, device)
        print(step_table(count, by_batch[count]), flush=True)
    cases = operations(device, large)
    by_operation = compare(cases, max(rounds // 8, 5), device)
    print(operation_table(cases, by_operation))
    return by_batch, by_operation


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
