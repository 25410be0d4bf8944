"""What to say of a name on the command line that is neither a function nor an operation: which was meant."""

import ast
import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.derive.command_line.notebooks import statements_of
from manual_backprop.derive.command_line.package_operations import OWN

FILES = (".py", ".ipynb")
MOST_LISTED = 12


def split_name(what: str) -> tuple[Path, str]:
    r"""The file and the function of "file.py:function"; "" where no function is named, as in "C:\file.py"."""
    path, colon, name = what.rpartition(":")
    if not colon or name.endswith(FILES) or "/" in name or "\\" in name:
        return Path(what), ""
    return Path(path.removesuffix(":")), name  # file.py::function is pytest's way to write it


@dataclass(frozen=True)
class Wanted:
    """Which of a file's functions a command is about.

    Attributes:
        name: what it is called by most.
        likely: whether a name may be that of such a function.
    """

    name: str
    likely: Callable[[str], bool]

    def named(self, path: Path) -> str:
        """That a function of this file has to be named, and which there are; the file is read and not run."""
        if not os.path.isfile(path):
            return no_file(path)
        try:
            names = functions_in(path)
        except OSError as error:
            return f"cannot read {path}: {error.strerror}"
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"{path} raises {words_of(error)}"
        meant = [*self.among(names), self.name]
        return f"name the function: {path}:{meant[0]} ({path} has {_listed(names)})"

    def among(self, names: list[str]) -> list[str]:
        """Those that are most likely meant."""
        return [name for name in names if self.name in name.lower()] or [*filter(self.likely, names)]

    def only_one_in(self, path: Path) -> str:
        """The name of the function that is meant where a file has one; "" where none or several may be."""
        try:
            meant = self.among(functions_in(path))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return ""
        return meant[0] if len(meant) == 1 else ""


def no_operation(what: str, wanted: Wanted) -> str:
    """Why a name without a colon is not that of an operation, and what to write in its place."""
    if what and os.path.isdir(what):
        files = [*sorted(name for name in os.listdir(what) if name.endswith(FILES)), "derivation.py"]
        meant = f"{os.path.join(what, files[0])}:{wanted.name}"
        return f"{what} is a folder; name a file and its function: {meant}"
    if what.endswith(FILES) or os.path.isfile(what):
        return wanted.named(Path(what))
    for path in _files_of_module(what):
        return wanted.named(path)
    for near in get_close_matches(what.rpartition(".")[2].lower(), OWN, 1):
        return f"there is no operation {what}; did you mean {near}?"
    return f"{what!r} is neither file.py:function nor an operation of this package: {', '.join(OWN)}"


def no_file(path: Path) -> str:
    """Why a file cannot be read that is not one, and which was meant."""
    if os.path.isdir(path):
        return f"cannot read {path}: it is a folder"
    meant = [str(file) for file in _files_of_module(str(path)) or _files_with_a_near_name(path)]
    return f"cannot read {path}: there is no such file{f'; did you mean {meant[0]}?' if meant else ''}"


def no_function(path: Path, name: str, found: dict[str, Any]) -> str:
    """That a file that was run has no such function, and which was meant."""
    if name in found:
        return f"{name} in {path} is no function, but {type(found[name]).__name__}"
    own = [other for other, value in found.items() if _is_written_there(value, found)]
    near = get_close_matches(name, own, 1)
    meant = f"did you mean {near[0]}?" if near else f"it has {_listed(own)}"
    return f"{path} has no function {name}; {meant}"


def functions_in(path: Path) -> list[str]:
    """The names of the functions and classes that a file, or a notebook, defines at its top level.

    Raises:
        OSError: it cannot be read.
        SyntaxError, ValueError: it is not written in Python, or no notebook.
    """
    names = []
    for node in statements_of(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return names


def _is_written_there(value: Any, found: dict[str, Any]) -> bool:
    return callable(value) and getattr(value, "__module__", None) == found["__name__"]


def _files_of_module(name: str) -> list[Path]:
    """The files that exist of "name" for name.py, and of "package.module" for package/module.py."""
    written = (f"{name}.py", f"{name.replace('.', os.sep)}.py") if name else ()
    return [Path(path) for path in dict.fromkeys(written) if os.path.isfile(path)]


def _files_with_a_near_name(path: Path) -> list[Path]:
    try:
        files = [name for name in os.listdir(path.parent) if name.endswith(FILES)]
    except OSError:
        return []
    return [path.parent / name for name in get_close_matches(path.name, files, 1)]


def _listed(names: list[str]) -> str:
    if not names:
        return "no function"
    return ", ".join(names if len(names) <= MOST_LISTED else [*names[:MOST_LISTED], "…"])
