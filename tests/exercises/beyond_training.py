"""Wrong answers to the exercises of “Gradients beyond training”, and words of what is said."""

from typing import Any

import torch
from torch import Tensor

H = 0.1


def pendulum(grad_output: Tensor, x: Tensor, v: Tensor, mistake: str) -> tuple[Tensor, Tensor]:
    angles = [x]
    for _ in range(3):
        v = v - H * x.sin()
        x = x + H * v
        angles.append(x)
    grad_x, grad_v = grad_output, torch.zeros_like(grad_output)
    for t in (2, 1, 0):
        from_x = H * grad_x
        grad_v = from_x if mistake == "assigned" else grad_v + from_x
        angle = angles[t + 1] if mistake == "after" else angles[t]
        slope = angle.sin() if mistake == "sine" else angle.cos()
        if mistake != "one use":
            arrived = grad_v - from_x if mistake == "order" else grad_v
            factor = {"plus": -H, "no step": 1}.get(mistake, H)
            grad_x = grad_x - factor * slope * arrived
    return grad_x, grad_v


WRONG: list[tuple[str, Any, str]] = [
    ("16.1", 0.028, "the length of w"),
    ("16.1", 1e-3, "one pixel's contribution"),
    ("16.1", 7.84, "each pixel moves by ε"),
    ("16.1", 0, "its own weight"),
    ("16.1", -0.784, "by so much z can fall"),
    ("16.1", 5, "too large"),
    ("16.2", lambda g, f: g @ f, "the share of the rows alone"),
    ("16.2", lambda g, f: g.T @ f, "the share of the columns alone"),
    ("16.2", lambda g, f: 2 * g @ f, "right where ∂L/∂G is symmetric"),
    ("16.2", lambda g, f: (g + g.T) @ f / 2, "not yet"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "after"), "at the angle before the step"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "sine"), "The slope of sin x is cos x."),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "one use"), "x is used twice in a step"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "assigned"), "v too is used twice"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "plus"), "its share has a minus"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "no step"), "the slope has the factor h"),
    ("16.3", lambda g, x, v: pendulum(g, x, v, "order"), "Going back, x comes first"),
]
