"""Files that are written completely or not at all."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from manual_backprop.training.config import CannotWrite

PART = ".part"
"""The suffix of a file that is being written; the next run overwrites what a killed run leaves."""


def write_text(path: Path, text: str) -> None:
    """Write a text file. Raises CannotWrite like `write`."""
    write(path, lambda file: file.write(text.encode()))


def write(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """Fill a temporary file beside `path`, flush it to the disk, and rename it.

    Raises:
        CannotWrite: the file cannot be written; a previous one stays as it was.
    """
    temporary = path.with_name(f".{path.name}{PART}")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # never through an existing link
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}") from error
