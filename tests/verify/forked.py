"""Judging processes that are forked from one interpreter with torch imported, in place of new interpreters.

What is forked runs the same `main` under the same conditions: a session of its own, no standard input, and
one pipe for all that it prints.
"""

import multiprocessing
import os
import subprocess
from multiprocessing.connection import Connection
from typing import IO

from manual_backprop.derive.command_line import isolated_process
from manual_backprop.derive.command_line.requests import Request

CONTEXT = multiprocessing.get_context("forkserver")
IMPORTED_LATE = (  # by torch and matplotlib, when judging and drawing begin
    "torch._dynamo",
    "torch._decomp.decompositions_for_jvp",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
)
CONTEXT.set_forkserver_preload(["pytest", __name__, *IMPORTED_LATE])


class ForkedProcess:
    """What `isolated_process` needs of a subprocess.Popen."""

    def __init__(self, folder: str, request: Request, time_limit: float) -> None:
        reader, writer = CONTEXT.Pipe(duplex=False)
        arguments = isolated_process.arguments_of(folder, request, time_limit)
        self.process = CONTEXT.Process(target=_judge, args=(writer, arguments))
        self.process.start()
        writer.close()
        self.stdout: IO[bytes] = open(os.dup(reader.fileno()), "rb", buffering=0)  # noqa: SIM115
        reader.close()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if self.process.exitcode is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("forked", timeout)
        return self.process.exitcode


def _judge(writer: Connection, arguments: tuple[str, str, str, str]) -> None:
    os.setsid()
    for stream in (1, 2):
        os.dup2(writer.fileno(), stream)
    writer.close()
    isolated_process.main(*arguments)
