"""Layers, losses and models are judged as they are, whatever their methods are called and return."""

from typing import Any

import numpy as np
import pytest

from manual_backprop import verify
from manual_backprop.verify import Report
from tests.verify.forms import objects

X = np.random.default_rng(0).standard_normal((5, 3))
LABELS = np.array([0, 2, 1, 2, 0])
TARGETS = np.random.default_rng(1).standard_normal((5, 3))

OBJECTS: list[tuple[Any, list[Any], tuple[str, ...]]] = [
    (objects.KeepsItsOutput, [X], ("inputs", "weights", "biases")),
    (objects.Callable, [X], ("x", "W", "b")),
    (objects.Learns, [X], ("input", "weights", "bias")),
    (objects.LearnsByItself, [X], ("X",)),
    (objects.TakesItsInput, [X], ("x",)),
    (objects.Slope, [X], ("x",)),
    (objects.SquaredError, [X, TARGETS], ("prediction",)),
    (objects.HalfSquaredError, [TARGETS, X], ("y_pred",)),
    (objects.LogLossOfEach, [np.exp(X), LABELS], ("y_pred",)),
    (objects.SoftmaxLoss, [X, LABELS], ("x",)),
    (objects.Regression, [X, TARGETS[:, 0]], ("w", "b")),
    (objects.LeavesItsGradients, [X, TARGETS[:, :2]], ("W", "b")),
    (objects.Autoencoder, [X], ("W1", "W2")),
    (objects.Network, [X, LABELS], ("W1", "W2")),
]


def said(report: Report) -> dict[str, str]:
    return {verdict.name: verdict.status for verdict in report.verdicts}


@pytest.mark.parametrize(("kind", "inputs", "names"), OBJECTS, ids=lambda x: getattr(x, "__name__", ""))
def test_all_gradients_of_an_object_are_judged_by_their_names(
    kind: Any, inputs: list[Any], names: tuple[str, ...]
) -> None:
    report = verify(kind(), inputs=inputs)
    assert said(report) == dict.fromkeys(names, "right"), report


@pytest.mark.parametrize(("kind", "inputs", "names"), OBJECTS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_wrong_gradient_is_found_where_it_is(
    kind: Any, inputs: list[Any], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "factor", 2.0)
    report = verify(kind(), inputs=inputs)
    assert said(report) == {**dict.fromkeys(names, "right"), names[-1]: "wrong"}, report
    assert "Yours is the right one, × 2 (two" in str(report).replace("\n             ", " ")


def test_an_object_is_left_as_it_was() -> None:
    layer = objects.Learns()
    before = layer.weights.copy()
    verify(layer, inputs=[X])
    np.testing.assert_array_equal(layer.weights, before)
    assert set(vars(layer)) == {"weights", "bias"}


@pytest.mark.parametrize(
    ("kind", "inputs", "says"),
    [
        (objects.Slope, [X], "Judged as grad_output * gradient(x)."),
        (objects.LogLossOfEach, [np.exp(X), LABELS], "the gradient of the mean of what forward returns."),
        (objects.LearnsByItself, [X], "since backward_pass moves them by an unknown rate: W."),
        (objects.Learns, [X], "told by how far backward moves them."),
    ],
)
def test_what_is_judged_is_said(kind: Any, inputs: list[Any], says: str) -> None:
    assert says in " ".join(str(verify(kind(), inputs=inputs)).split())


class NoOutput:
    def forward(self, x: objects.Array) -> None:
        self.x = x

    def backward(self, dout: objects.Array) -> objects.Array:
        return dout


class HasNoLoss:
    def forward(self, x: objects.Array) -> objects.Array:
        return x @ np.ones((3, 2))

    def backward(self, x: objects.Array) -> objects.Array:
        return x


class TakesTooMuch:
    def forward(self, x: objects.Array) -> objects.Array:
        return x

    def backward(self, dout: objects.Array, scale: float, mask: objects.Array) -> objects.Array:
        return dout * scale * mask


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (NoOutput(), "NoOutput.forward must return an array, or leave it as self.output, got NoneType"),
        (
            HasNoLoss(),
            "backward takes no upstream gradient: forward must return a loss, got an array of shape",
        ),
        (TakesTooMuch(), "the backward takes 3 arguments (dout, scale, mask), expected 1 upstream gradient"),
    ],
)
def test_what_an_object_lacks_is_told(layer: Any, says: str) -> None:
    assert says in " ".join(str(verify(layer, inputs=[X])).split())
