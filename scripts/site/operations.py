"""The pages of the operations: one for each file of them, and one for each folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from textwrap import indent
from types import ModuleType

import formulas
from sphinx.application import Sphinx

from manual_backprop import functional

ROOT = Path(__file__).parent.parent.parent

PAGE = """{name}
{line}

.. automodule:: {module}
   :{option}:{members}
"""

SUBJECT = """{name}
{line}

{text}

.. toctree::
   :hidden:

   {pages}

{contents}
"""


def write(app: Sphinx) -> None:
    """All that the reference has of operations, when a build begins."""
    write_operations(app)
    write_capabilities(app)


def write_operations(app: Sphinx) -> None:
    """A page for each file of operations, and one for each folder of them, as the package has them."""
    folder = Path(app.srcdir) / "reference" / "functional"
    shutil.rmtree(folder, ignore_errors=True)
    write_subject(functional, folder)
    (folder / "index.rst").unlink()  # reference/functional.md is the page of all subjects


def write_subject(package: ModuleType, folder: Path) -> None:
    """A folder's pages and their index; files with an underscore help others of the folder, and have none."""
    folder.mkdir(parents=True)
    contents = {}
    for found in iter_modules(package.__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{package.__name__}.{found.name}")
        if found.ispkg:
            write_subject(module, folder / found.name)
            continue
        contents[found.name] = "\n\n".join([first_line(module), *in_one_line(module)])
        members = ", ".join(public_in(module, package))
        page = PAGE.format(
            name=found.name,
            line="=" * len(found.name),
            module=module.__name__,
            option="members" if members else "no-members",
            members=f" {members}" if members else "",
        )
        (folder / f"{found.name}.rst").write_text(page, encoding="utf-8")
    name = package.__name__.rpartition(".")[2].replace("_", " ").capitalize()
    page = SUBJECT.format(
        name=name,
        line="=" * len(name),
        text=first_line(package),
        pages="\n   ".join(contents),
        contents="\n".join(f":doc:`{each}`\n{indent(text, '    ')}" for each, text in contents.items()),
    )
    (folder / "index.rst").write_text(page, encoding="utf-8")


def first_line(module: ModuleType) -> str:
    """What a file or folder is, in its own words, with formulas as mathematics."""
    return formulas.derivation((module.__doc__ or "").partition("\n")[0]).strip()


def in_one_line(module: ModuleType) -> Iterator[str]:
    """Forward and backward of each operation in a file, with its arguments by name, as blocks of text."""
    for operation in vars(module).values():
        if getattr(operation, "__module__", "") != module.__name__ or "formula" not in vars(operation):
            continue
        formula, names = operation.formula, list(signature(operation.forward).parameters)
        lines = {"out": formula.forward, "δ": formula.delta}
        lines |= {f"∂L/∂{name}": line for name, line in zip(names, formula.backward, strict=False)}
        width = max(map(len, lines))
        text = "\n".join(f"{name:{width}} = {line}" for name, line in lines.items() if line)
        try:
            text = text.format(*names, g="∂L/∂out", out="out", all=names[0])
        except (IndexError, KeyError):  # arguments without names, as of a recurrent layer: its page has them
            continue
        yield f"::\n\n{indent(text.translate(str.maketrans('', '', '‹›')), '   ')}"


def public_in(module: ModuleType, package: ModuleType) -> list[str]:
    """What a file gives to its users: names of the package or the folder, and the file's own."""
    file = module.__name__.rpartition(".")[2]
    public = {*functional.__all__, *getattr(package, "__all__", []), file}
    return [
        name
        for name, value in vars(module).items()
        if name in public and getattr(value, "__module__", "") == module.__name__
    ]


def write_capabilities(app: Sphinx) -> None:
    """The page about what each operation keeps of its promises.

    Measuring takes minutes. It is left out where MANUAL_BACKPROP_CAPABILITIES names a page that
    scripts/capability_table.py has written, or where build/capabilities.md is newer than what was measured.
    """
    ready = ROOT / "build" / "capabilities.md"
    if given := os.environ.get("MANUAL_BACKPROP_CAPABILITIES"):
        ready = Path(given)
    elif not ready.is_file() or ready.stat().st_mtime < last_change():
        measure = [sys.executable, str(ROOT / "scripts" / "capability_table.py"), "--write", str(ready)]
        subprocess.run(measure, check=True, stdout=subprocess.DEVNULL)
    shutil.copyfile(ready, Path(app.srcdir) / "reference" / "capabilities.md")


def last_change() -> float:
    """When an operation, or what the tests know of it, was changed last."""
    folders = (ROOT / "manual_backprop" / "functional", ROOT / "tests" / "functional")
    return max(path.stat().st_mtime for folder in folders for path in folder.rglob("*.py"))
