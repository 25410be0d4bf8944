"""What all pictures share: colours, an empty figure, names at the ends of lines, and how one is shown.

Colours are those of Okabe and Ito, and cividis: told apart by colour-blind readers and in black and white.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # matplotlib is imported when a picture is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)  # Okabe and Ito (2008)
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "font.size": 10,
    "lines.linewidth": 1.8,
}


def import_matplotlib() -> Any:
    """The module matplotlib, whatever the environment variable MPLBACKEND names.

    A backend shows figures in windows and notebooks. A process inherits the variable, and matplotlib cannot
    be imported where there is no such backend. Pictures here are saved, which needs none: Agg writes their
    pixels. A backend that there is stays the user's.
    """
    if "matplotlib" not in sys.modules:
        named = os.environ.pop("MPLBACKEND", None)
        try:
            import matplotlib
        finally:
            if named is not None:
                os.environ["MPLBACKEND"] = named
        if named:
            with suppress(ValueError):
                matplotlib.rcParams["backend"] = named
    return sys.modules["matplotlib"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that takes part in no global state."""
    import_matplotlib()
    from manual_backprop.plots.notebook_figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), dpi=200, layout="constrained")


def style() -> Any:
    """The context in which a picture is drawn."""
    return import_matplotlib().rc_context(STYLE)


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Name each line at its right end, (x, y, name, colour), moved apart where two would overlap."""
    figure: Any = axes.figure
    figure.draw_without_rendering()
    axes.get_ylim()  # settles the limits, which matplotlib puts off where panels share them
    heights = [axes.transData.transform((x, y))[1] for x, y, _, _ in ends]
    apart = 12 * axes.figure.dpi / 72  # pixels to 12 points
    placed: list[float] = []
    for i in sorted(range(len(ends)), key=lambda i: heights[i]):
        height = heights[i] if not placed else max(heights[i], placed[-1] + apart)
        placed.append(height)
        x, y, name, colour = ends[i]
        axes.annotate(
            name,
            (x, y),
            xytext=(8, (height - heights[i]) * 72 / axes.figure.dpi),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


@cache
def _temporary_folder() -> Path:
    """One for all that this process shows; it stays, for the reader to look into."""
    return Path(mkdtemp(prefix="manual_backprop_"))


def show(thing: Any, path: str | Path) -> None:
    """Display a figure or what this package returned in a notebook; anywhere else, save it and say where.

    Args:
        thing: a Figure, which is saved as a picture; what `record` returned, as its page; what `verify`
            returned, whose pictures are saved below its printed text; what `derive` returned, which is saved
            as Markdown below its printed text.
        path: of the file, for a script. A relative one lies in a temporary folder, so that no file of the
            reader's is written over.
    """
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(thing)
        return
    path = _temporary_folder() / path
    path.parent.mkdir(parents=True, exist_ok=True)
    save = next(
        getattr(thing, name) for name in ("savefig", "page", "plot", "markdown") if hasattr(thing, name)
    )
    if save.__name__ in ("plot", "markdown"):
        print(thing)
    if save.__name__ == "markdown":
        path.write_text(save(), encoding="utf-8")
    else:
        save(path)
    print(f"(saved: {path})")
