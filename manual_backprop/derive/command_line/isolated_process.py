"""A user's file in a process of its own: whatever it does, the answer is a report or one line.

The file is a program. It may loop for ever, print without end, leave by `sys.exit`, swallow every exception
or crash the interpreter, and the command must still say what happened. So a second interpreter runs it, and
writes each answer to a file. There faulthandler's watchdog, a thread that needs nothing from Python, notes
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
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import IO

from manual_backprop.derive.command_line.requests import Answer, CannotRead, CannotRun, Request, raised

STARTING = 60.0  # seconds that an interpreter may take until the file's own time begins
ANSWER, FINISHED = ".answer", "finished"  # files in which the process leaves what it says
MOST_BYTES, MOST_LINES = 4000, 20  # of what the file prints


def answers_in_isolation(request: Request, time_limit: float) -> tuple[list[Answer], str]:
    """The answers from a process of its own, and what the file printed, shortened.

    Where the file ends the process, or runs for longer than `time_limit` seconds for one answer, the last
    answer says so.

    Raises:
        CannotRead: no such file or shapes, or no function named.
    """
    request.check()
    answers, printed = _answers(request, time_limit)
    if answers[0].stopped_at_top_level and not request.definitions_alone:
        others, more = _answers(replace(request, definitions_alone=True), time_limit)
        if not others[0].error:
            why = f"{answers[0].error}: only its definitions are run"
            return others, "\n".join(part for part in (printed, why, more) if part)
    return answers, printed


def _answers(request: Request, time_limit: float) -> tuple[list[Answer], str]:
    with TemporaryDirectory() as folder:
        process = start(folder, request, time_limit)
        assert process.stdout is not None
        printed = Printed(process.stdout)
        try:
            _wait(process, Path(folder), STARTING + time_limit)
        finally:
            code = process.poll()
            _end(process)
            printed.close()
        return _answers_in(Path(folder), request.path, time_limit, code), printed.text()


def _wait(process: subprocess.Popen[bytes], folder: Path, longest: float) -> None:
    """Until it ends, or gives no answer for so long."""
    before, given = -1, 0
    while before < given:
        with suppress(subprocess.TimeoutExpired):
            process.wait(longest)
            return
        before, given = given, len([*folder.glob(f"*{ANSWER}")])


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


def _answers_in(folder: Path, path: Path, time_limit: float, code: int | None) -> list[Answer]:
    answers = []
    for at in count():
        with suppress(OSError, ValueError, TypeError):
            answers.append(Answer(**json.loads((folder / f"{at}{ANSWER}").read_text(encoding="utf-8"))))
            continue
        break
    if not (folder / FINISHED).exists():
        answers.append(_ended(folder, path, time_limit, code))
    return answers


def _ended(folder: Path, path: Path, time_limit: float, code: int | None) -> Answer:
    """How a process ended that has not said all that it was asked."""
    cannot_run = CannotRun.exit_code
    stack = ""
    with suppress(OSError):
        stack = (folder / "stack").read_text(encoding="utf-8", errors="replace")
    if code is None or stack.startswith("Timeout"):
        place, outermost = _place_in(stack, path), _places_in(stack, path, "<module>")
        error = f"{path}{place}: still running after {time_limit:g} s (--time-limit)"
        return Answer(exit_code=cannot_run, error=error, stopped_at_top_level=bool(outermost))
    how = f"exit code {code}"
    if code < 0:
        how = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return Answer(exit_code=cannot_run, error=f"{path} ends the process that runs it ({how})")


def _place_in(stack: str, path: Path) -> str:
    """The innermost line of the file that was running; the main thread's, which comes last, if there."""
    for thread in reversed(stack.split("\n\n")):
        for line, function in _places_in(thread, path):
            return f", line {line}" if function == "<module>" else f", line {line}, in {function}"
    return ""


def _places_in(stack: str, path: Path, function: str = ".*") -> list[tuple[str, str]]:
    """The lines of the file that were running, and in which function; the innermost first."""
    name = re.escape(str(path).encode("ascii", "backslashreplace").decode())  # as faulthandler writes it
    return re.findall(rf'^  File "{name}", line (\d+) in ({function})$', stack, re.MULTILINE)


def main(folder: str, command: str, request: str, time_limit: str) -> None:
    """Give a command's answers, and leave without what the file has arranged for the end."""
    asked: Request = import_module(command).Request(**json.loads(request))
    sys.argv = [str(asked.path)]
    numbers = count()

    def give(answer: Answer) -> None:
        file = Path(folder) / f"{next(numbers)}{ANSWER}"
        file.with_suffix(".part").write_text(json.dumps(asdict(answer)), encoding="utf-8")
        file.with_suffix(".part").replace(file)

    with (Path(folder) / "stack").open("w") as stack:
        watch = partial(faulthandler.dump_traceback_later, float(time_limit), exit=True, file=stack)
        watch()
        try:
            for answer in asked.answers():
                give(answer)
                watch()
        except CannotRead as error:
            give(Answer(exit_code=error.exit_code, error=str(error)))
        except BaseException as error:  # SystemExit and its like too: whatever it is, it is the answer
            give(Answer(exit_code=CannotRun.exit_code, error=raised(asked.path, error)))
        (Path(folder) / FINISHED).touch()
        with suppress(BaseException):
            sys.stdout.flush()
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
