"""Wrong answers to the exercises of “Initialisation”."""

from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor, Tensor, Tensor]


def _twins(
    grad_output: Tensor, x: Tensor, w: Tensor, W: Tensor, slope: bool = True, mean: bool = False
) -> Gradients:
    a = torch.tanh(x @ w)
    columns = W.mean(1) if mean else W.sum(1)
    delta = (grad_output @ columns) * ((1 - a**2) if slope else 1)
    return delta[:, None] * w, delta @ x, (a @ grad_output)[:, None].expand_as(W)


def without_slope(grad_output: Tensor, x: Tensor, w: Tensor, W: Tensor) -> Gradients:
    return _twins(grad_output, x, w, W, slope=False)


def mean_of_units(grad_output: Tensor, x: Tensor, w: Tensor, W: Tensor) -> Gradients:
    return _twins(grad_output, x, w, W, mean=True)


def one_column(grad_output: Tensor, x: Tensor, w: Tensor, W: Tensor) -> Gradients:
    grad_x, grad_w, grad_W = _twins(grad_output, x, w, W)
    return grad_x, grad_w, grad_W[:, 0]


WRONG: list[tuple[str, Any, str]] = [
    ("7.1", 1, "equal rows alone do not make twins"),
    ("7.1", 12, "they are twins, and stay so"),
    ("7.1", 4, "not how many kinds"),
    ("7.1", "three", "a number is asked for"),
    ("7.2", lambda D, s: 2 / D, "He's number"),
    ("7.2", lambda D, s: 2 / (D * (1 + s)), "E[a²] has squares"),
    ("7.2", lambda D, s: 2 / (D * (1 - s**2)), "with a plus"),
    ("7.2", lambda D, s: 2 / (D * (1 + s) ** 2), "squared one by one"),
    ("7.2", lambda D, s: 4 / (D * (1 + s) ** 2), "the square of the mean slope"),
    ("7.2", lambda D, s: 2 / D * (1 + s**2), "it stands below"),
    ("7.2", lambda D, s: 2 / (1 + s**2), "D is missing"),
    ("7.2", lambda D, s: D / 2 * (1 + s**2), "the inverse"),
    ("7.2", lambda D, s: 1 / (D * (1 + s**2)), "the ½ is missing"),
    ("7.2", lambda D, s: (2 / (D * (1 + s**2))) ** 0.5, "standard deviation"),
    ("7.3", without_slope, "the local derivative is missing"),
    ("7.3", mean_of_units, "one over the size of W in"),
    ("7.3", one_column, "expected shape (2, 7), got (2,)"),
]
