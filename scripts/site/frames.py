"""Recorded steps in a page's output: each becomes a file, which is read when it comes into sight."""

import hashlib
import re
from html import unescape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FRAME = re.compile(r'<iframe(?P<attributes>[^>]*) srcdoc="(?P<page>[^"]*)"></iframe>')
FOLDER = "steps"
HTML = """<figure class="laboratory"><iframe{attributes} loading="lazy" src="{address}"></iframe>
<figcaption><a href="{address}" target="_blank">Open it in a window of its own</a></figcaption></figure>"""


def write(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Move what is between the quotes of `srcdoc`, up to 2 MB, out of a tutorial's page."""

    def moved(frame: re.Match[str]) -> str:
        step = unescape(frame["page"])
        name = f"{FOLDER}/{hashlib.sha256(step.encode()).hexdigest()[:16]}.html"
        file = Path(app.outdir) / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(step, encoding="utf-8")
        return HTML.format(attributes=frame["attributes"], address=context["pathto"](name, 1))

    if "body" in context:
        context["body"] = FRAME.sub(moved, context["body"])
