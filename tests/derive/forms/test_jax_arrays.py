"""Arrays of JAX beside tensors: the same numbers, float64 kept, gradients by jax.vjp."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from torch import Tensor

from manual_backprop.derive.forms.jax_arrays import from_jax, gradient, in_float64, is_jax, to_jax, uses_jax

jax = pytest.importorskip("jax")
jnp = jax.numpy

TENSORS = {
    "float64": torch.randn(2, 3, dtype=torch.float64),
    "float32": torch.randn(2, 3),
    "float16": torch.randn(3).half(),
    "bfloat16": torch.randn(3).bfloat16(),
    "complex128": torch.randn(3, dtype=torch.complex128),
    "a conjugate": torch.randn(3, dtype=torch.complex64).conj(),
    "int64": torch.arange(3),
    "uint8": torch.arange(3, dtype=torch.uint8),
    "truths": torch.tensor([True, False]),
    "a number": torch.tensor(0.5, dtype=torch.float64),
    "nothing": torch.zeros(0, 3, dtype=torch.float64),
    "transposed": torch.randn(2, 3, dtype=torch.float64).T,
    "expanded": torch.ones(1, dtype=torch.float64).expand(2, 3),
    "needing a gradient": torch.ones(2, dtype=torch.float64, requires_grad=True),
}


@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_numbers_and_types_come_back(tensor: Tensor) -> None:
    array = to_jax(tensor)
    assert is_jax(array)
    back = from_jax(array)
    assert back.dtype == tensor.dtype
    assert back.shape == tensor.shape
    assert torch.equal(back, tensor.detach())


def test_no_memory_is_shared() -> None:
    x = torch.ones(1000, dtype=torch.float64)
    array = to_jax(x)
    x.zero_()
    back = from_jax(array)
    assert float(back.sum()) == 1000
    back.zero_()
    assert np.array(array).sum() == 1000


def test_what_torch_has_no_type_for_is_refused() -> None:
    with pytest.raises(TypeError, match="float8"):
        from_jax(jnp.zeros(2, jnp.float8_e4m3fn))


@pytest.mark.parametrize(
    "value", [1.0, "train", None, [1.0], np.ones(2), torch.ones(2), jnp.tanh, jnp, jax.random.key(0)]
)
def test_other_values_are_no_arrays_of_jax(value: object) -> None:
    assert not is_jax(value)


def test_what_stands_for_an_array_while_jax_traces_is_one() -> None:
    seen = []
    jax.jit(lambda x: seen.append(is_jax(x)))(jnp.ones(2))
    assert seen == [True]


def test_float64_is_for_the_time_of_a_call() -> None:
    with in_float64():
        assert jnp.ones(2).dtype == np.float64
    assert jnp.ones(2).dtype == np.float32


def two_layers(params: dict[str, Any], x: Any) -> Any:
    return jnp.tanh(x @ params["W1"] + params["b1"]) @ params["W2"]


def in_torch(params: dict[str, Tensor], x: Tensor) -> Tensor:
    return torch.tanh(x @ params["W1"] + params["b1"]) @ params["W2"]


@pytest.mark.parametrize(
    "wrap", [lambda f: f, jax.jit, jax.checkpoint], ids=["plain", "jitted", "checkpoint"]
)
def test_the_gradient_is_that_of_autograd_to_rounding(wrap: Callable[..., Any]) -> None:
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 2)}
    params = {
        name: torch.randn(shape, dtype=torch.float64, requires_grad=True) for name, shape in shapes.items()
    }
    x = torch.randn(7, 3, dtype=torch.float64)
    upstream = torch.randn(7, 2, dtype=torch.float64)
    right = torch.autograd.grad(in_torch(params, x), [*params.values()], upstream)
    theirs = {name: to_jax(parameter) for name, parameter in params.items()}
    of_params, of_x = gradient(wrap(two_layers), [theirs, to_jax(x)], to_jax(upstream))
    assert from_jax(of_x).dtype == torch.float64
    for name, expected in zip(shapes, right, strict=True):
        torch.testing.assert_close(from_jax(of_params[name]), expected, rtol=1e-14, atol=1e-14)


def test_keys_integers_and_flags_have_no_gradient() -> None:
    def forward(x: Any, key: Any, labels: Any, mode: str, rate: float, old_key: Any) -> Any:
        assert mode == "train"
        noise = jax.random.normal(key, x.shape, x.dtype) + jax.random.normal(old_key, x.shape, x.dtype)
        return (x * noise * rate)[jnp.arange(2), labels]

    x, labels = to_jax(torch.ones(2, 3, dtype=torch.float64)), jnp.array([0, 2])
    arguments = [x, jax.random.key(0), labels, "train", 0.5, jax.random.PRNGKey(1)]
    of_x, *others = gradient(forward, arguments, jnp.ones(2))
    assert others == [None] * 5
    assert (np.array(of_x) != 0).tolist() == [[True, False, False], [False, False, True]]


def test_several_outputs_have_an_upstream_gradient_each_and_integers_none() -> None:
    def forward(x: Any) -> dict[str, Any]:
        return {"square": x**2, "place": x.argmax(), "cube": x**3}

    x = to_jax(torch.tensor([1.0, 2.0], dtype=torch.float64))
    (of_x,) = gradient(forward, [x], {"square": jnp.ones(2), "place": 0, "cube": 10 * jnp.ones(2)})
    assert of_x.tolist() == [2 + 30, 4 + 120]


def test_without_an_array_of_real_numbers_there_is_no_gradient() -> None:
    assert gradient(lambda labels: labels.sum(), [jnp.arange(3)], 0) == [None]


def test_a_backward_of_its_own_is_what_the_gradient_is_made_with() -> None:
    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, g: (3 * x * g,))
    (of_x,) = gradient(square, [to_jax(torch.full((2,), 5.0, dtype=torch.float64))], jnp.ones(2))
    assert of_x.tolist() == [15, 15]


def helper(x: Any) -> Any:
    return jnp.exp(x)


class Layer:
    def __init__(self) -> None:
        self.weight = 2.0

    def forward(self, x: Any) -> Any:
        return helper(self.weight * x)


def imports_it_itself(x: Any) -> Any:
    import jax.numpy

    return jax.numpy.tanh(x)


def of_closure() -> Callable[..., Any]:
    tanh = jnp.tanh
    return lambda x: tanh(x)


USING = {
    "a module of it": two_layers,
    "one of its functions": jnp.tanh,
    "a module that the function imports": imports_it_itself,
    "a closure": of_closure(),
    "a nested function": lambda x: (lambda: jnp.exp(x))(),
    "a helper": lambda x: helper(x),
    "a method": Layer().forward,
    "a class": Layer,
    "an object": Layer(),
    "a partial function": partial(two_layers, {}),
    "jit": jax.jit(lambda x: x * 2),
    "vmap": jax.vmap(lambda x: x * 2),
    "a backward of its own": jax.custom_vjp(lambda x: x * 2),
}
NOT_USING = {
    "numpy": lambda x: np.tanh(x),
    "torch": lambda x: torch.relu(x),
    "scipy, which knows of it": lambda x: scipy.special.softmax(x) + scipy.special.logsumexp(x),
    "operators": lambda x: x * 2,
    "an attribute of that name": lambda x: x.jax + x.jnp,
    "a module in C": np.tanh,
    "a number": 1.0,
}


@pytest.mark.parametrize("function", USING.values(), ids=USING)
def test_code_that_uses_jax_is_recognised(function: object) -> None:
    assert uses_jax(function)


@pytest.mark.parametrize("function", NOT_USING.values(), ids=NOT_USING)
def test_other_code_is_not(function: object) -> None:
    assert not uses_jax(function)


def test_nothing_imports_jax() -> None:
    code = """
import sys
import numpy
from manual_backprop.derive.forms.jax_arrays import in_float64, is_jax, uses_jax
with in_float64():
    assert not is_jax(numpy.ones(2))
def forward(x):
    import jax.numpy
    return jax.numpy.exp(x)
assert uses_jax(forward)
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
