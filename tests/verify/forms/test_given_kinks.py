"""Where numbers are given at a kink, no slope is the right one; beside it, one is."""

from typing import Any

import numpy as np
import pytest
from scipy.special import xlogy

from manual_backprop import verify


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * x)


def in_a_loop(x: Any) -> Any:
    out = np.zeros_like(x)
    for i, number in enumerate(x):
        out[i] = number if number > 0 else 0
    return out


def through_c(x: Any) -> Any:
    """Of which nothing is known but its values."""
    return np.maximum(x, 0) + 0 * np.array([float(number) for number in x])


FORWARDS = {"relu": relu, "leaky": leaky, "a loop": in_a_loop, "by values alone": through_c}
KINKS = [np.zeros(2), np.array([0.5, 0.0, -0.5]), np.array([0.0, *np.linspace(0.5, 2, 30)])]


@pytest.mark.parametrize("x", KINKS, ids=["only", "among others", "one of many"])
@pytest.mark.parametrize("forward", FORWARDS.values(), ids=FORWARDS)
def test_there_is_no_verdict_at_a_kink(forward: Any, x: Any) -> None:
    low = 0.1 if forward is leaky else 0
    report = verify(forward, lambda dout, x: dout * np.where(x > 0, 1, low), inputs=[x])
    assert report.status == "unjudged", report
    assert "kink" in report.problem


@pytest.mark.parametrize("forward", FORWARDS.values(), ids=FORWARDS)
def test_beside_it_there_is_one(forward: Any) -> None:
    low = 0.1 if forward is leaky else 0
    x = np.array([0.5, 0.01, -0.5])
    assert verify(forward, lambda dout, x: dout * np.where(x > 0, 1, low), inputs=[x])
    wrong = verify(forward, lambda dout, x: dout * np.where(x > 0.1, 1, low), inputs=[x])
    assert wrong.status == "wrong"


def test_a_steep_curve_is_no_kink() -> None:
    def steep(x: Any) -> Any:
        return xlogy(x, x) + np.array([float(n) for n in np.tanh(50 * x)])

    def steep_backward(dout: Any, x: Any) -> Any:
        return dout * (1 + np.log(x) + 50 * (1 - np.tanh(50 * x) ** 2))

    assert verify(steep, steep_backward, inputs=[np.array([0.01, 0.02, 0.3])])
