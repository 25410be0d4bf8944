"""The pictures of a report: gradients side by side, the error by step size, the error by input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from manual_backprop.plots import COLOURS, new_figure
from manual_backprop.verify.draws import at_zero
from manual_backprop.verify.findings import Finding
from manual_backprop.verify.problem import Draw, Problem

if TYPE_CHECKING:  # matplotlib is imported when a picture is drawn
    from matplotlib.figure import Figure

MOST_ROWS = 4
SMALLEST = 1e-17  # an error of 0 is drawn here: the axes are logarithmic
STEPS = torch.logspace(-14, 0, 57, dtype=torch.float64).tolist()


def picture(verdicts: Sequence[Finding], problem: Problem, draw: Draw) -> Figure:
    """All of them in one figure; of many inputs, the heat maps are of the wrong ones."""
    order = sorted(range(len(verdicts)), key=lambda i: verdicts[i].status in ("right", "unjudged"))
    shown = sorted(order[:MOST_ROWS])
    figure = new_figure(9, 2.3 * len(shown) + 3.4)
    parts: Any = figure.subfigures(2, 1, height_ratios=[2.3 * len(shown), 3.4])
    for axes, at in zip(parts[0].subplots(len(shown), 3, squeeze=False), shown, strict=True):
        at_tie = any(d.name in ("mask-at-tie", "wrong-at-zero") for d in verdicts[at].diagnoses)
        point = (at_zero(problem, draw, at) if at_tie else None) or draw
        given, right = problem.given(point)[at], problem.right(point.double())[at]
        if isinstance(given, Tensor) and (given.is_complex() or given.device != right.device):
            given = None
        _heat_maps(parts[0], axes, verdicts[at], given, right)
    curves, bars = parts[1].subplots(1, 2)
    worst = order[0]
    _errors_by_step(curves, errors_by_step(problem, draw, worst), verdicts[worst].name)
    _errors_by_input(bars, verdicts)
    return figure


def errors_by_step(problem: Problem, draw: Draw, at: int) -> dict[str, list[float]]:
    """The relative error of the slope along one direction, for each of `STEPS`, by how it is computed."""
    draw = draw.double()
    position = problem.differentiable[at]
    generator, shape = torch.Generator("cpu").manual_seed(0), draw.inputs[position].shape
    u = torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu").to(draw.upstream.device)

    def slope(point: Draw) -> float:
        return float((problem.right(point)[at] * u).sum())

    def value(point: Draw, shift: Any, dtype: torch.dtype) -> Tensor:
        inputs = [x.to(dtype) if x.is_floating_point() else x for x in point.inputs]
        inputs[position] = inputs[position] + (shift * u).to(dtype)
        return (problem.value(inputs) * point.upstream).sum()

    def errors_of(slopes: list[float], point: Draw) -> list[float]:
        right = slope(point)
        return [abs(s - right) / (abs(right) or 1.0) for s in slopes]

    def differences(point: Draw, dtype: torch.dtype) -> list[float]:
        slopes = [float(value(point, h, dtype) - value(point, -h, dtype)) / (2 * h) for h in STEPS]
        return errors_of(slopes, point)

    found = {name: differences(draw, getattr(torch, name)) for name in ("float64", "float32")}
    try:
        slopes = [float(value(draw, h * 1j, torch.complex128).imag) / h for h in STEPS]
        errors = errors_of(slopes, draw)
        if min(errors) < 1e-9:  # else the forward is not analytic
            found["complex step"] = errors
    except (RuntimeError, TypeError):
        pass
    kinked = at_zero(problem, draw, at)
    errors = differences(kinked, torch.float64) if kinked else [0.0]
    if min(errors) > 1e-6:
        found["float64, on a kink"] = errors
    return found


def _heat_maps(figure: Any, axes: Any, verdict: Finding, given: Any, right: Tensor) -> None:
    difference = given - right if isinstance(given, Tensor) and given.shape == right.shape else None
    drawn = [t for t in (right, given if isinstance(given, Tensor) else None, difference) if t is not None]
    largest = max((float(t.abs().max()) for t in drawn if t.numel()), default=1.0) or 1.0
    titles = (f"∂L/∂{verdict.name}: right", f"yours ({verdict.status})", "yours − right")
    image = None
    for ax, title, tensor in zip(axes, titles, (right, given, difference), strict=True):
        ax.set_title(title, fontsize=9, loc="left")
        ax.set(xticks=[], yticks=[])
        if not isinstance(tensor, Tensor) or tensor.numel() == 0:
            ax.set_axis_off()
            ax.text(0, 0.5, "shape differs" if tensor is None and given is not None else "none", fontsize=9)
            continue
        flat = tensor.detach().double().reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
        image = ax.imshow(flat.tolist(), cmap="PuOr", vmin=-largest, vmax=largest, interpolation="nearest")
        ax.set_xlabel(f"{tuple(tensor.shape)}", fontsize=8)
    if image is not None:
        figure.colorbar(image, ax=list(axes), shrink=0.85)


def _errors_by_step(axes: Any, curves: dict[str, list[float]], name: str) -> None:
    for colour, (label, errors) in zip(COLOURS, curves.items(), strict=False):
        axes.loglog(STEPS, [max(error, SMALLEST) for error in errors], color=colour, label=label, lw=1.4)
    axes.set_title(f"Slope along a direction of {name}, from values", fontsize=9, loc="left")
    axes.set(xlabel="step size h", ylabel="relative error", ylim=(SMALLEST / 3, 1e4))
    axes.legend(fontsize=7, frameon=False)
    axes.grid(alpha=0.3)


def _errors_by_input(axes: Any, verdicts: Sequence[Finding]) -> None:
    names = [verdict.name for verdict in verdicts]
    errors = [
        1.0 if verdict.status == "malformed" else max(verdict.relative, SMALLEST) for verdict in verdicts
    ]
    colours = [COLOURS[2] if verdict.status == "right" else COLOURS[1] for verdict in verdicts]
    axes.barh(names, errors, left=SMALLEST, color=colours)
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST, 10)
    axes.axvline(max(verdict.tolerance for verdict in verdicts), color="black", lw=1, ls="--")
    axes.invert_yaxis()
    axes.set_title("Largest error (dashed: what rounding explains)", fontsize=9, loc="left")
    axes.set_xlabel("relative to its largest entry")
