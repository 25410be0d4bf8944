"""The page, made of its template, its style, its scripts and the data.

Drawn with the browser's own canvas and SVG, without a framework: what changes are pixels, curves and short
texts, and one object says what is shown and who draws it anew (scripts/step.js). A library for either would
weigh more than what it replaces.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

from manual_backprop.record.page.bundle import bundle
from manual_backprop.record.page.data import data_of
from manual_backprop.record.step import Step


def page(steps: list[Step], classes: Sequence[str] | None, about: str, panel: str) -> str:
    """The page, whole."""
    data = json.dumps(data_of(steps, classes, about, panel), ensure_ascii=False, allow_nan=False)
    # In JSON "<" stands in strings only; written so, no name in the data can end the script or open one.
    data = data.replace("<", "\\u003c")
    # A name may hold half a surrogate pair, which UTF-8 cannot write: it is escaped, in JSON's own way.
    data = data.encode("utf-8", "backslashreplace").decode()
    style = _read("style.css")
    script = bundle("main.js")
    filled = _read("template.html")
    parts = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    for name, part in parts.items():
        filled = filled.replace("{{" + name + "}}", part)
    return filled.replace("{{data}}", data)  # last, so that nothing in it is taken for a place to fill


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content-security policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
