"""A computational graph as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from manual_backprop.plots.style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEND = 0.25  # of an arrow over several columns; BEND/2 of its length is how far its middle leaves the line


def graph(edges: Sequence[tuple[str, str]], title: str, names: Mapping[str, str] | None = None) -> Figure:
    """A directed graph without cycles, drawn from left to right in the order of a topological sort.

    Args:
        edges: from node to node; an edge that stands there twice is drawn twice.
        title: of the figure.
        names: what to write for a node; its own key where there is none.
    """
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    depth = _depths(nodes, edges)
    layers = [[n for n in nodes if depth[n] == d] for d in range(max(depth.values()) + 1)]
    tallest = max(map(len, layers))
    place = {
        n: (float(d), i - (len(layer) - 1) / 2) for d, layer in enumerate(layers) for i, n in enumerate(layer)
    }
    column, row = max(1.25, 5 / len(layers)), 0.62  # inches
    low = tallest / 2 + 0.1  # how far down, in rows, it reaches; long arrows bend further
    for start, end in edges:
        span = depth[end] - depth[start]
        if span > 1:
            low = max(low, (place[start][1] + place[end][1]) / 2 + BEND * span * column / row / 2 + 0.2)
    with style():
        figure = new_figure(column * len(layers), 0.9 + row * (tallest / 2 + low))
        axes = figure.subplots()
        axes.set(xlim=(-0.6, len(layers) - 0.4), ylim=(low, -tallest / 2 - 0.1), title=title)
        axes.set_axis_off()
        boxes = {}
        for node, (x, y) in place.items():
            box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": COLOURS[0]}
            text = (names or {}).get(node, node)
            boxes[node] = axes.text(x, y, text, ha="center", va="center", fontsize=8, bbox=box)
        figure.draw_without_rendering()  # now the boxes have a size, and arrows can end at them
        seen: dict[tuple[str, str], int] = {}
        for start, end in edges:
            turn = seen[start, end] = seen.get((start, end), 0) + 1
            twice = list(edges).count((start, end)) > 1
            far = depth[end] - depth[start] > 1
            bend = (0.35 if turn == 1 else -0.35) if twice else (BEND if far else 0.0)
            arrow: dict[str, Any] = {
                "arrowstyle": "-|>",
                "color": "0.4",
                "connectionstyle": f"arc3,rad={bend}",
                "patchA": boxes[start].get_bbox_patch(),
                "patchB": boxes[end].get_bbox_patch(),
                "shrinkA": 1,
                "shrinkB": 1,
            }
            drawn = axes.annotate("", place[end], place[start], arrowprops=arrow, zorder=1)
            drawn.set_in_layout(False)
    return figure


def _depths(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a source to each node. A source stands just before its first use."""
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for start, end in edges:
            depth[end] = max(depth[end], depth[start] + 1)
    for source in set(nodes) - {end for _, end in edges}:
        depth[source] = min(depth[end] for start, end in edges if start == source) - 1
    return depth
