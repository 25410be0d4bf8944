"""A forward in NumPy that rounds to float32 is judged to that precision, and its mistakes are still named."""

from typing import Any

import numpy as np
import pytest

from manual_backprop import verify

X, W = np.linspace(-1, 1, 15).reshape(5, 3), np.linspace(-2, 1, 21).reshape(3, 7)


def into_a_buffer(x: Any, w: Any) -> Any:
    out = np.zeros((len(x), w.shape[1]), dtype=np.float32)
    for i, row in enumerate(x):
        out[i] = np.tanh(row @ w)
    return out


def cast(x: Any, w: Any) -> Any:
    return np.tanh((x @ w).astype(np.float32))


def by_values_alone(x: Any, w: Any) -> Any:
    return np.array([[np.float32(float(n)) for n in row] for row in np.tanh(x @ w)])


FORWARDS = (into_a_buffer, cast, by_values_alone)


def backward(dout: Any, x: Any, w: Any) -> Any:
    delta = dout * (1 - np.tanh(x @ w) ** 2)
    return delta @ w.T, x.T @ delta


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_right_backward_is_right(forward: Any) -> None:
    assert forward(X, W).dtype == np.float32
    report = verify(forward, backward, inputs=[X, W])
    assert report, report
    assert verify(forward, backward, shapes=[(5, 3), (3, 7)])


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_mistake_is_named(forward: Any) -> None:
    def sign_lost(dout: Any, x: Any, w: Any) -> Any:
        dx, dw = backward(dout, x, w)
        return dx, -dw

    right, wrong = verify(forward, sign_lost, shapes=[(5, 3), (3, 7)]).verdicts
    assert (right.status, wrong.status) == ("right", "wrong")
    assert [diagnosis.name for diagnosis in wrong.diagnoses] == ["sign"]
