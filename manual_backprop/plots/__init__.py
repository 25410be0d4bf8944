"""The matplotlib pictures: plain numbers in, a Figure out."""

from manual_backprop.plots.explaining import (
    curves,
    decision_regions,
    heat_map,
    histograms,
    images,
    landscape,
)
from manual_backprop.plots.graph import graph
from manual_backprop.plots.style import COLOURS, STYLE, new_figure, show, style
from manual_backprop.plots.training import (
    SMALLEST_NORM,
    confusion_matrix,
    gradient_norms,
    training_curves,
    worst_mistakes,
)

__all__ = [
    "COLOURS",
    "SMALLEST_NORM",
    "STYLE",
    "confusion_matrix",
    "curves",
    "decision_regions",
    "gradient_norms",
    "graph",
    "heat_map",
    "histograms",
    "images",
    "landscape",
    "new_figure",
    "show",
    "style",
    "training_curves",
    "worst_mistakes",
]
