"""The code of a notebook, cell by cell, and of a file as one."""

import ast
import json
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from typing import Any

MAGIC = re.compile(r"^(\s*)(?:[%!?]|\w[\w.]*\s*=\s*[%!]|[\w.]+\?{1,2}\s*$)")
OTHER_LANGUAGE = re.compile(
    r"%%(bash|sh|html|javascript|js|latex|markdown|svg|writefile|file|script|cmd|perl|ruby|R|sql|cython|system)"
    r"\b|%%!"
)


class NoNotebook(ValueError):  # noqa: N818 - it is what the user reads
    """The file is not a notebook of Python code."""


@dataclass(frozen=True)
class Code:
    """Code that belongs together.

    Attributes:
        name: how it is called: "cell 3"; "" for a whole file.
        file: what the compiler, and so every message, calls its file.
        text: the code.
    """

    name: str
    file: str
    text: str


def code_of(path: Path) -> list[Code]:
    """The cells of a notebook, or a file as one.

    The lines of a notebook's cells can be read by linecache afterwards, as those of a file.

    Raises:
        OSError: it cannot be read.
        SyntaxError, ValueError: it is no Python, or no notebook.
    """
    if path.suffix != ".ipynb":
        return [Code("", str(path), _decoded(path.read_bytes()))]
    cells = [
        Code(f"cell {number}", f"{path}, cell {number}", _without_magics(text))
        for number, text in enumerate(_cells(path), 1)
    ]
    for cell in cells:
        lines = cell.text.splitlines(keepends=True)
        linecache.cache[cell.file] = (len(cell.text), None, lines, cell.file)
    return cells


def statements_of(path: Path) -> Iterator[ast.stmt]:
    """The statements of the top level, without those of cells that are no Python.

    Raises:
        OSError: it cannot be read.
        SyntaxError, ValueError: a file is no Python, or no notebook.
    """
    for code in code_of(path):
        try:
            yield from ast.parse(code.text, code.file).body
        except SyntaxError:
            if not code.name:
                raise


def _decoded(source: bytes) -> str:
    """The text, in the encoding that it says it has."""
    return decode_source(source)


def _cells(path: Path) -> list[str]:
    """The sources of the code cells, in order."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
        language = _language(notebook.get("metadata", {}))
        if language not in ("", "python", "ipython"):
            raise NoNotebook(f"it is a notebook of {language}, not of Python")
        sheets = notebook.get("worksheets") or [notebook]  # the former in notebooks of before 2014
        cells = [cell for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"]
        sources = [cell.get("source", cell.get("input", "")) for cell in cells]
        return [source if isinstance(source, str) else "".join(source) for source in sources]
    except (KeyError, TypeError, AttributeError, UnicodeError, json.JSONDecodeError, RecursionError) as error:
        raise NoNotebook(f"it is no notebook ({type(error).__name__})") from error


def _language(metadata: dict[str, Any]) -> str:
    told = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    return str(told or "").lower()


def _without_magics(text: str) -> str:
    """The same lines, of which those that are for IPython or the shell do nothing."""
    if _is_python(text):
        return text
    lines = text.splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if lines and OTHER_LANGUAGE.match(lines[first].strip()):
        return "\n" * len(lines)
    goes_on = False
    for at, line in enumerate(lines):
        found = MAGIC.match(line)
        if found or goes_on:
            goes_on = line.rstrip().endswith("\\")
            lines[at] = f"{found[1] if found else ''}pass\n"
    return "".join(lines)


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
