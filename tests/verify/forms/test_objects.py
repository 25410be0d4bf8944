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
    (objects.LearnsByItsRate, [X], ("input_data", "weights")),
    (objects.TakesItsInput, [X], ("x",)),
    (objects.Slope, [X], ("x",)),
    (objects.SquaredError, [X, TARGETS], ("prediction",)),
    (objects.HalfSquaredError, [TARGETS, X], ("y_pred",)),
    (objects.LogLossOfEach, [np.exp(X), LABELS], ("y_pred",)),
    (objects.SoftmaxLoss, [X, LABELS], ("x",)),
    (objects.SoftmaxLossOfOutput, [X, LABELS], ("inputs",)),
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


class Named:
    """A layer whose arrays have these names, and whose second gradient is wrong."""

    def __init__(self, names: str) -> None:
        self.names = names.split()
        setattr(self, self.names[0], np.ones((3, 4)))
        setattr(self, self.names[1], np.ones(4))

    def forward(self, x: objects.Array) -> Any:
        self.x = x
        return x @ getattr(self, self.names[0]) + getattr(self, self.names[1])

    def backward(self, dout: objects.Array) -> Any:
        setattr(self, self.names[2], self.x.T @ dout)
        setattr(self, self.names[3], dout.mean(axis=0))
        return dout @ getattr(self, self.names[0]).T


@pytest.mark.parametrize(
    "names",
    [
        "W b dW db", "W b dL_dW dL_db", "W b djdw djdb", "W b W_gradients b_gradients", "W b gradW gradB",
        "w b delta_w delta_b", "W B nabla_W nabla_B", "_w _b _dw _db", "_W _b _gW _gb",
        "kernel bias dkernel db", "weights bias dw db", "weight bias grad_weight grad_bias",
        "theta bias grad_theta grad_b",
    ],
)  # fmt: skip
def test_gradients_are_found_by_their_names(names: str) -> None:
    weights, bias, *_ = names.split()
    assert said(verify(Named(names), inputs=[X])) == {"x": "right", weights: "right", bias: "wrong"}


def test_arrays_whose_gradient_is_not_found_are_said() -> None:
    report = verify(Named("W b first second"), inputs=[X])
    assert said(report) == {"x": "right"}
    assert report.remark == "Not judged, since no gradient of theirs was found: W, b."


class OtherDictionary:
    """Parameters and gradients in dictionaries with names of its own."""

    def __init__(self) -> None:
        self.p, self.g = {"W": np.ones((3, 4))}, {"W": np.zeros((3, 4))}

    def forward(self, x: objects.Array) -> Any:
        self.x = x
        return x @ self.p["W"]

    def backward(self, dout: objects.Array) -> Any:
        self.g["W"] = 2 * self.x.T @ dout
        return dout @ self.p["W"].T


def test_a_gradient_has_its_parameters_name_in_another_dictionary() -> None:
    assert list(said(verify(OtherDictionary(), inputs=[X])).values()) == ["right", "wrong"]


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
