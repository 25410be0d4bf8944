"""The tutorials as notebooks, to run in Colab or to download, and the wheel that they need."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jupytext
from nbformat.v4 import new_code_cell
from sphinx.application import Sphinx

import manual_backprop

ROOT = Path(__file__).parent.parent.parent
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
WHEEL = f"manual_backprop-{manual_backprop.__version__}-py3-none-any.whl"  # as hatchling calls it
# Where the pages are published, the notebooks are too, on a branch of their own: Colab opens them from there.
COLAB = URLS["Homepage"].replace("github.com", "colab.research.google.com/github") + "/blob/notebooks/"

INSTALL = f"""import importlib.util

if importlib.util.find_spec("manual_backprop") is None:
    %pip install --quiet "manual_backprop[sample] @ {URLS["Documentation"]}notebooks/{WHEEL}"
"""

PREDICTION = re.compile(r'predict\("\w+"\)')
HEADING = re.compile(r"^#+ ", re.MULTILINE)


def write(app: Sphinx, _: Any) -> None:
    """Each tutorial as a notebook, and the wheel."""
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for tutorial in sorted(Path(app.srcdir).glob("[0-9]*.py")):
        notebook = jupytext.read(tutorial, fmt="py:percent")
        fold_answers(notebook.cells)
        notebook.cells.insert(1, new_code_cell(INSTALL))
        jupytext.write(notebook, folder / f"{tutorial.stem}.ipynb")


def fold_answers(cells: list[Any]) -> None:
    """Hide what stands between a prediction and the next heading, until the reader opens it."""
    folding = False
    for cell in cells:
        if PREDICTION.fullmatch(cell.source):
            folding = True
        elif not folding:
            continue
        elif cell.cell_type == "code":
            cell.source = f"# @title The answer\n{cell.source}"
            cell.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        else:
            heading = HEADING.search(cell.source)
            end = heading.start() if heading else len(cell.source)
            folding = heading is None and "**Predict:**" not in cell.source
            cell.source = folded(cell.source[:end]) + cell.source[end:]


def folded(text: str) -> str:
    """Markdown that a click opens; the next question stays in sight."""
    answer, mark, question = text.partition("**Predict:**")
    if answer.strip():
        answer = f"<details><summary>What it shows</summary>\n\n{answer.strip()}\n\n</details>\n\n"
    return answer + mark + question


def links(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the template of a tutorial's page where its notebook is."""
    if page[:2].isdigit():
        context["notebook"], context["colab"] = f"notebooks/{page}.ipynb", f"{COLAB}{page}.ipynb"
