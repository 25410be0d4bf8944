"""Files that are whole or not there."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from manual_backprop.training.config import Failure

PART = ".part"
"""How the name of a file ends that is being written; what a killed run leaves, the next writes over."""


def write_text(path: Path, text: str) -> None:
    """Write a text file. Raises Failure like `save`."""
    write(path, lambda file: file.write(text.encode()))


def write(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """Fill a temporary file beside `path`, make sure that it is on the disk, and rename it.

    Raises:
        Failure: the file cannot be written; the one before stays as it was.
    """
    temporary = path.with_name(f".{path.name}{PART}")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # never through a link that lies there
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise Failure(f"cannot write {path}: {error.strerror or error}") from error
