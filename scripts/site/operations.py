"""The pages of the operations: one for each file of them, and one for each folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import escape
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from textwrap import indent
from types import ModuleType

import formulas
import pictures
import source
from sphinx.application import Sphinx

from manual_backprop import functional

ROOT = Path(__file__).parent.parent.parent

MODULE = """{name}
{line}

.. automodule:: {module}
   :{option}:{members}
"""

PAGE = """{name}
{line}

.. py:module:: {module}

{first}

{picture}

Derivation
----------

{derivation}

Code
----

{code}
{mistakes}
Use
---

{functions}
"""

SUBJECT = """{name}
{line}

{text}

.. toctree::
   :hidden:

   {pages}

{contents}
"""

MISTAKES = """Mistakes
--------

Each of these was made in the code above and handed to :doc:`verify </reference/verify>`, with the right
``{name}`` to compare with. What it said when this page was built opens with a click.

{each}
"""

MISTAKE = """.. rubric:: {words}

.. code-block:: diff

{diff}

.. raw:: html

   <details class="verify"><summary>{summary}</summary>

.. code-block:: text

{report}

.. raw:: html

   </details>
"""

NOT_FOUND = """.. rubric:: {words}

.. code-block:: diff

{diff}

``verify`` does not reject this: {summary}. Rejected by {check}.
"""

CHECKS = {
    "value_is_the_twins": "the comparison of values with PyTorch's own operation",
    "gradient_is_the_twins": "the comparison of gradients with PyTorch's own, at kinks, infinities, "
    "NaN and in the lower precisions too",
    "upstream_may_have_any_layout": "the comparison of gradients for upstream gradients of other strides",
    "backward_returns_the_inputs_shape": "the check of what backward returns, as PyTorch's engine sums "
    "a gradient into the shape of its input",
    "only_what_is_needed_is_computed": "the check that an input without need of a gradient gets none",
    "derivation_says_the_same": "the comparison with the derivation in index form",
    "adjoint_identity": "the adjoint identity ⟨v, J u⟩ = ⟨Jᵀ v, u⟩ of ``backward`` and ``jvp``; ``verify`` "
    "judges the backward only",
    "central_differences": "central differences of gradients and of their graph (``gradcheck``)",
    "second_derivatives": "central differences of the gradients (``gradgradcheck``)",
    "func_transforms": "the transforms of ``torch.func``",
    "autocast_is_the_twins": "the comparison with PyTorch's own operation under autocast",
    "graph_is_hand_written": "the check that the graph holds no built-in backward",
    "keeps_what_it_says": "the check of what is kept for the backward",
    "output_may_be_overwritten": "the check that the output may be overwritten",
    "compiles_without_a_break": "the check under ``torch.compile``",
}


def write(app: Sphinx) -> None:
    """All that the reference has of operations, when a build begins."""
    app.add_css_file("operations.css")
    write_operations(app)
    write_capabilities(app)


def write_operations(app: Sphinx) -> None:
    """A page for each file of operations, and one for each folder of them, as the package has them."""
    folder = Path(app.srcdir) / "reference" / "functional"
    shutil.rmtree(folder, ignore_errors=True)
    judged = mistakes()
    subjects = [
        write_subject(package, folder / package.__name__.rpartition(".")[2], judged) for package in folders()
    ]
    (folder / "by_subject.txt").write_text("\n".join(filter(None, subjects)), encoding="utf-8")


def folders() -> list[ModuleType]:
    """The subjects."""
    return [
        import_module(f"{functional.__name__}.{found.name}")
        for found in iter_modules(functional.__path__)
        if found.ispkg
    ]


def write_subject(package: ModuleType, folder: Path, judged: dict[str, list[dict[str, str]]]) -> str:
    """A folder's pages and their index; files with an underscore help others of the folder, and have none.

    Returns what the page of all subjects has of it; nothing of the folder without operations.
    """
    folder.mkdir(parents=True)
    modules = {
        found.name: import_module(f"{package.__name__}.{found.name}")
        for found in iter_modules(package.__path__)
        if not found.name.startswith("_")
    }
    for name, module in modules.items():
        (folder / f"{name}.rst").write_text(
            page(name, module, package, judged.get(name, [])), encoding="utf-8"
        )
    title = folder.name.replace("_", " ").capitalize()
    has_operations = any(map(source.operations_in, modules.values()))
    contents = [entry(name, module, folder.name) for name, module in modules.items()]
    index = SUBJECT.format(
        name=title,
        line="=" * len(title),
        text=first_line(package),
        pages="\n   ".join(modules),
        contents="\n".join(contents),
    )
    (folder / "index.rst").write_text(index, encoding="utf-8")
    if not has_operations or folder.name == "operation":
        return ""
    return "\n".join(
        [f".. rubric:: {title}\n", ".. container:: by-subject\n", indent("\n".join(contents), "   ")]
    )


def entry(name: str, module: ModuleType, subject: str) -> str:
    """What an index says of a file: its formula forward and backward, or its first line without one."""
    lines = formula(module) or [(module.__doc__ or "").partition("\n")[0]]
    shown = "\n".join(f"    | {formulas.derivation(line).strip()}" for line in lines)
    return f":doc:`{name} </reference/functional/{subject}/{name}>`\n{shown}\n"


def formula(module: ModuleType) -> list[str]:
    """The formula of a file's first operation, forward and gradients, as its class says it."""
    for each in source.operations_in(module):
        line = (each.__doc__ or "").partition("\n")[0]
        if "∂" in line or "=" in line:
            forward, *backward = re.split(
                r"(?:,? and|,? with|[;,]) (?=∂)", line.removesuffix("."), maxsplit=1
            )
            return [forward, *backward]
    return []


def page(name: str, module: ModuleType, package: ModuleType, judged: list[dict[str, str]]) -> str:
    """The page of a file: of an operation with its derivation, code, picture and mistakes."""
    members = public_in(module, package)
    names = {"name": name, "line": "=" * len(name), "module": module.__name__}
    if not source.operations_in(module) or package.__name__.endswith(".operation"):
        listed = ", ".join(members)
        option = "members" if listed else "no-members"
        return MODULE.format(**names, option=option, members=f" {listed}" if listed else "")
    derivation = formulas.derivation(module.__doc__ or "")
    first, _, rest = derivation.partition("\n\n")
    drawn = pictures.picture(name)
    return PAGE.format(
        **names,
        first=first,
        picture=f".. raw:: html\n\n   {drawn}" if drawn else "",
        derivation=rest,
        code="\n".join(map(shown_code, source.code(module), [True] + [False] * 99)),
        mistakes=MISTAKES.format(name=name, each="\n".join(map(shown_mistake, judged))) if judged else "",
        functions="\n\n".join(f".. autofunction:: {module.__name__}.{each}" for each in members),
    )


def shown_code(part: source.Part, own: bool) -> str:
    """A block of Python; that of another file opens with a click."""
    block = f".. code-block:: python\n\n{indent(part.text, '   ')}\n"
    if own:
        return block
    opening = f"<details><summary>What it uses of <code>{part.file}</code></summary>"
    return f".. raw:: html\n\n   {opening}\n\n{block}\n.. raw:: html\n\n   </details>\n"


def shown_mistake(mistake: dict[str, str]) -> str:
    """A mistake, the lines that it changes, and what `verify` says of it."""
    before = [f"- {line}" for line in mistake["right"].splitlines()]
    after = [f"+ {line}" for line in mistake["wrong"].splitlines()]
    kept = [line for line in before if line.replace("-", "+", 1) in after]
    diff = [line for line in before if line not in kept]
    diff += [line for line in after if line.replace("+", "-", 1) not in kept]
    words = re.sub(r"([*`|\\_])", r"\\\1", mistake["words"])
    block = indent("\n".join(diff), "   ")
    if mistake["report"]:
        summary, report = escape(mistake["summary"]), indent(mistake["report"], "   ")
        return MISTAKE.format(words=words, diff=block, summary=summary, report=report)
    summary = re.sub(r"([*`|\\_])", r"\\\1", mistake["summary"])
    return NOT_FOUND.format(words=words, diff=block, summary=summary, check=CHECKS[mistake["check"]])


def mistakes() -> dict[str, list[dict[str, str]]]:
    """What `verify` says of the wrong backwards."""
    script = Path(__file__).parent / "mistakes.py"
    ready = up_to_date("mistakes.json", ["functional", "derive", "verify"], script)
    return json.loads(ready.read_text(encoding="utf-8"))


def up_to_date(name: str, parts: list[str], script: Path, *options: str) -> Path:
    """A file in build/ that a script measures, in minutes; anew where it is older than what it is of.

    Args:
        name: of the file.
        parts: of the package whose changes count, beside those of what the tests know of operations.
        script: it is given the options, and the file last.
        options: of the script.
    """
    ready = ROOT / "build" / name
    folders = [*(ROOT / "manual_backprop" / part for part in parts), ROOT / "tests" / "functional"]
    newest = max(path.stat().st_mtime for folder in folders for path in folder.rglob("*.py"))
    if not ready.is_file() or ready.stat().st_mtime < newest:
        command = [sys.executable, str(script), *options, str(ready)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return ready


def first_line(module: ModuleType) -> str:
    """What a file or folder is, in its own words, with formulas as mathematics."""
    return formulas.derivation((module.__doc__ or "").partition("\n")[0]).strip()


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

    It is not measured where MANUAL_BACKPROP_CAPABILITIES names a page that scripts/capability_table.py has
    written.
    """
    given = os.environ.get("MANUAL_BACKPROP_CAPABILITIES")
    script = ROOT / "scripts" / "capability_table.py"
    ready = Path(given) if given else up_to_date("capabilities.md", ["functional"], script, "--write")
    shutil.copyfile(ready, Path(app.srcdir) / "reference" / "capabilities.md")
