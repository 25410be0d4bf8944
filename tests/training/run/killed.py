"""Training runs that can be killed, at any moment or at a point inside the writing of a file.

Nothing in the package knows of it: the points are where the standard library is called.
"""

import io
import os
import resource
import signal
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tests.training.forked import Forked, command

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


def watched_command(
    pipe: Connection, arguments: list[str], strike: Strike | None, largest_file: int | None
) -> int:
    global due
    due = strike
    watch_the_writing()
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    exit_code = command(pipe, *arguments)
    pipe.send(dict(passed))
    return exit_code


class Run(Forked):
    """One process that trains."""

    def __init__(
        self, arguments: list[str], log: Path, strike: Strike | None = None, largest_file: int | None = None
    ) -> None:
        super().__init__(watched_command, arguments, strike, largest_file, log=log)

    def kill_after(self, seconds: float, number: signal.Signals) -> None:
        """Send it a signal after so long, if it is still there."""
        self.process.join(seconds)
        self.signal(number)

    def passed(self) -> dict[Point, int]:
        """How often it came to each point, after an end that was not forced."""
        passed: dict[Point, int] = self.pipe.recv()
        return passed
