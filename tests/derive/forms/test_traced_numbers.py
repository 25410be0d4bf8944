"""NumPy code is traced where it makes numbers of arrays, writes over what it has used, or joins functions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from manual_backprop import verify

Array = np.ndarray[Any, Any]
Loss = Callable[[Array, Array], tuple[Any, Array]]


def float_of_the_loss(w: Array, x: Array) -> tuple[Any, Array]:
    r = x @ w
    return float(r @ r), 2 * x.T @ r


def float64_of_the_loss(w: Array, x: Array) -> tuple[Any, Array]:
    r = (x @ w).astype(float)
    return np.float64(r @ r), 2 * x.T @ r


def item_of_the_loss(w: Array, x: Array) -> tuple[Any, Array]:
    r = x @ w
    return (r @ r).item(), 2 * x.T @ r


def numbers_of_math(w: Array, x: Array) -> tuple[Any, Array]:
    loss, dw = 0.0, np.zeros(w.shape)
    for row in x:
        z = float(np.dot(row, w))
        loss += math.log(1 + math.exp(z))
        dw += row / (1 + math.exp(-z))
    return loss, dw


def written_over_after_use(w: Array, x: Array) -> tuple[Any, Array]:
    h = np.maximum(0, x @ w)
    loss = np.sum(h**2)
    h *= 2
    return loss, x.T @ h


def softplus_of_two(w: Array, x: Array) -> tuple[Any, Array]:
    z = x @ w
    return np.sum(np.logaddexp(0, z) + np.logaddexp(z, 1.0)), x.T @ (
        1 / (1 + np.exp(-z)) + 1 / (1 + np.exp(1 - z))
    )


def picked_by_numbers_of_a_list(w: Array, x: Array) -> tuple[Any, Array]:
    best = [np.argmax(w), np.argmin(w)]
    dw = np.zeros_like(w)
    np.add.at(dw, best, x[0, :2])
    return np.sum(w[best] * x[0, :2]), dw


@pytest.mark.parametrize(
    "loss",
    [
        float_of_the_loss,
        float64_of_the_loss,
        item_of_the_loss,
        numbers_of_math,
        written_over_after_use,
        softplus_of_two,
        picked_by_numbers_of_a_list,
    ],
)
def test_a_right_loss_is_differentiated_by_autograd(loss: Loss) -> None:
    report = verify(loss, shapes=[(4,), (5, 4)])
    assert report, report
    assert report.oracles[0] == "autograd"


def test_names_of_python_are_as_they_were_after_tracing() -> None:
    assert verify(float_of_the_loss, shapes=[(4,), (5, 4)])
    assert "float" not in float_of_the_loss.__globals__
    assert isinstance(math.exp(0.0), float)
