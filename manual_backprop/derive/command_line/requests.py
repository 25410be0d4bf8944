"""What is asked for on a command line, what is answered, and why it may not be."""

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from manual_backprop.derive.command_line.messages import told
from manual_backprop.derive.command_line.naming import Wanted, no_file, no_operation, split_name
from manual_backprop.derive.shapes import shapes_in


class CannotRead(Exception):  # noqa: N818 - it is what the user reads, not a bug
    """What was named on the command line cannot be found or read."""

    exit_code = 2


class CannotRun(CannotRead):
    """What was named is there, and fails."""

    exit_code = 3


@dataclass(frozen=True)
class Answer:
    """What the command says.

    Attributes:
        report: for standard output.
        exit_code: that of the report, or of the error.
        error: one line, where something could not be done.
    """

    report: str = ""
    exit_code: int = 2
    error: str = ""


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        what: file.py:function, or the name of an operation of this package.
        shapes: of the inputs, as text.
    """

    what: str
    shapes: str | None

    @property
    def path(self) -> Path:
        """The file."""
        return split_name(self.what)[0]

    @property
    def wanted(self) -> Wanted:
        """Which function of a file is meant, if none is named."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise CannotRead unless a file that can be read is named, a function of it, and shapes."""
        path, name = split_name(self.what)
        if path == Path():
            raise CannotRead(no_operation(self.what, self.wanted))
        try:
            if not path.is_file():
                raise CannotRead(no_file(path))
            path.open("rb").close()
        except OSError as error:
            raise CannotRead(f"cannot read {path}: {error.strerror}") from error
        if not name:
            raise CannotRead(self.wanted.named(path))
        self.sizes()

    def sizes(self) -> list[tuple[int, ...] | Tensor]:
        """The text "(5,3) (7,)" as [(5, 3), (7,)].

        Raises:
            CannotRead: the text is not such a list, or is missing.
        """
        if self.shapes is None:
            raise CannotRead(
                '--shapes is missing: give one for each input, such as --shapes "(5,3) (7,3) (7,)"'
            )
        try:
            return shapes_in(self.shapes)
        except ValueError as error:
            raise CannotRead(f"invalid --shapes: {error}") from error

    def answer(self) -> Answer:
        """What is said.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
        """
        raise NotImplementedError


def names_in(path: Path) -> dict[str, Any]:
    """What a file defines, when it is run.

    Raises:
        CannotRun: it raises something.
    """
    try:
        return runpy.run_path(str(path))
    except Exception as error:  # the file is the user's: whatever it raises is for them to read
        raise CannotRun(raised(path, error)) from error


def raised(path: Path, error: BaseException) -> str:
    """What the file raised, and in which of its lines."""
    return f"{path} raises {told(error, str(path))}"
