"""A user's file in a process of its own: whatever it does, the answer is a report or one line.

The file is a program. It may loop for ever, print without end, leave by `sys.exit`, swallow every exception
or crash the interpreter, and the command must still say what happened. So a second interpreter runs it, and
writes the answer to a file. There faulthandler's watchdog, a thread that needs nothing from Python, notes
after the time limit where each thread is, and ends the process: inside a long matrix product too.
"""

import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import IO, Any

from manual_backprop.derive.command_line.requests import Answer, CannotRead, CannotRun, Request, raised

STARTING = 60.0  # seconds that an interpreter may take until the file's own time begins
MOST_BYTES, MOST_LINES = 4000, 20  # of what the file prints


def answer_in_isolation(request: Request, time_limit: float) -> tuple[Answer, str]:
    """The answer from a process of its own, and what the file printed, shortened.

    Raises:
        CannotRead: no such file or shapes, or no function named.
        CannotRun: a file that ends the process, or runs for longer than `time_limit` seconds.
    """
    request.check()
    with TemporaryDirectory() as folder:
        process = start(folder, request, time_limit)
        assert process.stdout is not None
        printed = Printed(process.stdout)
        with suppress(subprocess.TimeoutExpired):
            try:
                process.wait(STARTING + time_limit)
            finally:
                code = process.poll()
                _end(process)
                printed.close()
        return _answer_in(Path(folder), request.path, time_limit, code), printed.text()


def start(folder: str, request: Request, time_limit: float) -> subprocess.Popen[bytes]:
    """An interpreter of its own that runs `main`, in a session of its own; all it prints is in `stdout`."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, *arguments_of(folder, request, time_limit)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "MPLBACKEND": "Agg",  # a notebook's, say, may not be there
            "PYTHONIOENCODING": "utf-8:backslashreplace",  # what the file prints is read as that
        },
        start_new_session=True,  # so that Ctrl-C reaches the command alone, which ends the process
    )


def arguments_of(folder: str, request: Request, time_limit: float) -> tuple[str, str, str, str]:
    """What `main` is given."""
    return folder, type(request).__module__, json.dumps(asdict(request)), str(time_limit)


class Printed:
    """The beginning of what a process prints; the rest is only counted."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.kept, self.size = b"", 0
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):  # closed, while a process that outlives its parent holds it
            while part := self.stream.read(65536):
                self.size += len(part)
                self.kept += part[: MOST_BYTES - len(self.kept)]

    def close(self) -> None:
        """Read what is left."""
        self.reader.join(1)
        self.stream.close()

    def text(self) -> str:
        """The first lines, and how much there was."""
        lines = self.kept.decode(errors="replace").splitlines()
        shown = ["".join(c if c.isprintable() or c == "\t" else " " for c in line) for line in lines]
        if self.size > len(self.kept) or len(lines) > MOST_LINES:
            shown = [*shown[:MOST_LINES], f"… ({self.size:,} bytes were printed)"]
        return "\n".join(shown)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process, and whatever it has started."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    process.wait()


def _answer_in(folder: Path, path: Path, time_limit: float, code: int | None) -> Answer:
    with suppress(OSError, ValueError, TypeError):
        return Answer(**json.loads((folder / "answer").read_text(encoding="utf-8")))
    stack = ""
    with suppress(OSError):
        stack = (folder / "stack").read_text(encoding="utf-8", errors="replace")
    if code is None or stack.startswith("Timeout"):
        place = _place_in(stack, path)
        raise CannotRun(f"{path}{place}: still running after {time_limit:g} s (--time-limit)")
    how = f"exit code {code}"
    if code < 0:
        how = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    raise CannotRun(f"{path} ends the process that runs it ({how})")


def _place_in(stack: str, path: Path) -> str:
    """The innermost line of the file that was running; the main thread's, which comes last, if there."""
    name = re.escape(str(path).encode("ascii", "backslashreplace").decode())  # as faulthandler writes it
    for thread in reversed(stack.split("\n\n")):
        found = re.search(rf'^  File "{name}", line (\d+) in (.*)$', thread, re.MULTILINE)
        if found:
            within = "" if found[2] == "<module>" else f", in {found[2]}"
            return f", line {found[1]}{within}"
    return ""


def main(folder: str, command: str, request: str, time_limit: str) -> None:
    """Answer a command's request, and leave without what the file has arranged for the end."""
    asked: Request = import_module(command).Request(**json.loads(request))
    sys.argv = [str(asked.path)]
    answer: dict[str, Any]
    with (Path(folder) / "stack").open("w") as stack:
        faulthandler.dump_traceback_later(float(time_limit), exit=True, file=stack)
        try:
            answer = asdict(asked.answer())
        except CannotRead as error:
            answer = asdict(Answer(exit_code=error.exit_code, error=str(error)))
        except BaseException as error:  # SystemExit and its like too: whatever it is, it is the answer
            answer = asdict(Answer(exit_code=CannotRun.exit_code, error=raised(asked.path, error)))
        finished = Path(folder) / "answer"
        finished.with_suffix(".part").write_text(json.dumps(answer), encoding="utf-8")
        finished.with_suffix(".part").replace(finished)
        with suppress(BaseException):
            sys.stdout.flush()
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
