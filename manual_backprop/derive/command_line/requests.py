"""What is asked for on a command line, what is answered, and why it may not be."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from manual_backprop.derive.command_line.messages import NOT_RUN, told
from manual_backprop.derive.command_line.naming import (
    FILES,
    Wanted,
    no_file,
    no_function,
    no_operation,
    split_name,
)
from manual_backprop.derive.command_line.user_files import definitions, whole
from manual_backprop.derive.shapes import named_arguments_in


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
        stopped_at_top_level: whether that is since the file was still running, and not one of its functions
            that was called.
    """

    report: str = ""
    exit_code: int = 2
    error: str = ""
    stopped_at_top_level: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        what: file.py:function, or the name of an operation of this package.
        shapes: of the inputs, as text.
        definitions_alone: whether no more of the file is run than its definitions.
    """

    what: str
    shapes: str | None
    definitions_alone: bool = field(default=False, kw_only=True)
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


class Names(dict[str, Any]):
    """What the names of a file stand for.

    Attributes:
        error: what the file raised, where only its definitions could be run; "" for a notebook.
        notes: what is to be said of what was not run, where the rest is of use.
    """

    error: str = ""
    notes: Sequence[str] = ()

    def tell(self) -> None:
        """Print the notes, once."""
        for line in self.notes:
            print(line)
        self.notes = ()

    def require(self, path: Path, name: str, *, of: Callable[[Any], bool]) -> Any:
        """What a name stands for.

        Raises:
            CannotRun: it is not there, since the file could not be run.
            CannotRead: it is not there, or not what is asked for.
        """
        if of(self.get(name)):
            self.tell()
            return self[name]
        if name not in self and name in self.get(NOT_RUN, {}):
            raise CannotRun(f"{path} has no {name}: {self[NOT_RUN][name]}")
        if name not in self and self.error:
            raise CannotRun(self.error)
        raise CannotRead(no_function(path, name, self))


def names_in(path: Path, *, definitions_alone: bool = False) -> Names:
    """What a file defines, when it is run; a notebook, or a file that fails, by its definitions alone.

    Raises:
        CannotRun: it is no Python, or no notebook.
    """
    error = ""
    if path.suffix != ".ipynb" and not definitions_alone:
        try:
            return Names(whole(path))
        except (Exception, SystemExit) as reason:  # the user's file: whatever it raises is for them to read
            error = raised(path, reason)
    try:
        found = definitions(path)
    except Exception as reason:
        raise CannotRun(error or raised(path, reason)) from reason
    names = Names(found.names)
    names.error = error
    names.notes = [f"{error}: only its definitions are run"] if error else found.errors
    return names


def raised(path: Path, error: BaseException) -> str:
    """What the file raised, and in which of its lines."""
    return f"{path} raises {told(error, str(path))}"
