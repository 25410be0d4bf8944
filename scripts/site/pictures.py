"""Pictures of operations of one variable: forward, and derivative as the hand-written backward has it.

An SVG that stands in the page takes the page's colours, light or dark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10

import torch
from torch import Tensor

from manual_backprop import functional as F

POINTS = 400  # even, so that no point lies exactly on a kink at 0, 1 or 3
WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 26, 24


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
    lines = (("forward", out.detach()), ("derivative", slope))
    told = " ".join(filter(None, (f"<code>{name}</code>", curve.told)))
    return (
        '<figure class="curves">'
        f"{svg(x.detach(), lines, curve.variable, f'{name} and its derivative')}"
        f"<figcaption>{told}, and what its backward returns for an upstream gradient of 1."
        "</figcaption></figure>"
    )


def svg(x: Tensor, lines: tuple[tuple[str, Tensor], ...], variable: str, title: str) -> str:
    """Curves over the same numbers, each of a class of its own, in one frame."""
    every = torch.cat([y for _, y in lines])
    low, high = min(0.0, every.min().item()), max(0.0, every.max().item())
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)
    start, stop = x[0].item(), x[-1].item()

    def across(value: float) -> float:
        return LEFT + (value - start) / (stop - start) * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}"><title>{title}</title>']
    for value in ticks(start, stop):
        at = f"{across(value):.1f}"
        kind = "axis" if value == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{at} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at}" y="{HEIGHT - 8}" text-anchor="middle">{number(value)}</text>')
    for value in ticks(low, high):
        at = down(value)
        kind = "axis" if value == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for kind, y in lines:
        parts.append(f'<path class="{kind}" d="{path(list(map(across, x.tolist())), y, down)}"/>')
    for at, (kind, _) in zip((LEFT, LEFT + 110), lines, strict=True):
        parts.append(f'<path class="{kind}" d="M{at} 12h24"/><text x="{at + 30}" y="16">{kind}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="16" text-anchor="end">over <tspan>{variable}</tspan></text>')
    return "".join([*parts, "</svg>"])


def path(across: list[float], y: Tensor, down: Callable[[float], float]) -> str:
    """A line through the points, interrupted where the function jumps."""
    steps = y.diff().abs()
    beside = torch.maximum(
        torch.nn.functional.pad(steps[:-1], (1, 0)), torch.nn.functional.pad(steps[1:], (0, 1))
    )
    jumps = (steps > 0.02 * (y.max() - y.min())) & (steps > 4 * beside)
    begins = [True, *jumps.tolist()]
    points = zip(begins, across, y.tolist(), strict=True)
    return "".join(f"{'M' if begin else 'L'}{a:.1f} {down(b):.1f}" for begin, a, b in points)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, about five of them."""
    rough = (high - low) / 5
    unit = 10 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    first = -floor(-low / step)
    return [round(step * at, 6) + 0.0 for at in range(first, floor(high / step) + 1)]


def number(value: float) -> str:
    """As it is written below an axis."""
    return f"{value:g}".replace("-", "−")
