"""The pictures of the tutorials show the numbers that they were given."""

import itertools
import math
from typing import Any

import pytest
import torch
from matplotlib.colors import to_hex

from manual_backprop import plots
from tests.plots.test_training import texts

TWO_POINTS = ([0.0, 1.0], [2.0, 3.0])


def test_a_curve_is_named_at_its_end_and_has_its_points() -> None:
    figure = plots.curves({"up": TWO_POINTS}, title="t", xlabel="x (s)", ylabel="y (m)")
    (axes,) = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[0, 2], [1, 3]]
    assert {"up", "t", "x (s)", "y (m)"} <= set(texts(figure))


def test_a_curve_has_no_point_where_a_value_is_not_finite_or_has_no_logarithm() -> None:
    values = [1.0, math.nan, math.inf, 0.0, -1.0, 4.0]
    figure = plots.curves({"": (range(6), values)}, title="", xlabel="", ylabel="", log="y")
    assert figure.axes[0].lines[0].get_ydata().tolist() == [1, 4]


def test_panels_share_their_vertical_axis() -> None:
    panels = {"a": {"p": TWO_POINTS}, "b": {"q": ([0.0, 1.0], [9.0, 9.5])}}
    first, second = plots.curves(panels, title="", xlabel="", ylabel="").axes
    assert (first.get_title("left"), second.get_title("left")) == ("a", "b")
    assert first.get_ylim() == second.get_ylim()


def test_two_lines_never_look_alike() -> None:
    lines = {str(i): TWO_POINTS for i in range(12)}
    drawn = plots.curves(lines, title="", xlabel="", ylabel="").axes[0].lines
    assert len({(to_hex(line.get_color()), line.get_linestyle()) for line in drawn}) == 12


def test_a_region_has_the_colour_of_the_belief_there() -> None:
    points, labels = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1])
    figure = plots.decision_regions({"right half": lambda x: (x[:, 0] > 0.5).float()}, points, labels)
    belief = figure.axes[0].images[0].get_array()
    assert belief[:, 0].tolist() == [0] * 121
    assert belief[:, -1].tolist() == [1] * 121


def test_a_heat_map_writes_each_number_also_where_it_has_no_colour() -> None:
    figure = plots.heat_map([[1.0, 0.0]], ["row"], ["a", "b"], title="t", label="l", log=True)
    assert {"1", "0", "row", "a", "b", "t", "l"} <= set(texts(figure))
    assert figure.axes[0].images[0].get_array().mask.tolist() == [[False, True]]


def test_histograms_share_their_range_and_hold_all_of_their_samples() -> None:
    figure = plots.histograms({"a": torch.zeros(5), "b": torch.ones(7)}, title="", xlabel="", bins=2)
    heights = [axes.patches[0].get_data().values.tolist() for axes in figure.axes]
    assert heights == [[1, 0], [0, 1]]


def test_an_image_of_both_signs_is_white_at_zero() -> None:
    axes, scale = plots.images(torch.tensor([[[-1.0, 0.5]]]), ["w"]).axes
    assert axes.images[0].get_clim() == (-1, 1)
    assert scale.get_xlim() == (-1, 1)


def test_points_outside_the_range_shown_are_counted() -> None:
    figure = plots.curves({"a": ([0, 1, 2], [0.0, 5.0, -1.0])}, title="", xlabel="", ylabel="", ylim=(0, 1))
    assert "2 of the points" in figure.get_supxlabel()


def test_the_pixels_of_a_single_image_can_be_written_out() -> None:
    assert {"0", "255"} <= set(texts(plots.images(torch.tensor([[[0, 255]]]), ["digit"], numbers=True)))


def test_a_path_ends_where_the_descent_did() -> None:
    figure = plots.landscape(
        lambda x, y: x * x + y * y,
        {"descent": [(1.0, 1.0), (0.5, 0.25)]},
        span=(-1, 1, -1, 1),
        title="t",
        xlabel="w₁",
        ylabel="w₂",
        points=5,
    )
    path, start, end = figure.axes[0].lines
    assert path.get_xydata().tolist() == [[1, 1], [0.5, 0.25]]
    assert start.get_xydata().tolist() == [[1, 1]]
    assert end.get_xydata().tolist() == [[0.5, 0.25]]


def test_every_path_of_a_landscape_is_drawn_however_many_there_are() -> None:
    paths = {str(i): [(0.0, 0.0), (0.1 * i, 0.1)] for i in range(7)}
    figure = plots.landscape(
        lambda x, y: x * x + y * y, paths, span=(-1, 1, -1, 1), title="", xlabel="", ylabel="", points=5
    )
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(paths)


def arrows_of(figure: Any) -> list[Any]:
    return [patch for patch in figure.axes[0].patches if type(patch).__name__ == "FancyArrowPatch"]


def test_a_graph_stands_in_topological_order_and_draws_a_double_edge_twice() -> None:
    figure = plots.graph([("a", "b"), ("a", "b"), ("b", "c"), ("a", "c")], "t", names={"a": "input"})
    place = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert place["input"][0] < place["b"][0] < place["c"][0]
    assert len(arrows_of(figure)) == 4


def test_a_graph_of_many_layers_goes_down_and_stays_narrow() -> None:
    figure = plots.graph(list(itertools.pairwise("abcdefgh")), "t")
    heights = [text.get_position()[1] for text in figure.axes[0].texts]
    assert heights == sorted(heights, reverse=True)
    assert figure.get_figwidth() < 4


@pytest.mark.parametrize(
    "edges",
    [
        [*itertools.pairwise("abcdefgh"), ("a", "g"), ("b", "h"), ("a", "d")],
        [(f"w{i}", f"h{j}") for i in range(3) for j in range(3)] + [(f"h{j}", "L") for j in range(3)],
        [*itertools.pairwise("abc"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")],
    ],
)
def test_no_edge_of_a_graph_runs_behind_a_node_or_out_of_the_picture(edges: list[tuple[str, str]]) -> None:
    figure = plots.graph(edges, "t")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [patch.get_window_extent().padded(-1) for patch in axes.patches if patch not in arrows_of(figure)]
    for arrow in arrows_of(figure):
        line = arrow.get_transform().transform_path(arrow.get_path())
        points = line.interpolated(20).vertices
        inside = [box for box in boxes if box.count_contains(points[5:-25]) > 0]
        assert inside == []
        assert figure.bbox.count_contains(points) == len(points)


@pytest.mark.parametrize("maximum", ["z < 0", "one class"])
def test_one_number_or_colour_alone_can_be_drawn(maximum: str) -> None:
    assert plots.heat_map([[2.0]], [maximum], [""], title="", label="")
    assert plots.histograms({maximum: torch.tensor([3.0])}, title="", xlabel="")


def test_names_at_the_ends_of_lines_stay_apart_in_panels_too() -> None:
    ends = {"a": 0.7, "b": 0.6, "c": 0.5}
    panels = {
        panel: {name: ([0, 1], [1.0, y]) for name, y in ({**ends, "d": low}).items()}
        for panel, low in (("p", 1e-2), ("q", 1e-19))
    }
    figure = plots.curves(panels, title="t", xlabel="x", ylabel="y", log="y")
    figure.canvas.draw()
    for axes in figure.axes:
        heights = sorted(text.get_window_extent().y0 for text in axes.texts)
        apart = [above - below for below, above in itertools.pairwise(heights)]
        assert min(apart) > 11 * figure.dpi / 72
