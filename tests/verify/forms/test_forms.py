"""A derivation is judged in the form that it has, under the names that it uses."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.verify import Report
from tests.verify.forms import layers
from tests.verify.forms.layers import AFFINE, CELL, SQUARED_ERROR, Array


def said(report: Report) -> dict[str, str]:
    return {verdict.name: verdict.status for verdict in report.verdicts}


def spoiled(
    backward: Callable[..., Any], name: str | int, change: Callable[[Any], Any] = lambda g: 2 * g
) -> Any:
    """The same backward with one of its gradients changed."""

    def wrong(*arguments: Any) -> Any:
        returned = backward(*arguments)
        if isinstance(returned, dict):
            return {**returned, name: change(returned[name])}
        return tuple(change(g) if i == name else g for i, g in enumerate(returned))

    return wrong


PAIRS: dict[str, tuple[Any, Any, Any, tuple[str, ...]]] = {
    "a pair": (layers.affine, layers.affine_grad, AFFINE, ("x", "w", "b")),
    "a cache": (layers.affine_forward, layers.affine_backward, AFFINE, ("x", "w", "b")),
    "a dictionary of gradients": (
        layers.standardise_forward,
        layers.standardise_backward,
        [(5, 3), (3,), {"eps": 1e-5, "mode": "train"}],
        ("x", "gamma"),
    ),
    "two outputs": (layers.cell_forward, layers.cell_backward, CELL, ("x", "h", "c", "w")),
}


@pytest.mark.parametrize(("forward", "backward", "shapes", "names"), PAIRS.values(), ids=PAIRS)
def test_a_right_pair_is_right_in_each_of_its_inputs(
    forward: Any, backward: Any, shapes: Any, names: tuple[str, ...]
) -> None:
    report = verify(forward, backward, shapes=shapes)
    assert report, report
    assert said(report) == dict.fromkeys(names, "right")
    assert report.oracles[:2] == ("autograd", "central differences")


@pytest.mark.parametrize(("forward", "backward", "shapes", "names"), PAIRS.values(), ids=PAIRS)
def test_a_wrong_gradient_is_found_in_just_its_input(
    forward: Any, backward: Any, shapes: Any, names: tuple[str, ...]
) -> None:
    for number, name in enumerate(names):
        key = f"d{name}" if backward is layers.standardise_backward else number
        report = verify(forward, spoiled(backward, key), shapes=shapes)
        assert said(report) == {**dict.fromkeys(names, "right"), name: "wrong"}, report


def test_the_line_that_departs_is_quoted_from_the_backward() -> None:
    def backward(dout: Array, cache: Any) -> Any:
        x, w, b = cache
        dw = np.dot(x.T, dout * b)
        return np.dot(dout, w.T), dw, dout.sum(axis=0)

    report = verify(layers.affine_forward, backward, shapes=AFFINE)
    assert "dw = np.dot(x.T, dout * b)" in report.verdicts[1].departure


@pytest.mark.parametrize(
    "names", [{"dx": 0, "dw": 1, "db": 2}, {"x": 0, "w": 1, "b": 2}, {"grad_x": 0, "grad_w": 1, "b_grad": 2}]
)
def test_gradients_in_a_dictionary_are_those_of_the_inputs_with_these_names(names: dict[str, int]) -> None:
    def backward(dout: Array, cache: Any) -> Any:
        found = layers.affine_backward(dout, cache)
        return {name: found[at] for name, at in reversed(names.items())}

    assert verify(layers.affine_forward, backward, shapes=AFFINE)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ({"dx1": 0}, "returns gradients named dx1, expected names of the inputs: x, w, b"),
        ((1.0, 2.0), "returns 2 gradients for 3 inputs (x, w, b)"),
    ],
)
def test_gradients_that_belong_to_no_input_are_told(returned: Any, says: str) -> None:
    report = verify(layers.affine_forward, lambda dout, cache: returned, shapes=AFFINE)
    assert report.status == "malformed"
    assert says in report.problem


def test_a_gradient_that_a_dictionary_lacks_is_missing() -> None:
    def backward(dout: Array, cache: Any) -> Any:
        dx, dw, _ = layers.affine_backward(dout, cache)
        return {"dx": dx, "dw": dw}

    report = verify(layers.affine_forward, backward, shapes=AFFINE)
    assert said(report) == {"x": "right", "w": "right", "b": "malformed"}
    assert "yours is None" in str(report)


def test_upstream_gradients_may_come_as_a_tuple() -> None:
    def forward(*inputs: Array) -> Any:
        next_h, next_c, cache = layers.cell_forward(*inputs)
        return (next_h, next_c), cache

    def backward(upstreams: Any, cache: Any) -> Any:
        return layers.cell_backward(*upstreams, cache)

    assert verify(forward, backward, shapes=CELL)
    assert not verify(forward, spoiled(backward, 2), shapes=CELL)


def test_what_is_wrong_with_one_output_says_with_which() -> None:
    def backward(dnext_h: Array, dnext_c: Array, cache: Any) -> Any:
        return layers.cell_backward(dnext_h, 0 * dnext_c, cache)

    report = verify(layers.cell_forward, backward, shapes=CELL)
    assert set(said(report).values()) == {"wrong"}
    assert (
        "With the gradient of next_c alone; with that of next_h alone it is right."
        in report.verdicts[0].remark
    )


def test_outputs_whose_gradients_are_not_added_are_wrong_together_only() -> None:
    def backward(dnext_h: Array, dnext_c: Array, cache: Any) -> Any:
        one = layers.cell_backward(dnext_h, 0 * dnext_c, cache)
        return one if dnext_h.any() else layers.cell_backward(dnext_h, dnext_c, cache)

    report = verify(layers.cell_forward, backward, shapes=CELL)
    assert not report
    assert "Yours is right with each output's gradient alone." in report.verdicts[0].remark


def two_outputs(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return (x @ w).tanh(), x.exp()


def two_outputs_backward(g: Tensor, k: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    dz = g * (1 - (x @ w).tanh() ** 2)
    return dz @ w.T + k * x.exp(), x.T @ dz


class TwoOutputs(torch.autograd.Function):
    wrong = 1.0

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x, w)
        return two_outputs(x, w)

    @staticmethod
    def backward(ctx: Any, g: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return two_outputs_backward(g, TwoOutputs.wrong * k, *ctx.saved_tensors)


def test_several_outputs_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [(5, 3), (3, 7)]
    assert verify(two_outputs, two_outputs_backward, shapes=shapes)
    assert said(verify(two_outputs, spoiled(two_outputs_backward, 1), shapes=shapes)) == {
        "x": "right",
        "w": "wrong",
    }
    assert verify(TwoOutputs, against=two_outputs, shapes=shapes)
    monkeypatch.setattr(TwoOutputs, "wrong", 2.0)
    assert said(verify(TwoOutputs, against=two_outputs, shapes=shapes)) == {"x": "wrong", "w": "right"}


def single(params: dict[str, Array], x: Array, y: Array) -> Any:
    value, grads = layers.squared_error(params, x, y)
    return value, tuple(grads.values())


def scaled_loss(name: str, params: dict[str, Array], x: Array, y: Array) -> Any:
    value, grads = layers.squared_error(params, x, y)
    return value, {**grads, name: 2 * grads[name]}


@pytest.mark.parametrize("loss", [layers.squared_error, single])
def test_a_loss_with_its_gradients_is_judged_in_each_parameter(loss: Any) -> None:
    report = verify(loss, shapes=SQUARED_ERROR)
    assert report, report
    assert said(report) == {"W1": "right", "b1": "right", "W2": "right"}
    assert "Not judged, since no gradient is returned: x, y." in str(report)
    assert "An upstream gradient of ones" not in str(report)


def test_a_wrong_gradient_of_a_loss_has_its_parameters_name() -> None:
    report = verify(partial(scaled_loss, "b1"), shapes=SQUARED_ERROR)
    assert said(report) == {"W1": "right", "b1": "wrong", "W2": "right"}
    (diagnosis,) = report.verdicts[1].diagnoses
    assert diagnosis.name == "factor"


def test_a_loss_that_returns_the_gradient_of_one_input() -> None:
    def loss(W: Array, X: Array, y: Array, reg: float) -> Any:
        d = np.dot(X, W) - y
        return 0.5 * np.sum(d**2) + reg * np.sum(W * W), np.dot(X.T, d) + 2 * reg * W

    report = verify(loss, shapes=[(3, 2), (5, 3), (5, 2), 0.1])
    assert said(report) == {"W": "right"}, report


def test_neither_backward_nor_gradients() -> None:
    with pytest.raises(TypeError, match=r"give either a backward or against=.*got ndarray of shape \(5, 3\)"):
        verify(np.tanh, shapes=(5, 3))


def test_a_network_with_parameters_in_a_dictionary() -> None:
    labels = np.array([0, 4, 2, 1, 3, 0])
    network = layers.Network()
    before = {name: array.copy() for name, array in network.params.items()}
    report = verify(network, shapes=[(6, 3), labels])
    assert said(report) == {"W1": "right", "b1": "right", "W2": "right"}, report
    network.factor = 0.5
    assert said(verify(network, shapes=[(6, 3), labels]))["W2"] == "wrong"
    for name, array in before.items():
        np.testing.assert_array_equal(network.params[name], array)


@pytest.mark.parametrize("kind", [layers.Affine, layers.AffineWithLists, layers.AffineWithDictionaries])
def test_a_layer_is_judged_in_its_input_and_its_parameters(kind: Any) -> None:
    report = verify(kind(3, 7), shapes=[(5, 3)])
    assert report, report
    first, *others = report.verdicts
    assert first.name == "x"
    assert len(others) == 2


def test_a_layer_of_tensors() -> None:
    report = verify(layers.TorchAffine(3, 7), shapes=[(5, 3)])
    assert said(report) == {"x": "right", "weight": "right", "bias": "right"}, report


def test_a_layer_keeps_its_own_numbers() -> None:
    layer = layers.Affine(3, 7)
    kept = dict(vars(layer))
    verify(layer, shapes=[(5, 3)])
    assert vars(layer) == kept


def test_what_a_layers_initial_numbers_hide_is_found() -> None:
    class Shifted(layers.Affine):
        def backward(self, dout: Array) -> Array:
            dx = super().backward(dout)
            return dx + np.dot(dout, np.ones_like(self.W).T) * self.b[0]  # the bias is zero at first

    report = verify(Shifted(3, 7), shapes=[(5, 3)])
    assert said(report) == {"x": "wrong", "W": "right", "b": "right"}


def test_the_layers_of_a_layer_have_names_of_their_own() -> None:
    stack = layers.Stack(layers.Affine(3, 7), layers.Tanh(), layers.Affine(7, 2))
    report = verify(stack, shapes=[(5, 3)])
    assert report, report
    assert [v.name for v in report.verdicts] == [
        "x",
        "layers[0].W",
        "layers[0].b",
        "layers[2].W",
        "layers[2].b",
    ]


def test_a_class_is_not_a_layer() -> None:
    with pytest.raises(TypeError, match=r"must be a layer, got its class: give one, such as Affine\(…\)"):
        verify(layers.Affine, shapes=[(5, 3)])


def dropout_forward(x: Array, p: float, mode: str = "train") -> Any:
    mask = (np.random.rand(*x.shape) < p) / p
    return (x * mask if mode == "train" else x), (mask, mode)


def dropout_backward(dout: Array, cache: Any) -> Array:
    mask, mode = cache
    return dout * mask if mode == "train" else dout


@pytest.mark.parametrize(
    "shapes", [[(5, 3), 0.7], [(5, 3), 0.7, "test"], {"x": (5, 3), "p": 0.7, "mode": "train"}]
)
def test_flags_are_passed_on_and_random_numbers_are_the_same_at_each_call(shapes: Any) -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[index]
    assert verify(dropout_forward, dropout_backward, shapes=shapes)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index]
    unscaled = lambda dout, cache: dout * (cache[0] > 0) if cache[1] == "train" else 2 * dout  # noqa: E731
    assert not verify(dropout_forward, unscaled, shapes=shapes)


def test_a_mask_needs_no_gradient() -> None:
    def forward(x: Array, mask: Array) -> Array:
        return np.multiply(x, mask)

    mask = np.array([[0.0, 2.0, 2.0], [2.0, 0.0, 0.0]])
    assert said(verify(forward, lambda dout, x, mask: dout * mask, shapes=[(2, 3), mask])) == {"x": "right"}


def test_the_options_that_are_given_are_not_written_to() -> None:
    options = {"eps": 1e-5, "mode": "train"}
    verify(layers.standardise_forward, layers.standardise_backward, shapes=[(5, 3), (3,), options])
    assert options == {"eps": 1e-5, "mode": "train"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_judged_at_their_own_numbers(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype(dtype) for shape in AFFINE]
    assert verify(layers.affine_forward, layers.affine_backward, inputs=inputs)
    assert not verify(layers.affine_forward, spoiled(layers.affine_backward, 1), inputs=inputs)


def test_a_forward_that_torch_has_no_functions_for_is_judged_by_its_numbers() -> None:
    def forward(x: Array) -> Array:
        first, second = np.frombuffer(x.tobytes()).reshape(x.shape).T
        return first**2 * second

    def backward(dout: Array, x: Array) -> Array:
        return np.stack([2 * dout * x[:, 0] * x[:, 1], dout * x[:, 0] ** 2], axis=1)

    report = verify(forward, backward, shapes=(5, 2))
    assert report, report
    assert report.oracles == ("central differences",)
    assert not verify(forward, lambda dout, x: 2 * backward(dout, x), shapes=(5, 2))


def test_a_numpy_backward_of_a_torch_forward() -> None:
    def backward(dout: Array, z: Array) -> Array:
        return np.multiply(dout, 1 - np.tanh(z) ** 2)

    assert verify(torch.tanh, backward, shapes=(5, 3))
    assert not verify(torch.tanh, lambda dout, z: np.multiply(dout, 1 - np.tanh(z)), shapes=(5, 3))


@pytest.mark.parametrize(
    ("backward", "cache", "says"),
    [
        (lambda dout, x, w: (dout, x, w), None, "2 gradients"),
        (lambda a, b, c, d: None, None, "takes 3 upstream gradients, but the forward has 1 outputs"),
    ],
)
def test_a_backward_that_does_not_fit_is_told(backward: Any, cache: bool | None, says: str) -> None:
    report = verify(layers.affine_forward, backward, shapes=AFFINE, cache=cache)
    assert report.status == "malformed"


def test_a_cache_that_is_announced_and_is_not_there() -> None:
    report = verify(layers.affine, layers.affine_backward, shapes=AFFINE, cache=True)
    assert "cache=True: the forward must return (output, cache), got ndarray" in str(report)


@pytest.mark.parametrize(("factor", "status"), [(2, "right"), (3, "wrong")])
def test_an_input_that_is_returned_is_the_cache_by_whatever_name(factor: int, status: str) -> None:
    def square_forward(x: Any) -> Any:
        return x**2, x

    def by_its_own_name(dout: Any, x: Any) -> Any:
        return factor * dout * x

    for backward in (by_its_own_name, lambda dout, kept: factor * dout * kept):
        for shapes in ([(5, 3)], [torch.ones(2, 3)], [np.ones((2, 3))]):
            assert said(verify(square_forward, backward, shapes=shapes)) == {"x": status}
