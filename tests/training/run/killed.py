"""Training runs in processes that can be killed, at any moment or at a point inside the writing of a file.

The processes are forked from a server that has imported all this, so that each starts at once. Nothing in the
package knows of it: the points are where the standard library is called.
"""

import io
import os
import resource
import signal
import sys
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch._dynamo  # torch.optim would import it in each fork

from manual_backprop import plots
from manual_backprop.cli import main
from manual_backprop.training.data import sample
from tests.training.pictures import NAMES, PictureData

torch.set_num_threads(1)
sample()  # it is cached, and every fork has it

POINTS = ("half written", "written", "before the rename", "after the rename")
Point = tuple[str, str]
"""One of them, and the file that is being written."""


class Strike(NamedTuple):
    """A signal that the process sends to itself when it is at `point` for the `count`-th time."""

    point: Point
    count: int
    number: signal.Signals


class HalfWriter(io.BufferedWriter):
    """Stops at half of everything that is written."""

    def write(self, data: Any) -> int:
        content = bytes(data)
        half = len(content) // 2
        super().write(content[:half])
        self.flush()
        reach("half written")
        return half + super().write(content[half:])


passed: Counter[Point] = Counter()
due: Strike | None = None
writing = ""


def reach(name: str) -> None:
    point = name, writing
    passed[point] += 1
    if due is not None and (due.point, due.count) == (point, passed[point]):
        os.kill(os.getpid(), due.number)


def watch_the_writing() -> None:
    path_open, replace, fsync = Path.open, Path.replace, os.fsync

    def watched_open(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        global writing
        if mode == "xb":
            writing = path.name
            return HalfWriter(io.FileIO(path, "x"))
        return path_open(path, mode, *arguments, **options)

    def watched_fsync(descriptor: int) -> None:
        reach("written")
        fsync(descriptor)

    def watched_replace(path: Path, target: Path) -> Path:
        reach("before the rename")
        target = replace(path, target)
        reach("after the rename")
        return target

    Path.open, Path.replace, os.fsync = watched_open, watched_replace, watched_fsync  # type: ignore


def child(
    arguments: list[str], strike: Strike | None, largest_file: int | None, log: Path, pipe: Any
) -> None:
    global due
    due = strike
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    for name in NAMES:
        setattr(plots, name, PictureData)
    watch_the_writing()
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    try:
        pipe.send("started")
        exit_code = main(arguments)
        sys.stdout.flush()
        pipe.send(dict(passed))
    except KeyboardInterrupt:  # before the command has begun, or after its end
        exit_code = 130
    os._exit(exit_code)


class Run:
    """One process that trains.

    Attributes:
        log: the file of what it says.
    """

    def __init__(
        self, arguments: list[str], log: Path, strike: Strike | None = None, largest_file: int | None = None
    ) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(["pytest", __name__])
        self.log = log
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=child, args=(arguments, strike, largest_file, log, other))
        self.process.start()
        other.close()
        assert self.pipe.recv() == "started"

    def kill_after(self, seconds: float, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            os.kill(self.process.pid or 0, number)

    def end(self) -> int:
        """The exit code: negative for a signal."""
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode

    def passed(self) -> dict[Point, int]:
        """How often it came to each point, after an end that was not forced."""
        passed: dict[Point, int] = self.pipe.recv()
        return passed
