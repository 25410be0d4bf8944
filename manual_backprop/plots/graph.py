"""A computational graph as a picture.

Layers stand below each other, in the order of a topological sort (Sugiyama, Tagawa and Toda, "Methods for
visual understanding of hierarchical system structures", 1981). An edge over several layers passes each of
those between at a place of its own, so that none runs behind a node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from manual_backprop.plots.style import COLOURS, SMALL, entitle, new_figure, spread, style, width_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches.
LINE, PADDING, GAP = 0.17, 0.1, 0.18  # of text, around it, between neighbours
LAYERS = 0.42  # between layers
LANE = 0.3  # what an edge takes of a layer that it passes
PORTS = 0.16  # between the ends of edges at one node
FEW = 4  # so many layers stand beside each other
EDGES = "#7a7a7a"  # seen on white and on black

Place = Any  # a node, or (edge, layer) where an edge passes


def graph(edges: Sequence[tuple[str, str]], title: str, names: Mapping[str, str] | None = None) -> Figure:
    """A directed graph without cycles, in the order of a topological sort: down, or to the right if short.

    Args:
        edges: from node to node; an edge that stands there twice is drawn twice.
        title: of the figure.
        names: what to write for a node; its own key where there is none.
    """
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    texts = {node: (names or {}).get(node, node) for node in nodes}
    depth = _depths(nodes, edges)
    chains = [_chain(i, edge, depth) for i, edge in enumerate(edges)]
    layers = _ordered(_layers(nodes, depth, chains), chains)
    beside = len(layers) <= FEW
    widths = {node: width_of(text, SMALL) / 72 + 2 * PADDING for node, text in texts.items()}
    heights = {node: LINE * (1 + text.count("\n")) + PADDING for node, text in texts.items()}
    across, along = (heights, widths) if beside else (widths, heights)
    offsets = _across(layers, chains, across)
    depths: list[float] = []
    thickness = 0.0
    for layer in layers:
        mine = max((along[place] for place in layer if place in along), default=0.0)
        depths.append((depths[-1] + thickness / 2 + LAYERS + mine / 2) if depths else mine / 2)
        thickness = mine
    centre = {
        place: (depths[d], offsets[place]) if beside else (offsets[place], -depths[d])
        for d, layer in enumerate(layers)
        for place in layer
    }
    with style():
        from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
        from matplotlib.path import Path

        left, right, low, high = _extent(centre, widths, heights)
        figure = new_figure(max(right - left, 3.2), high - low + 0.35)
        axes = figure.subplots()
        axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
        axes.set_axis_off()
        entitle(figure, title)
        for node in nodes:
            (x, y), w, h = centre[node], widths[node], heights[node]
            look: dict[str, Any] = {
                "facecolor": "none",
                "edgecolor": COLOURS[0],
                "boxstyle": "round,pad=0,rounding_size=0.08",
            }
            axes.add_patch(FancyBboxPatch((x - w / 2, y - h / 2), w, h, **look))
            lines = texts[node].split("\n")
            for k, line in enumerate(lines):  # each centred by itself, in whatever font a page has
                below = LINE * (k - (len(lines) - 1) / 2)
                axes.text(x, y - below, line, ha="center", va="center_baseline", fontsize=SMALL)
        for points in _routes(chains, centre, across, along, beside):
            drawn = FancyArrowPatch(
                path=Path(*_curve(points, beside, Path)),
                arrowstyle="-|>",
                mutation_scale=9,
                shrinkA=0,
                shrinkB=0,
                color=EDGES,
            )
            axes.add_patch(drawn)
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


def _chain(index: int, edge: tuple[str, str], depth: Mapping[str, int]) -> list[Place]:
    """The places that an edge goes through, one in each layer."""
    start, end = edge
    return [start, *((index, d) for d in range(depth[start] + 1, depth[end])), end]


def _layers(
    nodes: Sequence[str], depth: Mapping[str, int], chains: Sequence[list[Place]]
) -> list[list[Place]]:
    layers: list[list[Place]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    for chain in chains:
        for index, d in chain[1:-1]:
            layers[d].append((index, d))
    return layers


def _ordered(layers: list[list[Place]], chains: Sequence[list[Place]]) -> list[list[Place]]:
    """Each layer sorted by the mean place of its neighbours, down and up again, so that few edges cross."""
    neighbours = _neighbours(chains)
    for sweep in range(8):
        turn = layers[1:] if sweep % 2 == 0 else layers[-2::-1]
        for layer in turn:
            rank = {place: i for other in layers for i, place in enumerate(other)}
            middle = {p: _mean([rank[q] for q in neighbours[p][sweep % 2]], rank[p]) for p in layer}
            layer.sort(key=lambda place: middle[place])
    return layers


def _neighbours(chains: Sequence[list[Place]]) -> dict[Place, tuple[list[Place], list[Place]]]:
    """The places before and after each."""
    found: dict[Place, tuple[list[Place], list[Place]]] = {
        place: ([], []) for chain in chains for place in chain
    }
    for chain in chains:
        for before, after in pairwise(chain):
            found[after][0].append(before)
            found[before][1].append(after)
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _across(
    layers: Sequence[list[Place]], chains: Sequence[list[Place]], sizes: Mapping[Place, float]
) -> dict[Place, float]:
    """Where each place is in its layer: near the mean of its neighbours, and apart from those beside it."""
    neighbours = _neighbours(chains)
    at = dict.fromkeys((place for layer in layers for place in layer), 0.0)
    for sweep in range(12):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([at[q] for side in neighbours[p] for q in side], at[p]) for p in layer]
            room = [sizes.get(p, LANE - GAP) + GAP for p in layer]
            at |= dict(zip(layer, spread(wanted, room), strict=True))
    return at


def _extent(
    centre: Mapping[Place, tuple[float, float]], widths: Mapping[Place, float], heights: Mapping[Place, float]
) -> tuple[float, float, float, float]:
    boxes = [(x, y, widths.get(p, LANE) / 2, heights.get(p, LANE) / 2) for p, (x, y) in centre.items()]
    margin = 0.06
    return (
        min(x - w for x, _, w, _ in boxes) - margin,
        max(x + w for x, _, w, _ in boxes) + margin,
        min(y - h for _, y, _, h in boxes) - margin,
        max(y + h for _, y, _, h in boxes) + margin,
    )


def _routes(
    chains: Sequence[list[Place]],
    centre: Mapping[Place, tuple[float, float]],
    across: Mapping[Place, float],
    along: Mapping[Place, float],
    beside: bool,
) -> list[list[tuple[float, float]]]:
    """The points that each edge goes through; at a node, the ends of its edges stand side by side."""
    side = 1 if beside else 0
    forward = 1 if beside else -1
    routes = [[list(centre[place]) for place in chain] for chain in chains]
    for end, sign in ((0, 1), (-1, -1)):
        for node in {chain[end] for chain in chains}:
            mine = [i for i, chain in enumerate(chains) if chain[end] == node]
            mine.sort(key=lambda i: (routes[i][1 if end == 0 else -2][side], i))
            apart = min(PORTS, 0.8 * across[node] / len(mine))
            for k, i in enumerate(mine):
                routes[i][end][side] += apart * (k - (len(mine) - 1) / 2)
                routes[i][end][1 - side] += forward * sign * along[node] / 2
    return [[(x, y) for x, y in route] for route in routes]


def _curve(points: Sequence[tuple[float, float]], beside: bool, path: Any) -> tuple[list[Any], list[Any]]:
    """From point to point in curves that leave and arrive in the direction of the layers."""
    vertices, codes = [points[0]], [path.MOVETO]
    for (x, y), (u, v) in pairwise(points):
        middle = ((x + u) / 2, (y + v) / 2)
        controls = [(middle[0], y), (middle[0], v)] if beside else [(x, middle[1]), (u, middle[1])]
        vertices += [*controls, (u, v)]
        codes += [path.CURVE4] * 3
    return vertices, codes
