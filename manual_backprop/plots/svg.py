"""A figure as SVG that stands in a page: in the colours of its theme, in its font, as wide as fits."""

from __future__ import annotations

import re
from hashlib import sha256
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS = 96 / 72  # of CSS in a point
SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "manual_backprop", "path.simplify": True}
METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def inline(figure: Figure) -> str:
    """An `<svg>` element for HTML. What is black in the figure takes the colour of the page's text."""
    import matplotlib

    content = StringIO()
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(content, format="svg", transparent=True, metadata=METADATA)
    return _for_a_page(content.getvalue(), name_of(figure))


def name_of(figure: Figure) -> str:
    """What a figure says of itself: its title, or those of its panels."""
    panels = [axes.get_title(place) for axes in figure.axes for place in ("left", "center", "right")]
    title = figure.get_suptitle() or ", ".join(dict.fromkeys(filter(None, panels)))
    return " ".join(title.split()) or "a figure"


def _for_a_page(svg: str, name: str) -> str:
    width, height = (float(length) for length in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    body = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)[1]  # type: ignore[index]
    for left_out in (
        r"<!--.*?-->",
        r"<metadata>.*?</metadata>",
        r"<style.*?</style>",  # it speaks of the whole page
        r"<defs>\s*</defs>",
        r" ?font-family: [^;\"]*;?",  # the page's own
    ):
        body = re.sub(left_out, "", body, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=").replace("#000000", "currentColor")
    body = _own_names(re.sub(r"\s*\n\s*", " ", body).replace("> <", "><"))
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(?<=\d\.\d\d)\d+", "", tag[0]), body)  # as near as is seen
    look = (
        f"display:block;width:100%;max-width:{width * PIXELS:.0f}px;height:auto;"
        "stroke-linejoin:round;stroke-linecap:butt;white-space:pre"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(name)}" '
        f'viewBox="0 0 {width:g} {height:g}" fill="currentColor" style="{look}">{body.strip()}</svg>'
    )


def _own_names(body: str) -> str:
    """Only what is referred to has an id, and no other figure of the page has the same."""
    used = list(dict.fromkeys(re.findall(r'(?:url\(|href=")#(\w+)', body)))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    for i, name in enumerate(used):  # matplotlib's own differ from one drawing to the next
        body = re.sub(rf'(?<=[#"]){name}(?=[)"])', f"@{i}", body)
    salt = sha256(body.encode()).hexdigest()[:8]
    body = re.sub(r'(?<=[#"])@(\d+)(?=[)"])', rf"f{salt}-\1", body)
    while (shorter := re.sub(r"<g>((?:(?!<g[ >]|</g>).)*)</g>", r"\1", body)) != body:
        body = shorter
    return body
