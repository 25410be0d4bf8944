"""Every operation forward and backward, by hand and built in: eager, and replayed as a CUDA graph."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from manual_backprop.benchmark import operations, peak_bytes
from scripts.cuda.large_calls import large_call
from scripts.cuda.measure import (
    Case,
    Replays,
    alternate,
    bandwidth,
    far,
    in_full_precision,
    largest,
    milliseconds,
)
from scripts.cuda.section import Items, Settings, Wrong, plain, table
from tests.functional.checks import called, upstreams_for
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

SIDE, SMALL = 4096, 64
FAR = 5e-3
"""In parts of the largest number of a float32 tensor: how far two ways of computing it may be apart."""
FEW = ("relu", "linear", "cross_entropy", "layer_norm")  # with `quick`
SAYS_LITTLE = (
    "The share of the bandwidth: a copy moves the bytes that the operation cannot do without (inputs, "
    "output, upstream gradient, what is kept, gradients, each once) in so much of the time, that of the "
    "quicker column. It can be above 100 % where tensors fit into the cache; of products it says little.\n\n"
)


def items(settings: Settings) -> Items:
    """Those of `manual-backprop bench`, and a large call of each row of the tests' table."""
    ours = {} if settings.quick else operations(torch.device("meta"), large=False)
    chosen = [row for row in ROWS if row.name in FEW] if settings.quick else ROWS
    return {
        **{f"bench: {name}": partial(of_bench, name, settings) for name in ours},
        **{row.name: partial(of_row, row, settings) for row in chosen},
    }


def of_bench(name: str, settings: Settings) -> dict[str, Any]:
    """An operation at the sizes of a language model's last layer."""
    device = torch.device(settings.device)
    case = operations(device, large=settings.device == "cuda")[name]
    pair = {"by hand": case.by_hand, "built in": case.built_in}
    return {"shape": case.shape, **measured(pair, case.bytes, settings)}


def of_row(row: Row, settings: Settings) -> dict[str, Any]:
    """A large call of a row; its values and gradients are compared, too.

    Raises:
        Wrong: they are too far apart, or the operation cannot be captured and the built-in one can.
    """
    sample = large_call(row.name, SMALL if settings.quick else SIDE, torch.device(settings.device))
    pair = {"by hand": call(row.function, sample), "built in": call(row.twin, sample)}
    with in_full_precision(settings):
        off = apart(pair["by hand"](), pair["built in"]())
        found = {"shape": sample.name, "off": off, **measured(pair, needed(row, sample), settings)}
        captured = found["by hand"]["reason"] is None
        found["replay off"] = after_a_change(row, sample, settings) if captured else None
    for what, distance in (("value or gradient", off), ("a replay with other inputs", found["replay off"])):
        if distance is not None and not distance <= FAR:
            raise Wrong(f"{what} is {distance:.1e} of the largest number off", found)
    return found


def after_a_change(row: Row, sample: Sample, settings: Settings) -> float:
    """How far a replay is from what is due where the inputs' numbers have changed since the capture."""
    case, held = call(row.function, sample), list[Tensor]()

    def run() -> None:
        held[:] = case()

    replays = Replays(settings)
    replays.add("by hand", run)
    for x in sample.inputs:
        x.copy_(x.flip(0))
    replays.cases["by hand"]()
    return apart(held, case())


def call(function: Callable[..., Any], sample: Sample) -> Callable[[], list[Tensor]]:
    """Forward and backward: a function that returns outputs and gradients."""
    leaves = sample.leaves()
    upstreams = upstreams_for(called(function, sample, leaves))

    def run() -> list[Tensor]:
        outputs = called(function, sample, leaves)
        gradients = torch.autograd.grad(outputs, leaves, upstreams)
        return [*(out.detach() for out in outputs), *gradients]

    return run


def apart(actual: list[Tensor], due: list[Tensor]) -> float:
    """The farthest of all."""
    return largest(far(a, b) for a, b in zip(actual, due, strict=True))


def needed(row: Row, sample: Sample) -> int:
    """Bytes that are read and written at least; 0 of a view, which need not be."""
    if row.is_view:
        return 0
    leaves = sample.leaves()
    outputs = called(row.function, sample, leaves)
    made = {"output" if len(outputs) == 1 else f"output {i}": out for i, out in enumerate(outputs)}
    given = {f"input {i}": x for i, x in enumerate(leaves)}
    given |= {name: value for name, value in sample.options.items() if isinstance(value, Tensor)}
    kept = [x for name, x in {**made, **given}.items() if name in row.keeps]
    read_and_written = [*given.values(), *made.values(), *made.values(), *kept, *leaves]
    return sum(x.nbytes for x in read_and_written)


def measured(pair: dict[str, Case], needed: float, settings: Settings) -> dict[str, Any]:
    """Milliseconds, peak bytes and the share of the bandwidth of each.

    Raises:
        Wrong: what is by hand cannot be captured, and what is built in can.
    """
    device, rounds = torch.device(settings.device), 1 if settings.quick else 15
    copied = bandwidth_here(settings)
    timed = alternate(pair, rounds, settings)
    peaks = {name: peak_bytes(case, device) for name, case in pair.items()}
    replays = Replays(settings)
    for name, case in pair.items():
        replays.add(name, case)
    again = alternate(replays.cases, rounds, settings)
    found: dict[str, Any] = {"needed bytes": needed}
    for name in pair:
        best = min(each.median for each in (timed[name], again.get(name)) if each is not None)
        found[name] = {
            "eager": milliseconds(timed[name]),
            "replayed": milliseconds(again.get(name)),
            "peak bytes": peaks[name],
            "share": needed / best / copied if needed else None,
            "reason": replays.reasons.get(name),
        }
    if "by hand" in replays.reasons and "built in" not in replays.reasons:
        raise Wrong(f"cannot be captured: {replays.reasons['by hand']}", found, replays.tracebacks["by hand"])
    return found


bandwidth_here = cache(bandwidth)


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    head = ["operation", "shapes", "eager, ms", "ratio", "replayed, ms", "ratio", "peak, MiB", "share"]
    rows = []
    for name, found in results.items():
        if found:
            ours, twins = found["by hand"], found["built in"]
            peaks = [each["peak bytes"] for each in (ours, twins)]
            mib = " : ".join("–" if peak is None else f"{peak / 2**20:.1f}" for peak in peaks)
            shares = [each["share"] for each in (ours, twins)]
            share = " : ".join("–" if each is None else f"{each:.0%}" for each in shares)
            times = [pair_of(ours[key], twins[key]) for key in ("eager", "replayed")]
            rows.append([name, found["shape"], *times[0], *times[1], mib, share])
    return (
        "Forward and backward in float32 (not TF32), by hand : built in. *Ratio* is the first time by the "
        "second, below 1 where the hand-written one is quicker. Peak: the most memory held beyond what stood "
        "before. "
        + SAYS_LITTLE
        + table(head, rows)
        + "".join(f"\n\nNot captured: {line}" for line in not_captured(results))
    )


def not_captured(results: dict[str, Any]) -> list[str]:
    """A line for each, with its reason."""
    return [
        f"`{name}`, {which}: {plain(reason)}"
        for name, found in results.items()
        for which in (("by hand", "built in") if found else ())
        if (reason := found[which]["reason"])
    ]


def pair_of(ours: float | None, twins: float | None) -> tuple[str, float | None]:
    """Both, and their ratio."""
    both = " : ".join("–" if each is None else f"{each:.3f}" for each in (ours, twins))
    return both, ours / twins if ours is not None and twins else None
