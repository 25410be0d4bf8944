"""What all pictures share: colours, an empty figure, names at the ends of lines, and how one is shown.

Colours are those of Okabe and Ito, and cividis: told apart by colour-blind readers and in black and white.
The bright ones are darkened, so that each has a contrast of 3 to a white page and to a dark one. In a page,
black is the colour of its text.
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

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#C76FA1", "#B87F00", "#2E96D0", "#000000")
BRIGHT = ("#7CC8F8", "#FFA050", "#50E0B0", "#F0A0D0", "#F0D050")  # the same on a dark ground
DARK, LIGHT = "#111111", "#ffffff"  # on a coloured ground, whatever the page's theme
WIDTH = 5.0  # inches; a page on a phone shows them at three quarters of their size
SMALL = 9  # points, of the smallest text
INK = "black"
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "image.interpolation": "none",  # in a page, pixels stay what they are
    "legend.fontsize": SMALL,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": INK,
    "ytick.labelsize": SMALL,
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


def width_of(text: str, size: float) -> float:
    """In points, of a text's longest line."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

    canvas: Any = FigureCanvasAgg(Figure(dpi=72))
    renderer = canvas.get_renderer()
    font = FontProperties(family="DejaVu Sans", size=size)
    return max(renderer.get_text_width_height_descent(line, font, False)[0] for line in text.split("\n"))


def wrapped(text: str, width: float, size: float = 10) -> str:
    """The text in lines of at most so many inches; its own line breaks stay."""
    lines = []
    for line in text.split("\n"):
        words = line.split(" ")
        line = words[0]
        for word in words[1:]:
            if width_of(f"{line} {word}", size) > 72 * width:
                lines.append(line)
                line = word
            else:
                line += f" {word}"
        lines.append(line)
    return "\n".join(lines)


def entitle(figure: Figure, title: str) -> None:
    """Write the figure's title on its left, in as many lines as it takes."""
    if title:
        width = figure.get_figwidth() - 0.15
        figure.suptitle(wrapped(title, width), fontsize=10, x=0.01, ha="left")


def remark(figure: Figure, text: str) -> None:
    """Write a note below the picture."""
    width = figure.get_figwidth() - 0.15
    figure.supxlabel(wrapped(text, width, SMALL), fontsize=SMALL, alpha=0.8, x=0.01, ha="left")


def number(value: float) -> str:
    """As people write it: with three digits at most, and with a power of ten only where it saves zeros."""
    if value != value or value in (float("inf"), float("-inf")):
        return {float("inf"): "∞", float("-inf"): "−∞"}.get(value, "")
    digits = f"{value:.3g}"
    if "e" not in digits:
        return digits.replace("-", "−")
    mantissa, exponent = digits.split("e")
    if 0 < int(exponent) < 4:
        return f"{float(digits):.0f}".replace("-", "−")
    times = "" if mantissa == "1" else f"{mantissa}·".replace("-", "−")
    return f"{times}10{superscript(int(exponent))}"


def superscript(exponent: int) -> str:
    """The exponent as it stands after the 10."""
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def logarithmic(axis: Any) -> None:
    """Label the powers of ten in plain text; of less than two of these, other numbers too."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    powers = sum(low <= 10.0**k <= high for k in range(-300, 300)) if low > 0 else 2
    axis.set_major_locator(LogLocator(subs=(1,) if powers > 1 else (1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    axis.set_minor_formatter(NullFormatter())


def power(value: float) -> str:
    """A tick of a logarithmic axis."""
    return number(value) if 0.0099 < value < 10001 else number(float(f"{value:.2g}"))


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Name each line at its right end, (x, y, name, colour), moved apart where two would overlap."""
    figure: Any = axes.figure
    names = []
    for x, y, name, colour in ends:
        look: dict[str, Any] = {
            "textcoords": "offset points",
            "color": colour,
            "va": "center",
            "annotation_clip": False,
        }
        names.append(axes.annotate(name, (x, y), xytext=(8, 0), fontsize=SMALL, **look))
    for _ in range(2):  # the names take room, which moves the ends
        figure.draw_without_rendering()
        axes.get_ylim()  # settles the limits, which matplotlib puts off where panels share them
        heights = [axes.transData.transform((x, y))[1] * 72 / figure.dpi for x, y, _, _ in ends]
        order = sorted(range(len(ends)), key=lambda i: heights[i])
        places = spread([heights[i] for i in order], [12] * len(ends))
        for i, place in zip(order, places, strict=True):
            names[i].set_position((8, place - heights[i]))


def spread(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Places in the given order, near those that are wanted, each with its room around it.

    Neighbours that are too close form a group, which stands where the mean of its wishes is (the method of
    pooling adjacent violators).
    """
    starts = [sum(room[:i]) + room[i] / 2 for i in range(len(room))]
    groups: list[tuple[float, int]] = []  # the mean of wanted − start, and of how many
    for want, start in zip(wanted, starts, strict=True):
        mean, count = want - start, 1
        while groups and groups[-1][0] > mean:
            before, many = groups.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        groups.append((mean, count))
    shifts = [mean for mean, count in groups for _ in range(count)]
    return [start + shift for start, shift in zip(starts, shifts, strict=True)]


def ground(rows: int, columns: int) -> Any:
    """What is seen of cells without a colour, in every theme."""
    from matplotlib.patches import Rectangle

    return Rectangle((-0.5, -0.5), columns, rows, color="0.85", zorder=-1)


@cache
def _temporary_folder() -> Path:
    """One for all that this process shows; it stays, for the reader to look into."""
    return Path(mkdtemp(prefix="manual_backprop_"))


def displayed(thing: Any) -> bool:
    """Display it in a notebook; whether this is one."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return False
    ipython.display.display(thing)
    return True


def show(thing: Any, path: str | Path) -> None:
    """Display a figure or what this package returned in a notebook; anywhere else, save it and say where.

    Args:
        thing: a Figure, which is saved as a picture; what `record` returned, as its page; what `verify`
            returned, whose pictures are saved below its printed text; what `derive` returned, which is saved
            as Markdown below its printed text.
        path: of the file, for a script. A relative one lies in a temporary folder, so that no file of the
            reader's is written over.
    """
    if displayed(thing):
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
