"""What a user's code raised, in words."""

import linecache
import re
import sysconfig
import traceback
from pathlib import Path
from types import CodeType

from manual_backprop.derive.code_names import is_users

LONGEST_MESSAGE = 300
LONGEST_LINE = 80  # characters of the user's code that are quoted
PYTHON = str(Path(sysconfig.get_paths()["stdlib"]))
LIBRARIES = re.compile(r"[/\\](site|dist)-packages[/\\](numpy|scipy|jax|jaxlib|numba|opt_einsum)[/\\]")
COMMENT = re.compile(r"\s#[^'\"]*$")
NOT_RUN = "__not_run__"
"""The global of a file that says why a name is not defined, where only its definitions were run."""
CELL = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")  # what Jupyter calls the file of a cell that is run


def words_of(error: BaseException) -> str:
    """What was raised, in one line, shortened, and of characters that can be printed."""
    try:
        message = str(error)
    except Exception:  # the exception may be the user's own, and so is how it is written
        message = "its message cannot be read"
    line = _printable(message, LONGEST_MESSAGE)
    name = type(error).__name__[:LONGEST_MESSAGE]
    return f"{name}: {line}" if line else name


def told(error: BaseException, file: str = "") -> str:
    """What was raised, and in which line of the user's code: "ValueError: … (layers.py:12, in f: y = x @ w)".

    Args:
        error: what was raised.
        file: the file that the sentence has named already.
    """
    words, place = words_of(error) + why_undefined(error), place_of(error, file)
    return f"{words.rstrip('.')} ({place})" if place else words


def place_of(error: BaseException, file: str = "") -> str:
    """The innermost line that is the user's own, not a library's; "" if there is none."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if is_own(frame.f_code):
            found = frame, line
    if found is None:
        return ""
    frame, line = found
    name = frame.f_code.co_filename
    within = "" if frame.f_code.co_name == "<module>" else f", in {frame.f_code.co_name}"
    text = COMMENT.sub("", linecache.getline(name, line, frame.f_globals))
    text = _printable(text.strip(), LONGEST_LINE)
    quoted = f": {text}" if text and not text.startswith("raise") else ""  # its message has been told
    return f"{_at(name, line, file)}{within}{quoted}"


def is_own(code: CodeType) -> bool:
    """Whether a user wrote it: neither Python nor a library that computes with arrays."""
    name = code.co_filename
    installed = f"{PYTHON}/site-packages", f"{PYTHON}/dist-packages"
    of_python = name.startswith(PYTHON) and not name.startswith(installed)
    return is_users(code) and not of_python and not LIBRARIES.search(name)


def why_undefined(error: BaseException) -> str:
    """Why a name is not there, where the statement of the file that assigns it was left out; else ""."""
    if not isinstance(error, NameError):
        return ""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    reasons = (frame.f_globals.get(NOT_RUN, {}).get(error.name) for frame in frames)
    return next((f"; {reason}" for reason in reasons if reason), "")


def _at(name: str, line: int, file: str) -> str:
    if file and name == file:
        return f"line {line}"
    if CELL.search(name):
        return f"line {line} of the cell"
    base = _printable(Path(name).name, LONGEST_LINE)
    return f"{base}, line {line}" if "," in base else f"{base}:{line}"  # "notes.ipynb, cell 3, line 4"


def _printable(text: str, longest: int) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text[: longest + 1])
    line = " ".join(shown.split())
    return line[:longest] + "…" if len(text) > longest else line
