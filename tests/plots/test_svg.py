"""Figures in a page: in the colours of its theme, each complete in itself."""

import re
from itertools import product
from typing import Any

import pytest
import torch

from manual_backprop import plots
from manual_backprop.plots.style import COLOURS

WHITE, DARK = "#ffffff", "#131416"  # of a page


def curves(title: str = "Title", last: float = 0.001) -> Any:
    return plots.curves(
        {"a": ([1, 2, 3], [1.0, 0.1, last])}, title=title, xlabel="x", ylabel="y", log="y", markers=True
    )


FIGURES = {
    "curves": curves,
    "panels": lambda: plots.curves(
        {p: {"a long name": ([1, 2], [1, 2])} for p in "pq"}, title="t", xlabel="x", ylabel="y"
    ),
    "heat map": lambda: plots.heat_map(
        [[1.0, 0.0], [2.5, 1e-7]], ["a", "b"], ["c", "d"], title="t", label="l"
    ),
    "histograms": lambda: plots.histograms(
        {"a": torch.randn(50), "b": torch.randn(50)}, title="t", xlabel="x"
    ),
    "images": lambda: plots.images(torch.randn(6, 8, 8), [f"image {i}" for i in range(6)]),
    "graph": lambda: plots.graph([("a", "b"), ("b", "c")], "Title", {"a": "AccumulateGrad\n0.weight"}),
    "confusions": lambda: plots.confusion_matrix(
        torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), ["none", "one"]
    ),
    "norms": lambda: plots.gradient_norms([[i, 1.0, 0.1] for i in range(30)], 10),
}


def luminance(colour: str) -> float:
    """Relative, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("colour", "page"), list(product(COLOURS[:-1], (WHITE, DARK))))
def test_a_line_stands_out_on_a_page_of_either_theme(colour: str, page: str) -> None:
    lighter, darker = sorted([luminance(colour), luminance(page)], reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


@pytest.mark.parametrize("name", FIGURES)
def test_it_has_no_ground_and_is_in_the_colour_of_the_pages_text(name: str) -> None:
    svg = FIGURES[name]()._repr_html_()
    assert "currentColor" in svg
    assert "#000000" not in svg
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    for white in re.findall(r'<path d="([^"]*)"[^>]*fill: #ffffff', svg):
        assert width not in white
        assert height not in white


@pytest.mark.parametrize("name", FIGURES)
def test_all_of_its_text_is_inside(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert -0.03 <= box.x0 <= box.x1 <= figure.get_figwidth() + 0.03
    assert -0.03 <= box.y0 <= box.y1 <= figure.get_figheight() + 0.03


def test_it_says_what_it_shows() -> None:
    assert 'role="img" aria-label="A &lt;b&gt;"' in curves("A <b>")._repr_html_()


def test_its_numbers_are_not_cut() -> None:
    svg = curves()._repr_html_()
    assert ">0.001<" in svg or ">10⁻³<" in svg
    assert ">0.00<" not in svg


def test_two_figures_in_a_page_do_not_share_a_name() -> None:
    page = curves()._repr_html_() + curves(last=0.002)._repr_html_() + FIGURES["images"]()._repr_html_()
    names = re.findall(r' id="([^"]+)"', page)
    assert len(set(names)) == len(names) > 0


def test_the_same_figure_is_the_same_text() -> None:
    assert curves()._repr_html_() == curves()._repr_html_()
