"""What a user's file defines: the whole of it is run, or its definitions alone."""

import __future__

import ast
import re
import runpy
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from manual_backprop.derive.command_line.messages import NOT_RUN, told
from manual_backprop.derive.command_line.notebooks import Code, code_of
from manual_backprop.derive.command_line.simple_statements import is_needed, names_given, why_not

DEFINED = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
RUN_AS = "<run_path>"  # the __name__ of a file that is run, as runpy has it


@dataclass
class Definitions:
    """What the definitions of a file give.

    Attributes:
        names: all that is defined.
        errors: a line for each statement that raised.
    """

    names: dict[str, Any]
    errors: list[str] = field(default_factory=list)


def whole(path: Path) -> dict[str, Any]:
    """What a file defines when it is run; whatever that raises is raised."""
    with_folder(path)
    return runpy.run_path(str(path), run_name=RUN_AS)


def definitions(path: Path) -> Definitions:
    """What a file, or the cells of a notebook, define: imports, functions, classes, simple assignments.

    What trains, reads data, draws, installs or loops is left out. A statement that raises does not stop the
    others. Why a name that is assigned was not is kept under NOT_RUN.

    Raises:
        OSError: it cannot be read.
        SyntaxError, ValueError: it is no Python, or no notebook.
    """
    with_folder(path)
    module = ModuleType(RUN_AS)
    sys.modules[RUN_AS] = module  # dataclasses look there
    found = Definitions(vars(module))
    left_out: dict[str, str] = {}
    module.__dict__.update({"__file__": str(path), NOT_RUN: left_out})
    for code in code_of(path):
        try:
            statements = ast.parse(code.text, code.file).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if not code.name:
                raise
            found.errors.append(f"{code.file} raises {told(error)}")
            left_out.update(dict.fromkeys(DEFINED.findall(code.text), f"{code.name} raises {told(error)}"))
            continue
        for statement in statements:
            _run(statement, code, found, left_out)
    return found


def with_folder(path: Path) -> None:
    """Modules beside the file can be imported, as where it is run; none replaces one of Python's."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        places = (
            at for at, entry in enumerate(sys.path) if Path(entry).name in ("site-packages", "dist-packages")
        )
        sys.path.insert(next(places, len(sys.path)), folder)


def _future(names: dict[str, Any]) -> list[ast.stmt]:
    """The imports from __future__ so far, which are for the code that is compiled with them."""
    features = [name for name in __future__.all_feature_names if names.get(name) is getattr(__future__, name)]
    aliases = [ast.alias(name) for name in features]
    return [ast.fix_missing_locations(ast.ImportFrom("__future__", aliases, 0))] if aliases else []


def _run(statement: ast.stmt, code: Code, found: Definitions, left_out: dict[str, str]) -> None:
    of = code.name or f"line {statement.lineno}"
    reason = why_not(statement, found.names)
    if reason:
        if is_needed(statement):
            told_why = f"{of} that assigns it was not run, since {reason}"
            left_out.update((n, told_why) for n in names_given(statement) if n not in found.names)
        return
    try:
        body = [*_future(found.names), statement]
        exec(compile(ast.Module(body, []), code.file, "exec"), found.names)
    except (Exception, SystemExit) as error:
        found.errors.append(f"{code.file} raises {told(error, code.file)}")
        left_out.update(
            (n, f"{of} that assigns it raises {told(error, code.file)}") for n in names_given(statement)
        )
    else:
        for name in names_given(statement):
            left_out.pop(name, None)
