"""Wrong answers to the exercises of “What it is used for”, and words of what is said."""

from math import exp, log, pi
from typing import Any

import torch
from torch import Tensor

ANGLE = 2 * pi * torch.arange(5)[:, None] * torch.arange(8).double() / 8
C, S = ANGLE.cos(), ANGLE.sin()
T, W = torch.linspace(0.1, 2, 6).double(), torch.linspace(0.5, 2, 4).double()


def power(g: Tensor, x: Tensor, of_c: float, of_s: float) -> Tensor:
    return of_c * (g * (x @ C.T)) @ C + of_s * (g * (x @ S.T)) @ S


def residual(g: Tensor, v: Tensor, k: Tensor, mistake: str) -> tuple[Tensor, Tensor]:
    a = (T[:, None] * W).tanh()
    factor = {"one w": W, "no w": torch.ones(4).double()}.get(mistake, W**2)
    second = -2 * a * (1 - a**2) * factor
    if mistake == "sign":
        second = -second
    if mistake == "no tanh":
        second = -2 * (1 - a**2) * factor
    columns = second if mistake == "no spring" else second + k * a
    return g @ columns, (g * (second @ v)).sum() if mistake == "k by ẍ" else g @ (a @ v)


WRONG: list[tuple[str, Any, str]] = [
    ("15.1", 1.5, "that is the loss"),
    ("15.1", 2**1.5, "in bits"),
    ("15.1", 10**1.5, "its base is e"),
    ("15.1", exp(-1.5), "that is the probability"),
    ("15.1", log(1.5), "that is ln 1.5"),
    ("15.1", 29, "too large"),
    ("15.2", lambda g, x: power(g, x, 1, 1), "factor 2"),
    ("15.2", lambda g, x: power(g, x, 2, 0), "cosines alone"),
    ("15.2", lambda g, x: power(g, x, 0, 2), "sines alone"),
    ("15.2", lambda g, x: 2 * (g @ C + g @ S), "missing as factors"),
    ("15.2", lambda g, x: power(g, x, 2, -2), "both shares are added"),
    ("15.2", lambda g, x: 2 * ((g * (x @ C.T)) @ S + (g * (x @ S.T)) @ C), "are interchanged"),
    ("15.3", lambda g, v, k: residual(g, v, k, "one w"), "one w each time"),
    ("15.3", lambda g, v, k: residual(g, v, k, "no w"), "is missing"),
    ("15.3", lambda g, v, k: residual(g, v, k, "sign"), "sign of tanh"),
    ("15.3", lambda g, v, k: residual(g, v, k, "no tanh"), "a factor tanh is missing"),
    ("15.3", lambda g, v, k: residual(g, v, k, "no spring"), "v is used twice"),
    ("15.3", lambda g, v, k: residual(g, v, k, "k by ẍ"), "not yet"),
]
