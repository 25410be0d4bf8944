"""Derivations in JAX, jitted or not, are judged by jax.vjp and by differences of their own values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from manual_backprop import verify
from manual_backprop.verify import Report

jax = pytest.importorskip("jax")
jnp = jax.numpy

SHAPES = [(5, 3), (3, 7), (7,)]
WRAPS: dict[str, Callable[[Any], Any]] = {"as it is": lambda function: function, "jitted": jax.jit}


def tanh_layer(x: Any, w: Any, b: Any) -> Any:
    out = jnp.tanh(x @ w + b)
    return out, (x, w, out)


def tanh_layer_backward(dout: Any, cache: Any) -> Any:
    x, w, out = cache
    delta = dout * (1 - out**2)
    return delta @ w.T, x.T @ delta, delta.sum(axis=0)


def sign_lost(dout: Any, cache: Any) -> Any:
    dx, dw, db = tanh_layer_backward(dout, cache)
    return dx, -dw, db


def statuses(report: Report) -> list[str]:
    return [verdict.status for verdict in report.verdicts]


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_a_right_one_is_right(wrap: Callable[[Any], Any]) -> None:
    report = verify(wrap(tanh_layer), wrap(tanh_layer_backward), shapes=SHAPES)
    assert report, report
    assert report.oracles[:2] == ("jax.vjp", "central differences")


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_a_mistake_is_named(wrap: Callable[[Any], Any]) -> None:
    report = verify(wrap(tanh_layer), wrap(sign_lost), shapes=SHAPES)
    assert statuses(report) == ["right", "wrong", "right"]
    assert [diagnosis.name for diagnosis in report.verdicts[1].diagnoses] == ["sign"]


def test_arrays_of_jax_are_inputs_in_the_type_that_they_have() -> None:
    arrays = [jax.random.normal(jax.random.key(i), shape) for i, shape in enumerate(SHAPES)]
    assert arrays[0].dtype == np.float32
    assert verify(tanh_layer, tanh_layer_backward, inputs=arrays)
    assert statuses(verify(tanh_layer, sign_lost, inputs=arrays)) == ["right", "wrong", "right"]


@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)], ids=["key", "integers"])
def test_keys_are_passed_on(key: Any) -> None:
    def dropout(x: Any, key: Any) -> Any:
        mask = jax.random.bernoulli(key, 0.5, x.shape) / 0.5
        return x * mask, mask

    assert verify(dropout, lambda dout, mask: dout * mask, shapes=[(3, 5), key])
    assert not verify(dropout, lambda dout, mask: dout, shapes=[(3, 5), key])


def cross_entropy(z: Any, y: Any) -> Any:
    p = jax.nn.softmax(z)
    return -jnp.log(p[jnp.arange(len(y)), y]).mean(), (p, y)


def cross_entropy_backward(dout: Any, cache: Any) -> Any:
    p, y = cache
    return dout * (p - jax.nn.one_hot(y, p.shape[1])) / len(y)


def test_labels_have_no_gradient() -> None:
    report = verify(cross_entropy, cross_entropy_backward, shapes=[(5, 3), jnp.array([0, 2, 1, 1, 0])])
    assert report, report
    assert [verdict.name for verdict in report.verdicts] == ["z"]


def test_a_loss_may_return_its_gradients() -> None:
    def loss(params: Any, x: Any) -> Any:
        return jax.value_and_grad(lambda p: (jnp.tanh(x @ p["W1"] + p["b1"]) ** 2).mean())(params)

    report = verify(loss, shapes=[{"W1": (3, 7), "b1": (7,)}, (5, 3)])
    assert report, report
    assert [verdict.name for verdict in report.verdicts] == ["W1", "b1"]


def square(x: Any) -> Any:
    return jnp.square(x)


@pytest.mark.parametrize(("factor", "status"), [(2, "right"), (3, "wrong")])
@pytest.mark.parametrize("against", [square, jax.jit(square), torch.square], ids=["jax", "jitted", "torch"])
def test_a_backward_of_jaxs_is_judged_against_what_it_stands_for(
    factor: int, status: str, against: Any
) -> None:
    ours = jax.custom_vjp(square)
    ours.defvjp(lambda x: (square(x), x), lambda x, dout: (factor * x * dout,))
    assert statuses(verify(ours, against=against, shapes=[(5, 3)])) == [status]


def test_a_function_of_torchs_is_judged_against_one_of_jaxs() -> None:
    assert verify(torch.nn.Softplus(), against=lambda x: jax.nn.softplus(x), shapes=[(5, 3)])


def test_at_a_kink_there_is_no_verdict() -> None:
    report = verify(lambda x: jnp.maximum(x, 0), lambda dout, x: dout * (x > 0), inputs=[jnp.zeros(2)])
    assert report.status == "unjudged"
    assert "kink" in report.problem


def test_jax_is_left_as_it_was() -> None:
    verify(tanh_layer, tanh_layer_backward, shapes=SHAPES)
    assert jnp.ones(1).dtype == np.float32
