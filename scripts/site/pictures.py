"""Pictures of operations of one variable: forward, and derivative as the hand-written backward has it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop import plots

POINTS = 400  # even, so that no point lies exactly on a kink at 0, 1 or 3


@dataclass(frozen=True)
class Curve:
    """What is drawn of an operation: a function of one number, and where."""

    function: Callable[[Tensor], Tensor]
    start: float = -4
    stop: float = 4
    variable: str = "z"
    told: str = ""
    """What else is fixed, for the caption."""


CURVES = {
    **{
        name: Curve(getattr(F, name))
        for name in ("gelu", "hardswish", "logsigmoid", "relu", "sigmoid", "silu", "softsign", "tanh")
    },
    "elu": Curve(F.elu, told="with α = 1"),
    "hardsigmoid": Curve(F.hardsigmoid, -5, 5),
    "hardtanh": Curve(F.hardtanh, -3, 3, told="between −1 and 1"),
    "leaky_relu": Curve(F.leaky_relu, told="with a slope of 0.01 to the left of 0"),
    "softplus": Curve(F.softplus, told="with β = 1"),
    "abs": Curve(F.abs, -3, 3, "x"),
    "exp": Curve(F.exp, -3, 2, "x"),
    "log": Curve(F.log, 0.2, 4, "x"),
    "neg": Curve(F.neg, -3, 3, "x"),
    "pow": Curve(lambda x: F.pow(x, 3), -2, 2, "x", "to the power of 3"),
    "rsqrt": Curve(F.rsqrt, 0.3, 4, "x"),
    "sqrt": Curve(F.sqrt, 0.02, 4, "x"),
    "mse_loss": Curve(
        lambda x: F.mse_loss(x, torch.ones_like(x), reduction="none"),
        -1,
        3,
        "x",
        "of one prediction x, t = 1",
    ),
    "l1_loss": Curve(
        lambda x: F.l1_loss(x, torch.ones_like(x), reduction="none"), -1, 3, "x", "of one prediction x, t = 1"
    ),
    "huber_loss": Curve(
        lambda x: F.huber_loss(x, torch.ones_like(x), reduction="none"),
        -2,
        4,
        "x",
        "of one prediction x, t = 1 and δ = 1",
    ),
    "binary_cross_entropy_with_logits": Curve(
        lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="none"),
        -4,
        4,
        "x",
        "of one logit x whose target t is 1",
    ),
    "kl_div": Curve(
        lambda x: F.kl_div(x, torch.full_like(x, 0.5), reduction="none"),
        -3,
        0,
        "x",
        "of one log-probability x, the target t being ½",
    ),
}


def picture(name: str) -> str:
    """The figure of an operation as HTML, or nothing where it has not one variable."""
    if name not in CURVES:
        return ""
    curve = CURVES[name]
    x = torch.linspace(curve.start, curve.stop, POINTS, dtype=torch.float64, requires_grad=True)
    out = curve.function(x)
    (slope,) = torch.autograd.grad(out, x, torch.ones_like(out))
    with plots.style():
        figure = plots.new_figure(4.4, 2.7)
        axes = figure.subplots()
        axes.axhline(0, color="black", alpha=0.4, linewidth=0.8)
        looks = ("-", plots.COLOURS[0]), ("--", plots.COLOURS[1])
        for kind, y, (dashes, colour) in zip(
            ("forward", "derivative"), (out.detach(), slope), looks, strict=True
        ):
            axes.plot(x.tolist(), broken(y).tolist(), dashes, color=colour, label=kind)
        axes.set(xlabel=curve.variable, title=f"{name} and its derivative")
        axes.grid(axis="y")
        axes.legend(frameon=False)
    told = " ".join(filter(None, (f"<code>{name}</code>", curve.told)))
    return (
        f'<figure class="curves">{figure._repr_html_()}<figcaption>{told}, and what its backward returns for '
        "an upstream gradient of 1.</figcaption></figure>"
    )


def broken(y: Tensor) -> Tensor:
    """Values of a line that is interrupted where the function jumps."""
    steps = y.diff().abs()
    beside = torch.maximum(
        torch.nn.functional.pad(steps[:-1], (1, 0)), torch.nn.functional.pad(steps[1:], (0, 1))
    )
    jumps = (steps > 0.02 * (y.max() - y.min())) & (steps > 4 * beside)
    return y.masked_fill(torch.nn.functional.pad(jumps, (1, 0)), float("nan"))
