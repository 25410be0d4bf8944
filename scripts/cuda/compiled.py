"""Every operation forward and backward, by hand and built in, compiled by torch.compile."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import torch

from scripts.cuda.large_calls import large_call
from scripts.cuda.measure import alternate, in_full_precision, milliseconds
from scripts.cuda.operations import FAR, FEW, SIDE, SMALL, apart, call, pair_of
from scripts.cuda.section import Items, LeftOut, Settings, Wrong, table
from scripts.cuda.worker import said, wait
from tests.functional.samples import Row
from tests.functional.table import ROWS


def items(settings: Settings) -> Items:
    """A large call of each row; the recurrent ones last, whose every place is compiled by itself."""
    chosen = [row for row in ROWS if row.name in FEW[:1]] if settings.quick else ROWS
    return {row.name: partial(of_row, row, settings) for row in sorted(chosen, key=recurrent)}


def recurrent(row: Row) -> bool:
    """Whether it goes over a sequence."""
    return row.name.startswith(("lstm", "rnn"))


def of_row(row: Row, settings: Settings) -> dict[str, Any]:
    """Both compiled; they are compiled by several processes at a time, and measured by one.

    Raises:
        Wrong: the operation cannot be compiled as a whole, or computes something else then.
    """
    backend = "aot_eager" if settings.device == "cpu" else "inductor"  # which takes long, and a compiler
    if trouble := compiler_trouble(settings.device, backend):
        raise LeftOut(f"torch.compile does not work here: {trouble}")
    torch.compiler.reset()
    sample = large_call(row.name, SMALL if settings.quick else SIDE, torch.device(settings.device))
    with in_full_precision(settings):
        due = call(row.function, sample)()
        started = time.perf_counter()
        ours = call(torch.compile(row.function, fullgraph=True, backend=backend), sample)
        off = apart(ours(), due)
        seconds = time.perf_counter() - started
        pair = {"by hand": ours}
        found: dict[str, Any] = {"shape": sample.name, "seconds": seconds, "off": off, "reason": None}
        try:
            built_in = call(torch.compile(row.twin, backend=backend), sample)
            built_in()
            pair["built in"] = built_in
        except Exception as error:  # PyTorch's own: not ours to answer for
            found["reason"] = f"built in: {type(error).__name__}"
        with alone():
            timed = alternate(pair, 1 if settings.quick else 10, settings)
    found |= {name: milliseconds(timed.get(name)) for name in ("by hand", "built in")}
    if not off <= FAR:
        raise Wrong(f"compiled, value or gradient is {off:.1e} of the largest number off", found)
    return found


@cache
def compiler_trouble(device: str, backend: str) -> str:
    """Why not even an addition can be compiled; "" where it can."""
    try:
        torch.compile(lambda x: x + 1, backend=backend)(torch.ones(3, device=device))
        wait(device)
    except Exception as error:
        return said(error)
    return ""


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time measures."""
    with (Path(gettempdir()) / f"cuda_report-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [
            name,
            found["shape"],
            *pair_of(found["by hand"], found["built in"]),
            found["seconds"],
            found["reason"],
        ]
        for name, found in results.items()
        if found
    ]
    head = ["operation", "shapes", "compiled, ms", "ratio", "compiling, s", "remark"]
    return (
        "The same calls, each compiled by `torch.compile`, forward and backward: by hand (`fullgraph=True`) "
        ": built in. Other processes were compiling meanwhile.\n\n" + table(head, rows)
    )
