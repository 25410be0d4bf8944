"""Wrong answers to the exercises of “Is my derivation right?”, and words of what is said of them."""

from typing import Any

import torch
from torch import Tensor

EPSILON = 2.0**-52


def length(x: Tensor) -> Tensor:
    return x.norm(dim=1, keepdim=True)


WRONG: list[tuple[str, Any, str]] = [
    ("10.1", (1.5 * EPSILON) ** (1 / 3), "best step of the central difference"),
    ("10.1", EPSILON ** (1 / 3), "the cube root belongs to a truncation error in h²"),
    ("10.1", EPSILON**0.5, "h/2 times |f″|, not h times"),
    ("10.1", (EPSILON / 2) ** 0.5, "goes into the other factor"),
    ("10.1", 2 * EPSILON**0.5, "not by ε |f|"),
    ("10.1", "small", "a number is asked for"),
    ("10.2", lambda g, z: g - z.softmax(1) * g.sum(1, keepdim=True), "this backward is right"),
    ("10.2", lambda g, z: torch.zeros_like(z), "a test with ones would notice"),
    ("10.2", lambda g, z: g - g.sum(1, keepdim=True), "a test with ones would notice"),
    ("10.2", lambda g, z: (1 - 3 * z.softmax(1)).T, "expected shape (5, 3), got (3, 5)"),
    ("10.2", lambda g: g, "not a gradient of z"),
    ("10.3", lambda g, x: g * (1 - (x / length(x)) ** 2) / length(x), "Only ∂yᵢ/∂xᵢ is used"),
    ("10.3", lambda g, x: g / length(x), "if ‖x‖ were a constant"),
    ("10.3", lambda g, x: g / x.norm(dim=1, keepdim=True), "if ‖x‖ were a constant"),
    ("10.3", lambda g, x: (g - x * (x * g).sum(1, keepdim=True)) / length(x), "‖x‖ is missing twice"),
    ("10.3", lambda g, x: g - x * (x * g).sum(1, keepdim=True) / length(x) ** 2, "but ‖x‖ is missing"),
    (
        "10.3",
        lambda g, x: (g + x * (x * g).sum(1, keepdim=True) / length(x) ** 2) / length(x),
        "The sign of the second term",
    ),
    (
        "10.3",
        lambda g, x: (g - x * x.sum(1, keepdim=True) / length(x) ** 2) / length(x),
        "weighted by its own gⱼ",
    ),
    ("10.3", lambda g, x: g * 0, "Yours is zero"),
    ("10.3", lambda g, x: g / x.norm(), "WRONG"),
    ("10.3", lambda g, x: g.sum(), "expected shape (5, 3)"),
]
