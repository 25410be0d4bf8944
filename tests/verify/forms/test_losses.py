"""A loss and its gradient are a pair without an upstream gradient, whatever the gradient is given."""

import random
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from tests.verify.forms.layers import Array
from tests.verify.forms.test_objects import said

RNG = np.random.default_rng(0)
X, Y, W = RNG.standard_normal((7, 3)), RNG.standard_normal(7), RNG.standard_normal(3)
PARAMETERS = {"W1": RNG.standard_normal((3, 4)), "b1": np.zeros(4), "W2": RNG.standard_normal(4)}


def loss(w: Array, X: Array, y: Array) -> Any:
    return 0.5 * np.mean((X @ w - y) ** 2)


def gradient(w: Array, X: Array, y: Array) -> Array:
    return X.T @ (X @ w - y) / len(y)


def line_loss(w: float, b: float, x: Array, y: Array) -> Any:
    return np.mean((w * x + b - y) ** 2)


def line_gradients(w: float, b: float, x: Array, y: Array) -> Any:
    e = w * x + b - y
    return 2 * np.mean(e * x), 2 * np.mean(e)


def line_gradients_by_name(w: float, b: float, x: Array, y: Array) -> dict[str, Any]:
    dw, db = line_gradients(w, b, x, y)
    return {"dw": dw, "db": db}


def cost_forward(X: Array, Y: Array, parameters: dict[str, Array]) -> Any:
    Z1 = X @ parameters["W1"] + parameters["b1"]
    A1 = np.tanh(Z1)
    E = A1 @ parameters["W2"] - Y
    return 0.5 * np.sum(E**2) / len(Y), (A1, E, parameters["W2"])


def cost_backward(X: Array, Y: Array, cache: Any) -> dict[str, Array]:
    A1, E, W2 = cache
    dE = E / len(Y)
    dA1 = np.outer(dE, W2)
    dZ1 = dA1 * (1 - A1**2)
    return {"dE": dE, "dA1": dA1, "dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dE}


def mse(y_true: Array, y_pred: Array) -> Any:
    return np.mean((y_true - y_pred) ** 2)


def mse_prime(y_true: Array, y_pred: Array) -> Array:
    return 2 * (y_pred - y_true) / y_true.size


def with_other_names(theta: Array, inputs: Array, labels: Array) -> Array:
    return gradient(theta, inputs, labels)


def of_cache_only(cache: Any) -> Array:
    x, w, y = cache
    return gradient(w, x, y)


def cached_loss(w: Array, x: Array, y: Array) -> Any:
    return loss(w, x, y), (x, w, y)


def torch_loss(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return 0.5 * ((X @ w - y) ** 2).mean()


def torch_gradient(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return X.T @ (X @ w - y) / len(y)


PAIRS: dict[str, tuple[Any, Any, list[Any], tuple[str, ...]]] = {
    "the forward's arguments": (loss, gradient, [W, X, Y], ("w",)),
    "as many with other names": (loss, with_other_names, [W, X, Y], ("w",)),
    "numbers as parameters": (line_loss, line_gradients, [0.3, -0.2, X[:, 0], Y], ("w", "b")),
    "whole numbers": (line_loss, line_gradients_by_name, [0.3, 0, X[:, 0], Y], ("w", "b")),
    "a cache and some arguments": (cost_forward, cost_backward, [X, Y, PARAMETERS], ("W1", "b1", "W2")),
    "a cache": (cached_loss, of_cache_only, [W, X, Y], ("w",)),
    "the targets first": (mse, mse_prime, [X, X + 1], ("y_pred",)),
    "tensors": (torch_loss, torch_gradient, [*map(torch.from_numpy, (W, X, Y))], ("w",)),
}


@pytest.mark.parametrize(("forward", "backward", "inputs", "names"), PAIRS.values(), ids=PAIRS)
def test_the_gradients_that_are_returned_are_judged(
    forward: Any, backward: Any, inputs: list[Any], names: tuple[str, ...]
) -> None:
    report = verify(forward, backward, inputs=inputs)
    assert said(report) == dict.fromkeys(names, "right"), report


@pytest.mark.parametrize(("forward", "backward", "inputs", "names"), PAIRS.values(), ids=PAIRS)
def test_a_wrong_gradient_of_a_loss_is_named(
    forward: Any, backward: Callable[..., Any], inputs: list[Any], names: tuple[str, ...]
) -> None:
    @wraps(backward)
    def doubled(*arguments: Any) -> Any:
        found = backward(*arguments)
        if isinstance(found, dict):
            return {**found, f"d{names[-1]}": 2 * found[f"d{names[-1]}"]}
        return (*found[:-1], 2 * found[-1]) if isinstance(found, tuple) else 2 * found

    report = verify(forward, doubled, inputs=inputs)
    assert said(report) == {**dict.fromkeys(names, "right"), names[-1]: "wrong"}, report
    assert report.verdicts[-1].diagnoses[0].name == "factor"


def test_gradients_before_the_loss() -> None:
    def propagate(w: Array, b: float, X: Array, y: Array) -> Any:
        e = X @ w + b - y
        grads = {"dw": X.T @ e / len(y), "db": np.mean(e)}
        return grads, 0.5 * np.mean(e**2)

    assert said(verify(propagate, inputs=[W, 0.0, X, Y])) == {"w": "right", "b": "right"}


def test_gradients_in_another_order_are_those_of_the_inputs_that_they_fit() -> None:
    def cost(x: Array, y: Array, w: Array, b: float) -> Any:
        return 0.5 * np.mean((x @ w + b - y) ** 2)

    def gradients(x: Array, y: Array, w: Array, b: float) -> Any:
        e = x @ w + b - y
        dj_db = np.mean(e)
        return dj_db, x.T @ e / len(y)

    assert said(verify(cost, gradients, inputs=[X, Y, W, 0.5])) == {"w": "right", "b": "right"}


@pytest.mark.parametrize(
    ("forward", "derivative", "x"),
    [
        (lambda x: np.sin(x), lambda x: np.cos(x), X),
        (lambda x: torch.sin(x), lambda x: torch.cos(x), torch.from_numpy(X)),
        (lambda x: 3 * x, lambda x: 3, X),
    ],
)
def test_a_derivative_of_each_number_is_multiplied_by_the_upstream_gradient(
    forward: Any, derivative: Any, x: Any
) -> None:
    report = verify(forward, derivative, inputs=[x])
    assert report, report
    assert "Judged as grad_output * <lambda>(" in report.remark
    assert not verify(forward, lambda x: 2 * derivative(x), inputs=[x])


ONE_HOT = np.eye(3)[[0, 2, 1, 2, 0, 1, 1]]
SIGNS = np.array([-1.0, 1, 1, -1, 1, -1, 1])


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(W: Array, X: Array, Y: Array) -> Any:
    return -np.mean(np.sum(Y * np.log(softmax(X @ W)), axis=1))


def cross_entropy_gradient(W: Array, X: Array, Y: Array) -> Array:
    return X.T @ (softmax(X @ W) - Y) / len(X)  # a row of Y sums to 1


def squared_hinge(w: Array, X: Array, y: Array) -> Any:
    return np.mean(np.maximum(0, 1 - y * (X @ w)) ** 2)


def squared_hinge_gradient(w: Array, X: Array, y: Array) -> Array:
    f = X @ w
    return -2 * X.T @ ((y - f) * (y * f < 1)) / len(y)  # y² = 1


def kernel_ridge(a: Array, K: Array, y: Array) -> Any:
    return 0.5 * np.sum((K @ a - y) ** 2) + 0.1 * a @ K @ a


def kernel_ridge_gradient(a: Array, K: Array, y: Array) -> Array:
    return K @ (K @ a - y) + 0.2 * K @ a  # K is symmetric


@pytest.mark.parametrize(
    ("forward", "gradient", "inputs"),
    [
        (cross_entropy, cross_entropy_gradient, [RNG.standard_normal((3, 3)), X, ONE_HOT]),
        (squared_hinge, squared_hinge_gradient, [W, X, SIGNS]),
        (kernel_ridge, kernel_ridge_gradient, [Y, X @ X.T, Y]),
    ],
)
def test_what_has_no_gradient_is_left_as_it_was_given(forward: Any, gradient: Any, inputs: list[Any]) -> None:
    report = verify(forward, gradient, inputs=inputs)
    assert report, report


def test_a_list_of_integers_among_arrays_is_an_option() -> None:
    def cost(w: Array, x: Array, sizes: list[int]) -> Any:
        return np.sum((x @ w) ** 2) / sizes[0], 2 * x.T @ (x @ w) / sizes[0]

    assert said(verify(cost, inputs=[W, X, [3, 5, 4]])) == {"w": "right"}


def test_pythons_own_random_numbers_are_the_same_at_each_call() -> None:
    def cost(w: Array) -> Any:
        kept = np.array([random.random() < 0.5 for _ in w])
        return np.sum(kept * w**2), 2 * kept * w

    state = random.getstate()
    assert verify(cost, inputs=[Y])
    assert random.getstate() == state


class Model:
    """Its loss and its gradient are called as no other's."""

    def __init__(self) -> None:
        self.w, self.b = W, 0.4

    def objective(self, X: Array, y: Array) -> Any:
        return 0.5 * np.mean((X @ self.w + self.b - y) ** 2)

    def slopes(self, X: Array, y: Array) -> Any:
        e = X @ self.w + self.b - y
        return X.T @ e / len(y), np.mean(e)


def test_methods_of_one_object_are_judged_in_what_it_holds() -> None:
    model = Model()
    assert said(verify(model.objective, model.slopes, inputs=[X, Y])) == {"w": "right", "b": "right"}


def test_a_number_without_a_gradient_is_an_option() -> None:
    def leaky(x: Array, slope: float) -> Array:
        return np.where(x > 0, x, slope * x)

    def leaky_backward(dout: Array, x: Array, slope: float) -> Array:
        return dout * np.where(x > 0, 1, slope)

    assert said(verify(leaky, leaky_backward, inputs=[X, 0.1])) == {"x": "right"}


@pytest.mark.parametrize("backward", [lambda a, b: (b, a), lambda a, b: np.dot(b, a[0, 0, 0])])
def test_a_backward_that_must_have_an_upstream_gradient_is_told(backward: Any) -> None:
    problem = verify(lambda a, b: np.dot(a, b), backward, shapes=[(5, 3), (3, 2)]).problem
    assert "expected 1 upstream gradient and 2 inputs (a, b)" in problem


def test_autograds_own_rounding_is_no_mistake() -> None:
    """In log(1 − a) of a saturated a, autograd keeps few digits of the gradient, a − y all of them."""

    def cost(w: Array, x: Array, y: Array) -> Any:
        a = 1 / (1 + np.exp(-(x @ w)))
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))

    def derived(w: Array, x: Array, y: Array) -> Array:
        return x.T @ (1 / (1 + np.exp(-(x @ w))) - y)

    x, y = np.full((5, 3), 9.0) + X[:5], np.array([1.0, 0, 0, 0, 1])
    w = np.array([0.9, 0.2, -0.1])
    report = verify(cost, derived, inputs=[w, x, y])
    assert report, report
    assert report.verdicts[0].relative > 1e-12
    assert not verify(cost, lambda w, x, y: (1 + 1e-6) * derived(w, x, y), inputs=[w, x, y])


@pytest.mark.parametrize(
    "clipped",
    [
        lambda p: np.clip(p, 1e-7, 1 - 1e-7),
        lambda p: p.clip(1e-7, 1 - 1e-7),
        lambda p: np.clip(p, a_min=1e-7, a_max=0.9999999),
    ],
)
def test_what_is_clipped_to_shares_is_drawn_as_shares(clipped: Callable[[Array], Array]) -> None:
    """Where it is clipped, nothing reaches it; a person who divides by p means p within the bounds."""

    def cost(p: Array) -> Array:
        return -np.log(clipped(p))

    report = verify(cost, lambda dout, p: -dout / p, shapes=[(5, 3)])
    assert report, report
