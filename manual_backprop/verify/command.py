"""`manual-backprop verify`: a derivation in a file, or one of the package's own operations by name."""

import re
import runpy
from ast import literal_eval
from pathlib import Path
from typing import Any

from manual_backprop.verify import verify
from manual_backprop.verify.own import OWN, own
from manual_backprop.verify.report import Report
from manual_backprop.verify.subjects import is_function_class


class CannotRead(Exception):  # noqa: N818 - it is what the user reads, not a bug
    """What was named on the command line cannot be found or read."""


def verify_named(what: str, against: str, shapes: str | None) -> Report:
    """The report on `file.py:function`, against another function of the same file, or on an operation's name.

    The function is a backward, or a torch.autograd.Function that has one.

    Raises:
        CannotRead: no such file, function, operation, or shapes.
    """
    if ":" not in what:
        return verify_own(what)
    path, _, name = what.rpartition(":")
    if shapes is None:
        raise CannotRead('--shapes is missing: one for each input, such as --shapes "(5,3) (7,3) (7,)"')
    found = _names_in(Path(path))
    for wanted in (name, against):
        if not callable(found.get(wanted)):
            raise CannotRead(f"{path} has no function {wanted}")
    judged, reference = found[name], found[against]
    if is_function_class(judged):
        return verify(judged, against=reference, shapes=shapes_from(shapes))
    return verify(reference, judged, shapes=shapes_from(shapes))


def verify_own(name: str) -> Report:
    """The report on one of this package's operations, against torch.nn.functional's.

    Raises:
        CannotRead: it has no such operation.
    """
    if name not in OWN:
        raise CannotRead(f"{name} is neither file.py:function nor one of {', '.join(OWN)}")
    function, twin, points = own(name)
    return verify(function, against=twin, shapes=points)


def shapes_from(text: str) -> list[tuple[int, ...]]:
    """The text "(5,3) (7,)" as [(5, 3), (7,)].

    Raises:
        CannotRead: it is no such list.
    """
    try:
        shapes = [literal_eval(part) for part in re.findall(r"\([^()]*\)", text)]
        shapes = [shape if isinstance(shape, tuple) else (shape,) for shape in shapes]
    except (ValueError, SyntaxError):
        shapes = []
    left_over = re.sub(r"\([^()]*\)", "", text).strip()
    if not shapes or left_over or not all(isinstance(n, int) and n >= 0 for shape in shapes for n in shape):
        raise CannotRead(f"--shapes {text!r} is no list of shapes such as (5,3) (7,3) (7,)")
    return shapes


def _names_in(path: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(path))
    except OSError as error:
        raise CannotRead(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # the file is the user's: whatever it raises is for them to read
        raise CannotRead(f"{path} raises {type(error).__name__}: {error}") from error
