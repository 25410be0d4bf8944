"""The site: the tutorials, executed, and the reference. Nothing in it needs a network.

.venv/bin/sphinx-build -W -c scripts/site tutorials build/site
"""

import os
import re
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
from typing import Any

import jupytext
from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import formulas  # noqa: E402 - it stands beside this file

import manual_backprop  # noqa: E402
from manual_backprop import functional  # noqa: E402

os.environ["TQDM_DISABLE"] = "1"  # a page shows what is left when a bar has gone

project = "manual_backprop"
author = "The manual_backprop authors"
release = manual_backprop.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["figures"]

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_code_prompt_show = "Show {type}"
nb_code_prompt_hide = "Hide {type}"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # a derivation shows itself as tables with formulas
nb_output_stderr = "remove"  # warnings of libraries; an error ends the build
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "code"
smartquotes_action = "q"  # "--" in an option stays

html_theme = "furo"
html_title = "manual_backprop"
html_copy_source = False
html_show_copyright = False
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
templates_path = [str(HERE / "templates")]
html_theme_options = {"navigation_with_keys": True}

# Run where the package is looked for, once for each notebook: in Colab, the wheel is what was uploaded.
INSTALL = """import importlib.util

if importlib.util.find_spec("manual_backprop") is None:
    %pip install --quiet {wheel} mlxtend
"""

MARKUP = re.compile(r"(?P<code>(`+)[^`]+\2)|(?P<shape>(?<!\w)\([^()`]*\*[^()`]*\))|\|")

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


def write_notebooks(app: Sphinx, _: Any) -> None:
    """Each tutorial as a notebook, and the wheel that it needs elsewhere, for download."""
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for tutorial in sorted(Path(app.srcdir).glob("[0-9]*.py")):
        notebook = jupytext.read(tutorial, fmt="py:percent")
        install = INSTALL.format(wheel=wheel())
        notebook.cells.insert(1, jupytext.jupytext.new_code_cell(install))
        jupytext.write(notebook, folder / f"{tutorial.stem}.ipynb")


def wheel() -> str:
    """What hatchling calls the wheel."""
    return f"manual_backprop-{release}-py3-none-any.whl"


def name_wheel(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the template of a page whether it has a notebook, and which wheel that needs."""
    context["wheel"] = wheel() if page[:2].isdigit() else None


def render_derivation(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """A derivation as mathematics; elsewhere shapes (*, D) and |z| as they stand, not as markup."""
    if what == "module":
        lines[:] = formulas.derivation("\n".join(lines)).splitlines()
    else:
        lines[:] = [MARKUP.sub(_as_it_stands, line) for line in lines]


def _as_it_stands(match: re.Match[str]) -> str:
    if match["code"]:
        return match[0]
    return f"``{match[0]}``" if match["shape"] else "\\|"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    # It names MathJax's file in a page's head, and says nothing of reading pages at the same time.
    app.extensions["sphinx-mathjax-offline"].parallel_read_safe = True
    app.connect("builder-inited", write_operations)
    app.connect("builder-inited", write_capabilities)
    app.connect("env-updated", write_notebooks)
    app.connect("html-page-context", name_wheel)
    app.connect("autodoc-process-docstring", render_derivation)
