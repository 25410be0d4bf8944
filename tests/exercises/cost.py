"""Wrong answers to the exercises of “What a gradient costs”."""

from typing import Any

import torch

WRONG: list[tuple[str, Any, str]] = [
    ("11.1", 3, "Images do not learn"),
    ("11.1", (784 * 128 + 2 * 128 * 10) / (784 * 128 + 128 * 10), "the backward alone"),
    ("11.1", 2.0, "no δ¹"),
    ("11.1", 2.01, "Three digits after the point"),
    ("11.1", (3 * 784 * 128 + 2 * 128 * 10) / (784 * 128 + 128 * 10), "the other way round"),
    ("11.2", lambda x, W, x_dot, W_dot: (x @ W_dot.T) * (x @ W.T).cos(), "the part of x is missing"),
    ("11.2", lambda x, W, x_dot, W_dot: (x_dot @ W.T) * (x @ W.T).cos(), "the part of W is missing"),
    ("11.2", lambda x, W, x_dot, W_dot: x_dot @ W.T + x @ W_dot.T, "The slope of the sine is missing"),
    ("11.2", lambda x, W, x_dot, W_dot: torch.sin(x_dot @ W.T + x @ W_dot.T), "not put through the sine"),
    ("11.2", lambda x, W, x_dot, W_dot: torch.cos(x_dot @ W.T + x @ W_dot.T), "not put through the cosine"),
    (
        "11.2",
        lambda x, W, x_dot, W_dot: (x_dot @ W_dot.T) * (x @ W.T).cos(),
        "not the product of the derivatives",
    ),
    ("11.2", lambda x, W, x_dot, W_dot: -(x_dot @ W.T + x @ W_dot.T) * (x @ W.T).cos(), "the sign"),
    ("11.2", lambda x, W, x_dot, W_dot: (x_dot @ W.T + x @ W_dot.T) * (x @ W.T).sin(), "sin z is the value"),
    ("11.2", lambda x, W, x_dot, W_dot: (x @ W.T).cos(), "is left out"),
    (
        "11.2",
        lambda x, W, x_dot, W_dot: (x_dot @ W.T + x @ W_dot.T + x_dot @ W_dot.T) * (x @ W.T).cos(),
        "product of the two tangents",
    ),
    (
        "11.2",
        lambda x, W, x_dot, W_dot: x_dot @ W.T * (x @ W.T).cos() + x @ W_dot.T,
        "multiplies both terms",
    ),
    ("11.2", lambda x, W, x_dot, W_dot: x_dot * W_dot, "it raised RuntimeError"),
    ("11.2", lambda x, W, x_dot, W_dot: x_dot, "expected a result of shape (5, 7)"),
    ("11.3", 8, "each the cube root of T"),
    ("11.3", 16, "leaves one kind out"),
    ("11.3", 2 * 512**0.5, "segments of one kind"),
    ("11.3", 45, "segments of one kind"),
    ("11.3", 22.6, "one of the two summands"),
    ("11.3", 512, "What is kept at once is a sum"),
]
