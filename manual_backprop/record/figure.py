"""A step as one picture: what each layer computes, what comes back, and how far each parameter moves."""

from __future__ import annotations

from math import ceil, floor, inf, log10
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from manual_backprop.plots import COLOURS, new_figure, style
from manual_backprop.record.call import matrix, norm, share_of_zeros

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from manual_backprop.record.step import Parameter, Step

MOST_ROWS = 8
MOST_NAMES = 12  # of parameters below their bars; of more, the order in the model tells them apart
LETTERS = 80  # of names side by side
THOUSANDTH = 1e-3
TITLE = 34  # characters
SIDE = 160  # pixels of an image, at most


def figure(step: Step) -> Figure:
    """One row for each operation (of a deep network the first and the last ones), one for the parameters."""
    calls = [c for c in step.calls if c.output.gradient is not None and c.output.tensor.numel() > 1]
    half = MOST_ROWS // 2
    calls = calls if len(calls) <= MOST_ROWS else [*calls[:half], *calls[-half:]]
    parameters = [p for p in step.parameters if p.value.norm > 0]
    with style():
        drawn = new_figure(10, 1.75 * len(calls) + 2.4)
        grid = drawn.add_gridspec(len(calls) + 1, 4, height_ratios=[1.0] * len(calls) + [1.3])
        for row, call in enumerate(calls):
            gradient: Any = call.output.gradient
            forward = [drawn.add_subplot(grid[row, column]) for column in range(2)]
            backward = [drawn.add_subplot(grid[row, column]) for column in range(2, 4)]
            _pair(forward, call.output.tensor, call.line(), COLOURS[0])
            _pair(backward, gradient, call.output.gradient_symbol, COLOURS[1])
        _updates(drawn.add_subplot(grid[len(calls), :]), step, parameters)
        drawn.suptitle(f"One step: L = {step.loss:.4g}, then {step.loss_after:.4g}")
    return drawn


def _updates(axes: Any, step: Step, parameters: list[Parameter]) -> None:
    """How far each parameter moves, in proportion to its size."""
    from matplotlib.ticker import NullFormatter

    ratios = [norm(p.update) / p.value.norm for p in parameters]
    axes.bar(range(len(ratios)), ratios, color=COLOURS[2])
    names = [p.value.symbol for p in parameters] if len(parameters) <= MOST_NAMES else []
    axes.set_xticks(range(len(names)), names)
    if sum(map(len, names)) > LETTERS:
        axes.tick_params(axis="x", labelrotation=90, labelsize=8)
    if moved := [ratio for ratio in ratios if 0 < ratio < inf]:
        axes.set_yscale("log")
        low, high = min(*moved, THOUSANDTH), max(*moved, THOUSANDTH)
        axes.set_ylim(10.0 ** floor(log10(low) - 0.2), 10.0 ** ceil(log10(high)))  # whole powers are labelled
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.axhline(THOUSANDTH, color="black", linewidth=0.8, linestyle=":")
    axes.set(title=f"‖−η ∂L/∂w‖ / ‖w‖ at η = {step.lr:g}; dotted: a thousandth", ylabel="update/weight")


def _pair(axes: list[Any], tensor: Tensor, title: str, colour: str) -> None:
    """The numbers as an image and as a histogram."""
    picture, histogram = axes
    rect = matrix(tensor.cpu().double())
    bound = float(rect.abs().max()) if rect.numel() else 0.0
    bound = bound if 0 < bound < float("inf") else 1.0
    image = rect[:SIDE, :SIDE].numpy()
    picture.imshow(image, cmap="PuOr", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
    picture.set_title(title if len(title) <= TITLE else f"{title[: TITLE - 1]}…", fontsize=8.5)
    picture.set_xticks([])
    picture.set_yticks([])
    finite = rect[torch.isfinite(rect)].numpy()
    histogram.hist(finite, bins=40, color=colour)
    histogram.set_yticks([])
    histogram.tick_params(labelsize=7)
    histogram.locator_params(axis="x", nbins=4)
    histogram.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
    histogram.xaxis.get_offset_text().set_fontsize(7)
    histogram.set_title(f"{tuple(tensor.shape)}, {share_of_zeros(rect):.0%} zeros", fontsize=8.5)
