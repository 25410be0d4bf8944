"""Runs a section in processes of its own, and knows what became of each item whatever happens to them."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.cuda.section import FAILED, NOT_RUN, ROOT, Outcome, Section, Settings
from scripts.cuda.worker import AGAIN

POLL = 0.05  # seconds
TO_DUMP = 1.0  # seconds, for the stack of a process that hangs
TO_END = 10.0  # seconds
TO_START = 120.0  # seconds: PyTorch read from a cold disk, and a GPU's first use
LAST_LINES = 60
COULD_NOT_START = "(start)"


@dataclass
class Worker:
    """One process after the other, each with what the last one has left."""

    section: Section
    settings: Settings
    number: int
    of: int
    folder: Path
    outcomes: dict[str, Outcome]
    names: list[str]
    current: str | None = None
    since: float = 0.0
    read: int = 0
    over: bool = False
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        stem = f"{self.section.name}-{self.number}"
        self.results, self.log = self.folder / f"{stem}.jsonl", self.folder / f"{stem}.log"
        self.request = self.folder / f"{stem}.json"
        self.results.touch()
        self.start()

    def start(self) -> None:
        """A process that does what is left."""
        request = {
            "items": self.section.items,
            "settings": asdict(self.settings),
            "results": str(self.results),
            "worker": self.number,
            "workers": self.of,
            "fresh": self.section.fresh,
            "done": list(self.outcomes),
        }
        self.request.write_text(json.dumps(request), encoding="utf-8")
        self.current, self.since, self.begun = None, time.monotonic(), len(self.outcomes)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scripts.cuda.worker", str(self.request)],
                cwd=ROOT,
                env=environment(self.of),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def look(self) -> None:
        """Note what has happened since the last look, and go on from there."""
        ended = self.process.poll()  # before the lines are read: then none is missed
        for line in self._new_lines():
            if "names" in line:
                self.names[:] = line["names"]
                self.since = time.monotonic()
            elif "began" in line:
                self.current, self.since = line["began"], time.monotonic()
            else:
                name = line.pop("item")
                self.outcomes[name] = Outcome(**line)
                self.current, self.since = None, time.monotonic()
        if ended is not None:
            self._end(ended)
        elif self.current is None:
            if time.monotonic() - self.since > max(TO_START, self.section.item_seconds):
                self._lose(f"nothing was begun in {TO_START:.0f} s")
        elif time.monotonic() - self.since > self.section.item_seconds:
            self._lose(f"not done after {self.section.item_seconds:g} s")

    def _new_lines(self) -> Iterator[dict[str, Any]]:
        with self.results.open("rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):  # it is being written
                    return
                self.read += len(line)
                with suppress(ValueError):
                    yield json.loads(line)

    def _end(self, code: int) -> None:
        if code == 0:
            self.over = True
            return
        if code != AGAIN or self.current is not None:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            self._note(Outcome(FAILED, reason=f"the process {how}", traceback=self._last_lines()))
        if not self.over:
            self.start()

    def _lose(self, reason: str) -> None:
        seconds = time.monotonic() - self.since
        self._kill_with_stack()
        self._note(Outcome(FAILED, seconds, reason=reason, traceback=self._last_lines()))
        if not self.over:
            self.start()

    def cut(self, late: str, longest: float) -> None:
        """End it, since it is `late`; an item that took so many seconds is taken to hang."""
        if self.over:
            return
        ran = time.monotonic() - self.since
        self._kill_with_stack()
        status, reason = FAILED if ran >= longest else NOT_RUN, f"{late} after {ran:.0f} s of it"
        self._note(Outcome(status, ran, reason=reason, traceback=self._last_lines()))

    def _kill_with_stack(self) -> None:
        """End it; where it is at work, that is the last that its log says."""
        if hasattr(signal, "SIGUSR1") and self.names:  # before that, the signal may not be awaited
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(TO_DUMP)
        self.kill()

    def _note(self, outcome: Outcome) -> None:
        """Of the item that was at work. Where nothing was, and nothing was done, the next would not be."""
        if self.current is not None:
            self.outcomes[self.current] = outcome
        elif outcome.status == FAILED and len(self.outcomes) == self.begun:
            self.outcomes[COULD_NOT_START] = outcome
            self.over = True

    def _last_lines(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def kill(self) -> None:
        """End the process, and those that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # a driver that hangs holds even a killed process
            self.process.wait(TO_END)


def environment(workers: int) -> dict[str, str]:
    """As it is here, with the package of this source tree, and the cores shared out."""
    own = dict(os.environ)
    own["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), own.get("PYTHONPATH"))))
    own.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # each of the workers compiles by itself
    own["PYTHONUNBUFFERED"] = "1"
    if workers > 1:
        own["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // workers, 1))
    return own


def run(
    section: Section,
    settings: Settings,
    seconds: float,
    folder: Path,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Outcome]:
    """The outcome of every item; those that the time was not enough for are among them.

    Args:
        section: what is to be run.
        settings: what every item is told.
        seconds: after which what is left is not run.
        folder: for the files by which the processes speak to this one.
        stopped: whether to end it now.
    """
    started = time.monotonic()
    outcomes: dict[str, Outcome] = {}
    names: list[str] = []
    late = f"the section's {seconds:.0f} s were over"
    of = 1 if settings.device == "cpu" else section.workers
    workers: list[Worker] = []
    try:
        for number in range(of):
            workers.append(Worker(section, settings, number, of, folder, outcomes, names))
        while not all(worker.over for worker in workers):
            for worker in workers:
                if not worker.over:
                    worker.look()
            if stopped():
                late = "the report was stopped"
            if stopped() or time.monotonic() - started > seconds:
                for worker in workers:
                    worker.cut(late, math.inf if stopped() else seconds / 2)
                break
            time.sleep(POLL)
    finally:
        for worker in workers:
            worker.kill()
    order = [*(name for name in outcomes if name not in names), *names]
    return {name: outcomes.get(name, Outcome(NOT_RUN, reason=late)) for name in order or [COULD_NOT_START]}
