"""What the tutorials show: curves, regions, heat maps, histograms, images, a loss landscape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from math import isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from manual_backprop.plots.style import (
    BRIGHT,
    COLOURS,
    DARK,
    LIGHT,
    SMALL,
    WIDTH,
    entitle,
    ground,
    label_ends,
    logarithmic,
    new_figure,
    number,
    remark,
    style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Line = tuple[Sequence[float], Sequence[float]]  # x and y
MOST = 4  # images in a row: on a phone, no smaller than a thumbnail
DASHES = ("-", "--", ":", "-.")  # a second turn through the colours is told from the first


def curves(
    lines: Mapping[str, Line] | Mapping[str, Mapping[str, Line]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    log: str = "",
    ylim: tuple[float, float] | None = None,
    markers: bool = False,
) -> Figure:
    """Lines, each named at its right end; what is not finite is left out.

    Args:
        lines: x and y of each, by name; or several such sets, each in a panel of its own, by title.
        title: of the whole figure.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        log: the axes that are logarithmic: "", "x", "y" or "xy".
        ylim: the range of y.
        markers: mark each point.
    """
    nested = any(isinstance(value, Mapping) for value in lines.values())
    panels: Mapping[str, Any] = lines if nested else {"": lines}
    with style():
        figure = new_figure(WIDTH, 0.5 + 2.7 * len(panels))
        grid = figure.subplots(len(panels), 1, squeeze=False, sharey=len(panels) > 1)[:, 0]
        named = []
        for axes, (name, panel) in zip(grid, panels.items(), strict=True):
            axes.set(title=name, xlabel=xlabel)
            if "x" in log:
                axes.set_xscale("log")
            if "y" in log:
                axes.set_yscale("log")
            if ylim is not None:
                axes.set_ylim(*ylim)
            ends = []
            for i, (label, (xs, ys)) in enumerate(panel.items()):
                colour = COLOURS[i % len(COLOURS)]
                dashes = DASHES[i // len(COLOURS) % len(DASHES)]
                points = [
                    p for p in zip(xs, ys, strict=True) if isfinite(p[1]) and ("y" not in log or p[1] > 0)
                ]
                if not points:
                    continue
                marker = "o" if markers else ""
                axes.plot(*zip(*points, strict=True), dashes, color=colour, marker=marker, markersize=4)
                ends.append((*_last_within(points, ylim), label, colour))
            if "x" not in log and all(float(x).is_integer() for xs, _ in panel.values() for x in xs):
                axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(axis="y")
            named.append((axes, ends))
        entitle(figure, title)
        if ylim is not None and (outside := _outside(panels, ylim)):
            remark(figure, f"Outside the range shown: {outside} of the points.")
        for axes in grid:
            axes.set_ylabel(ylabel)
            for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
                if letter in log:
                    logarithmic(axis)
        for axes, ends in named:  # when all is in its place
            label_ends(axes, ends)
    return figure


def _outside(panels: Mapping[str, Mapping[str, Line]], limits: tuple[float, float]) -> int:
    low, high = limits
    return sum(
        isfinite(y) and not low <= y <= high for p in panels.values() for _, ys in p.values() for y in ys
    )


def _last_within(
    points: list[tuple[float, float]], limits: tuple[float, float] | None
) -> tuple[float, float]:
    """Where a line is named: its last point, or the last one that is inside the picture."""
    inside = [p for p in points if limits is None or limits[0] <= p[1] <= limits[1]]
    return (inside or points)[-1]


def decision_regions(
    models: Mapping[str, Callable[[Tensor], Tensor]], points: Tensor, labels: Tensor
) -> Figure:
    """Where in the plane each model says 1, as a colour from 0 to 1, and the examples on top.

    Args:
        models: by name; each makes of (N, 2) points a probability, (N,) or (N, 1).
        points: (N, 2), the examples.
        labels: (N,), 0 or 1.
    """
    low, high = float(points.min()) - 0.5, float(points.max()) + 0.5
    ticks = torch.linspace(low, high, 121, dtype=points.dtype)
    grid = torch.cartesian_prod(ticks, ticks)
    with style():
        columns, rows = min(len(models), 2), -(-len(models) // 2)
        figure = new_figure(WIDTH, 0.9 + 2.3 * rows)
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
        for axes in panels[len(models) :]:
            axes.set_axis_off()
        for axes, (name, model) in zip(panels, models.items(), strict=False):
            with torch.no_grad():
                belief = model(grid).reshape(121, 121).T
            shown = axes.imshow(
                belief.numpy(), extent=(low, high, low, high), origin="lower", cmap="cividis", vmin=0, vmax=1
            )
            for label, marker in ((0, "o"), (1, "s")):
                chosen = points[labels.flatten() == label]
                look = {"marker": marker, "s": 60, "color": LIGHT, "edgecolor": DARK}
                axes.scatter(*chosen.T.tolist(), label=f"target {label}", **look)
            axes.set(title=name, xlabel="x₁")
            axes.spines[:].set_visible(False)
        panels[0].set_ylabel("x₂")
        figure.colorbar(shown, ax=list(panels), label="output", shrink=0.8)
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower left", ncols=2, frameon=False)
    return figure


def heat_map(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    label: str,
    form: str | None = None,
    log: bool = False,
) -> Figure:
    """A table whose cells have a colour each, with the number in it.

    Args:
        values: one row after the other; NaN for nothing.
        rows: their names.
        columns: their names.
        title: of the figure.
        label: what the colour says, with its unit.
        form: how a number is written; with at most three digits where nothing is said.
        log: colour by the logarithm; zeros are written in, and have no colour.
    """
    table = torch.tensor(values, dtype=torch.float64)
    coloured = table.masked_fill(table <= 0, float("nan")) if log else table
    with style():
        from matplotlib.colors import LogNorm

        figure = new_figure(WIDTH, 2.1 + 0.32 * len(rows))
        axes = figure.subplots()
        axes.add_patch(ground(len(rows), len(columns)))
        shown = axes.imshow(coloured.numpy(), cmap="cividis", aspect="auto", norm=LogNorm() if log else None)
        heights = coloured.log() if log else coloured
        seen = heights[~heights.isnan()]
        dark = (heights < (seen.min() + seen.max()) / 2).tolist()  # false for what has no colour
        for i, row in enumerate(table.tolist()):
            for j, value in enumerate(row):
                colour = LIGHT if dark[i][j] else DARK
                axes.text(
                    j,
                    i,
                    form.format(value) if form else number(value),
                    ha="center",
                    va="center",
                    fontsize=SMALL if len(columns) < 8 else 8,
                    color=colour,
                )
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        entitle(figure, title)
        bar = figure.colorbar(shown, ax=axes, label=label, location="bottom", shrink=0.6, aspect=30)
        if log:
            logarithmic(bar.ax.xaxis)
    return figure


def histograms(samples: Mapping[str, Tensor], *, title: str, xlabel: str, bins: int = 60) -> Figure:
    """One histogram for each set of numbers, side by side on the same axes' ranges.

    Args:
        samples: the numbers by name, of any shape.
        title: of the figure.
        xlabel: what is counted, with its unit.
        bins: how many bars.
    """
    with style():
        figure = new_figure(WIDTH, 0.8 + 0.95 * len(samples))
        panels = figure.subplots(len(samples), 1, squeeze=False, sharex=True)[:, 0]
        low = min(float(values.min()) for values in samples.values())
        high = max(float(values.max()) for values in samples.values())
        for axes, (name, values) in zip(panels, samples.items(), strict=True):
            counts = torch.histc(values.detach().cpu().double(), bins, low, high)
            edges = torch.linspace(low, high, bins + 1)
            axes.stairs((counts / counts.sum()).tolist(), edges.tolist(), fill=True, color=COLOURS[0])
            axes.set(title=name, yticks=[])
            axes.spines["left"].set_visible(False)
        figure.supxlabel(xlabel, fontsize="medium")
        entitle(figure, title)
    return figure


def images(pixels: Tensor, titles: Sequence[str], columns: int = 5, numbers: bool = False) -> Figure:
    """Images in rows: dark is a large number. Where there are both signs, red is positive and blue negative.

    Args:
        pixels: (N, H, W).
        titles: one for each.
        columns: how many stand side by side.
        numbers: write each pixel's number into it; for a single image.
    """
    signed = bool((pixels < 0).any())
    limit = float(pixels.abs().max())
    with style():
        columns = min(columns, len(pixels), MOST)
        rows = -(-len(pixels) // columns)
        width = WIDTH if numbers else min(1.7 * columns, WIDTH)
        lines = 1 + max(title.count("\n") for title in titles)
        figure = new_figure(width, rows * (width / columns + 0.1 + 0.16 * lines) + (0.5 if signed else 0))
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes in grid[len(pixels) :]:
            axes.set_axis_off()
        for axes, image, title in zip(grid, pixels, titles, strict=False):
            shown = axes.imshow(
                image.numpy(), cmap="RdBu_r" if signed else "gray_r", vmin=-limit if signed else 0, vmax=limit
            )
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, alpha=0.3)
            axes.set_title(title, fontsize=SMALL, loc="center")
            if numbers:
                _write_numbers(axes, image, limit)
        if signed:
            figure.colorbar(shown, ax=list(grid), location="bottom", shrink=0.6, aspect=40)
    return figure


def _write_numbers(axes: Any, image: Tensor, limit: float) -> None:
    """Each pixel's number into it."""
    size = min(8, 112 / image.shape[1])
    for i, row in enumerate(image.tolist()):
        for j, value in enumerate(row):
            colour = LIGHT if value > 0.5 * limit else DARK if value else "#888888"
            axes.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=size, color=colour)


def landscape(
    loss: Callable[[float, float], float],
    paths: Mapping[str, Sequence[tuple[float, float]]],
    *,
    span: tuple[float, float, float, float],
    title: str,
    xlabel: str,
    ylabel: str,
    points: int = 61,
) -> Figure:
    """Contour lines of a loss over two numbers, with paths from a square to a dot.

    Args:
        loss: of the two numbers.
        paths: the points that each path visits, by name.
        span: the lowest and highest x, the lowest and highest y.
        title: of the figure.
        xlabel: what x is.
        ylabel: what y is.
        points: how many in each direction the loss is computed at.
    """
    xs, ys = torch.linspace(*span[:2], points).tolist(), torch.linspace(*span[2:], points).tolist()
    heights = [[loss(x, y) for x in xs] for y in ys]
    with style():
        figure = new_figure(WIDTH, 4.2)
        axes = figure.subplots()
        shown = axes.contourf(xs, ys, heights, levels=25, cmap="cividis")
        for (name, path), colour in zip(paths.items(), cycle(BRIGHT), strict=False):
            axes.plot(*zip(*path, strict=True), marker=".", color=colour, label=name)
            axes.plot(*path[0], "s", color=colour, markeredgecolor=DARK, markersize=7)
            axes.plot(*path[-1], "o", color=colour, markeredgecolor=DARK, markersize=8)
        entitle(figure, title)
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=span[:2], ylim=span[2:])
        axes.legend(facecolor="0.15", labelcolor="linecolor", loc="upper right")
        figure.colorbar(shown, ax=axes, label="loss")
    return figure
