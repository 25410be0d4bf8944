"""The site: the tutorials, executed, and the reference. Nothing in it needs a network.

.venv/bin/sphinx-build -W -c scripts/site tutorials build/site
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import formulas  # noqa: E402 - these stand beside this file
import frames  # noqa: E402
import front  # noqa: E402
import links  # noqa: E402
import minutes  # noqa: E402
import notebooks  # noqa: E402
import operations  # noqa: E402

import manual_backprop  # noqa: E402

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
myst_enable_extensions = ["amsmath", "dollarmath", "substitution"]
myst_substitutions = minutes.of_all(ROOT / "tutorials")
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
html_js_files = ["site.js"]
templates_path = [str(HERE / "templates")]
html_theme_options = {"navigation_with_keys": True}

MARKUP = re.compile(r"(?P<code>(`+)[^`]+\2)|(?P<shape>(?<!\w)\([^()`]*\*[^()`]*\))|\|")


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
    app.connect("builder-inited", front.write)
    app.connect("builder-inited", operations.write)
    app.connect("env-updated", notebooks.write)
    app.connect("html-page-context", notebooks.links)
    app.connect("html-page-context", frames.write)
    links.setup(app)
    app.connect("autodoc-process-docstring", render_derivation)
