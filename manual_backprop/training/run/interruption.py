"""Ctrl-C and SIGTERM: the first one waits for the current step, so that nothing is lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(Exception):  # noqa: N818 - the user has asked for it
    """Ctrl-C or SIGTERM: the run is saved and can be resumed."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """The stop signals received so far: the first waits for the current step, the second does not."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for kind, handler in before.items():
            signal.signal(kind, handler)

    before: dict[signal.Signals, Any] = {}
    try:
        for kind in (signal.SIGINT, signal.SIGTERM):
            before[kind] = signal.signal(kind, note)
    except ValueError:
        pass  # only the main thread receives signals
    try:
        yield received
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
