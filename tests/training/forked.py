"""Processes that start at once: forked from a server that has imported PyTorch, this package and the sample.

The server itself is a new process, which knows nothing of what the tests before have done.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch._dynamo  # torch.optim would import it in each fork

from manual_backprop import plots
from manual_backprop.cli import main
from manual_backprop.training.data import sample
from tests.training.pictures import NAMES, PictureData

torch.set_num_threads(1)
sample()  # it is cached, and every fork has it

T = TypeVar("T")
Work = Callable[..., int]
"""What a process does: given a pipe to the test and the arguments, it returns the exit code."""


def _server() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(["pytest", __name__])
    return context


def alone(function: Callable[..., T], *arguments: Any) -> T:
    """What the function returns, from a process where nothing else is at work."""
    with ProcessPoolExecutor(1, mp_context=_server()) as processes:
        return processes.submit(function, *arguments).result()


def command(pipe: Connection, *arguments: str) -> int:
    """The command line; pictures are not drawn."""
    for name in NAMES:
        setattr(plots, name, PictureData)
    return main(arguments)


class Forked:
    """One process at work.

    Args:
        work: what it does.
        arguments: what `work` is given after the pipe.
        log: the file that receives what it writes to standard output and standard error.
        environment: variables that are set in it.

    Attributes:
        pipe: the test's end.
    """

    def __init__(
        self, work: Work, *arguments: Any, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        context = _server()
        self.log = log
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=_forked, args=(work, arguments, environment or {}, log, other), daemon=True
        )
        self.process.start()
        other.close()
        assert self.pipe.recv() == "started"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.process.exitcode is None:
            os.kill(self.process.pid or 0, number)

    def end(self) -> int:
        """The exit code: negative for a signal."""
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode


def _forked(
    work: Work, arguments: tuple[Any, ...], environment: dict[str, str], log: Path, pipe: Connection
) -> None:
    os.environ |= environment
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        pipe.send("started")
        exit_code = work(pipe, *arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:  # before the work has begun, or after its end
        exit_code = 130
    os._exit(exit_code)


def together(count: int, work: Work, *arguments: Any, log: Path) -> list[int]:
    """The exit codes of `count` processes that know of each other as those of torchrun do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
    }
    each = [
        Forked(work, *arguments, log=log, environment={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(count)
    ]
    return [process.end() for process in each]
