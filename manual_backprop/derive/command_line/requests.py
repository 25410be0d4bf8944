"""What is asked for on a command line, what is answered, and why it may not be."""

import os
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from manual_backprop.derive.command_line.messages import told
from manual_backprop.derive.command_line.naming import Wanted, no_file, no_operation, split_name
from manual_backprop.derive.shapes import named_arguments_in

FILES = (".py", ".ipynb")


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
    whole_file: ClassVar[bool] = False

    @property
    def path(self) -> Path:
        """The file."""
        return split_name(self.what)[0]

    @property
    def name(self) -> str:
        """What is named in the file; if nothing is, the one function that may be meant, or ""."""
        name = split_name(self.what)[1]
        return name or ("" if self.whole_file else self.wanted.only_one_in(self.path))

    @property
    def in_file(self) -> bool:
        """Whether a file is named, rather than an operation."""
        path, name = split_name(self.what)
        return bool(name) or ":" in self.what or path.suffix in FILES or os.path.isfile(path)

    @property
    def wanted(self) -> Wanted:
        """Which function of a file is meant, if none is named."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise CannotRead unless a file that can be read is named, and a function of it if one has to be."""
        path = self.path
        if path == Path():
            raise CannotRead(no_operation(self.what, self.wanted))
        try:
            if not path.is_file():
                raise CannotRead(no_file(path))
            path.open("rb").close()
        except OSError as error:
            raise CannotRead(f"cannot read {path}: {error.strerror}") from error
        if not self.whole_file and not self.name:
            raise CannotRead(self.wanted.named(path))
        self.arguments()

    def arguments(self) -> list[tuple[str | None, Any]] | None:
        """The text "(5,3) p=0.5" as [(None, (5, 3)), ("p", 0.5)]; None if there is no text.

        Raises:
            CannotRead: the text is none of arguments.
        """
        if self.shapes is None:
            return None
        try:
            return named_arguments_in(self.shapes)
        except ValueError as error:
            raise CannotRead(f"invalid --shapes: {error}") from error

    def answers(self) -> Iterator[Answer]:
        """What is said, one after another."""
        yield self.answer()

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
