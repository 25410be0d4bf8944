"""Standard output and standard error as the command line needs them, whatever they are.

A terminal, a pipe or a file may have an encoding without ∂ and δ: cp1252 where Windows redirects, ASCII in
many logs. What it cannot show is spelled in ASCII, so that the line is still there and can be read. A stream
may also be closed, as by `>&-` in a shell: then what would be printed is dropped.
"""

import codecs
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import TextIOWrapper
from typing import TextIO

SPELLED = {
    letter: words[at]
    for letters, *words in (
        ("∂∇√∞⊙·×±\u0302", "d", "grad", "sqrt", "inf", "*", "*", "x", "+-", "^"),
        ("⋆∧∨¬", "conv", "and", "or", "not "),
        ("−–—′‖⟨⟩‹›⁄⋮", "-", "-", "-", "'", "||", "<", ">", "<", ">", "/", ":"),
        ("ΣλΛ", "sum_", "lambda", "Lambda"),
        ("←→↑↓≤≥≠≈", "<-", "->", "^", "v", "<=", ">=", "!=", "~"),
    )
    for at, letter in enumerate(letters)
}
READABLE = "manual_backprop.readable"
"""The name of `readable` among the error handlers of encodings."""


def readable(error: UnicodeError) -> tuple[str, int]:
    """An error handler of an encoding: what it cannot encode, in ASCII; where encoding goes on.

    Raises:
        UnicodeError: the error itself, if it is not one of encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(character: str) -> str:
    if character.isascii():
        return character
    if character in SPELLED:
        return SPELLED[character]
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is not in the file system's encoding
        return f"\\x{ord(character) - 0xDC00:02x}"
    plain = unicodedata.normalize("NFKD", character)  # ² is 2, ᵀ is T, é is e and an accent
    if plain != character:
        return "".join(_spelled(part) for part in plain if not unicodedata.combining(part))
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
    if greek is None:
        return "?"
    return greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()


codecs.register_error(READABLE, readable)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Inside, anything can be printed; afterwards the streams are as they were."""
    _open_closed_descriptors()
    with ExitStack() as stack:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:
                setattr(sys, name, stack.enter_context(open(os.devnull, "w", encoding="utf-8")))
                stack.callback(setattr, sys, name, None)
            elif isinstance(stream, TextIOWrapper):
                stack.callback(_reconfigure, stream, stream.errors)
                _reconfigure(stream, READABLE)
        yield


def _reconfigure(stream: TextIOWrapper, errors: str | None) -> None:
    with suppress(OSError, ValueError):  # it is flushed, which fails where its reader has gone
        stream.reconfigure(errors=errors)


def _open_closed_descriptors() -> None:
    """So that no file that is opened later takes the place of a standard stream and is written into."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest one that is free, which is this one


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the stream's encoding has all characters of `text`."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeError:
        return False
    return True


def discard(stream: TextIO) -> None:
    """Drop what the stream still holds, which cannot be written: its reader has gone, or the disk is full."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
