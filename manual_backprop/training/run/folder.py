"""The folder of a run: one process at a time uses it, and notices if it is removed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from manual_backprop.training.config import CannotWrite, Failure
from manual_backprop.training.run.files import PART

LOCK = ".lock"


class Folder:
    """A run folder, locked against other runs; a context manager.

    The lock is the operating system's, on the file `.lock`, and ends with the process, however that ends.
    On Windows there is no lock.

    Raises:
        Failure: on entry, for a folder that cannot be written into or that another run is using.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock: IO[bytes] | None = None

    def __enter__(self) -> "Folder":
        try:
            self.lock = (self.path / LOCK).open("ab")
            _lock(self.lock)
        except BlockingIOError as error:
            self.release()
            raise Failure(f"another run is using {self.path}: wait for it to end, or stop it") from error
        except OSError as error:
            self.release()
            raise CannotWrite(f"cannot write into the output folder {self.path}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Unlock it."""
        if self.lock is not None:
            self.lock.close()

    def require_there(self) -> None:
        """Raise a Failure if the folder has been removed, or replaced by another one of that name."""
        assert self.lock is not None
        try:
            if os.path.samestat((self.path / LOCK).stat(), os.fstat(self.lock.fileno())):
                return
        except OSError:
            pass
        raise Failure(f"{self.path} was removed or replaced during the run, with all that it contained")


@contextmanager
def new_folder(path: Path) -> Iterator[Folder]:
    """Create and lock the folder of a new run. It may hold what a run left that died before its first file.

    Raises:
        Failure: as `Folder`, or the folder is not empty.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        _require_empty(path)
    except OSError as error:
        raise CannotWrite(f"cannot write into the output folder {path}: {error.strerror}") from error
    with Folder(path) as folder:
        _require_empty(path)  # again, now that no other run can write
        try:
            yield folder
        finally:
            if [file.name for file in path.glob("*") if file.name != LOCK] == [] and path.is_dir():
                (path / LOCK).unlink(missing_ok=True)  # of a run that wrote nothing


def _require_empty(path: Path) -> None:
    if any(file.name != LOCK and not file.name.endswith(PART) for file in path.iterdir()):
        raise Failure(f"{path} is not empty: choose another --out, or continue its run with --resume {path}")


def _lock(file: IO[bytes]) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
