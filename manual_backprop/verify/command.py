"""`manual-backprop verify`: a derivation in a file, or one of the package's own operations by name."""

import runpy
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from manual_backprop.derive.computation import is_function_class
from manual_backprop.derive.shapes import shapes_in
from manual_backprop.verify import verify
from manual_backprop.verify.naming import name_the_function, no_file, no_function, no_operation, split_name
from manual_backprop.verify.package_operations import OWN, own
from manual_backprop.verify.problem import words_of
from manual_backprop.verify.reporting.report import Report


class CannotRead(Exception):  # noqa: N818 - it is what the user reads, not a bug
    """What was named on the command line cannot be found or read."""

    exit_code = 2


class CannotJudge(CannotRead):
    """What was named is there, and fails before it can be judged."""

    exit_code = 3


CANNOT_WRITE = 4
"""The exit code where the pictures cannot be written, and the derivation is right."""


Form = Literal["text", "coloured", "json"]


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        derivation: file.py:function, or the name of an operation of this package.
        against: the name of the forward, in the same file.
        shapes: of the inputs, as text.
        form: of the report.
        plot: where to save the pictures.
    """

    derivation: str
    against: str
    shapes: str | None
    form: Form
    plot: str | None

    @property
    def path(self) -> Path:
        """The file with the derivation."""
        return split_name(self.derivation)[0]


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


def answer_to(request: Request) -> Answer:
    """The report that was asked for, and its pictures.

    Raises:
        CannotRead: no such file, function, operation, or shapes.
    """
    report = verify_named(request.derivation, request.against, request.shapes)
    text = {"text": report.__str__, "coloured": report.coloured, "json": report.to_json}[request.form]()
    error = ""
    if request.plot is not None:
        try:
            report.plot(request.plot)
        except (OSError, ValueError) as trouble:
            error = f"--plot {request.plot}: {trouble}"
    return Answer(text, CANNOT_WRITE if error and report else report.exit_code, error)


def verify_named(what: str, against: str, shapes: str | None) -> Report:
    """The report on `file.py:function`, against another function of the same file, or on an operation's name.

    The function is a backward, or a torch.autograd.Function that has one.

    Raises:
        CannotRead: no such file, function, operation, or shapes.
    """
    if ":" not in what:
        return verify_own(what)
    require_function_of_file(what)
    path, name = split_name(what)
    sizes = shapes_from(shapes)
    found = _names_in(path)
    for wanted in (name, against):
        if not callable(found.get(wanted)):
            other = " (--against takes another name)" if wanted != name else ""
            raise CannotRead(no_function(path, wanted, found) + other)
    judged, reference = found[name], found[against]
    if is_function_class(judged):
        return verify(judged, against=reference, shapes=sizes)
    return verify(reference, judged, shapes=sizes)


def verify_own(name: str) -> Report:
    """The report on one of this package's operations, against torch.nn.functional's.

    Raises:
        CannotRead: it has no such operation.
    """
    if name not in OWN:
        raise CannotRead(no_operation(name))
    function, twin, points = own(name)
    return verify(function, against=twin, shapes=points)


def shapes_from(text: str | None) -> list[tuple[int, ...]]:
    """The text "(5,3) (7,)" as [(5, 3), (7,)].

    Raises:
        CannotRead: the text is not such a list, or is missing.
    """
    if text is None:
        raise CannotRead('--shapes is missing: give one for each input, such as --shapes "(5,3) (7,3) (7,)"')
    try:
        return shapes_in(text)
    except ValueError as error:
        raise CannotRead(f"invalid --shapes: {error}") from error


def _names_in(path: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(path))
    except Exception as error:  # the file is the user's: whatever it raises is for them to read
        raise CannotJudge(raised(path, error)) from error


def require_function_of_file(what: str) -> None:
    """Raise CannotRead unless `what` names a file that can be read, and a function of it."""
    path, name = split_name(what)
    if path == Path():
        raise CannotRead(no_operation(what))
    try:
        if not path.is_file():
            raise CannotRead(no_file(path))
        path.open("rb").close()
    except OSError as error:
        raise CannotRead(f"cannot read {path}: {error.strerror}") from error
    if not name:
        raise CannotRead(name_the_function(path))


def raised(path: Path, error: BaseException) -> str:
    """What the file raised, and in which of its lines."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    where = ""
    if frames:
        where = f" (line {frames[-1].lineno}{_within(frames[-1].name)})"
    return f"{path} raises {words_of(error)}{where}"


def _within(function: str) -> str:
    return "" if function == "<module>" else f", in {function}"
