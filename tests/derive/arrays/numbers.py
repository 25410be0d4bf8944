"""NumPy's own values and derivatives, which the traced ones must equal."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from manual_backprop.derive.arrays.traced import TracedArray, as_tensor, tracing


def draw(shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Any]:
    """Numbers that are all different, and away from zero."""
    rng = np.random.default_rng(seed)
    drawn = [rng.standard_normal(shape) for shape in shapes]
    return [x + 0.1 * np.sign(x) for x in drawn]


def central_differences(function: Callable[..., Any], inputs: list[Any], upstream: Any) -> list[Any]:
    """The gradients of (function · upstream) by NumPy's own values."""
    gradients = []
    for at, x in enumerate(inputs):
        gradient = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = [value.copy() for value in inputs]
                moved[at][place] += step
                sides.append(np.sum(function(*moved) * upstream))
            gradient[place] = (sides[0] - sides[1]) / 2e-6
        gradients.append(gradient)
    return gradients


def traced(function: Callable[..., Any], inputs: list[Any]) -> tuple[Any, list[torch.Tensor]]:
    """What the function makes of traced arrays, and the leaves that they are made of."""
    leaves = [torch.tensor(x).requires_grad_() for x in inputs]
    with tracing(function):
        result = function(*(TracedArray(leaf) for leaf in leaves))
    return result, leaves


def assert_differentiates(function: Callable[..., Any], inputs: list[Any]) -> None:
    """The traced function has NumPy's values, and by autograd its derivatives."""
    expected = function(*(x.copy() for x in inputs))
    result, leaves = traced(function, inputs)
    tensor = as_tensor(result)
    np.testing.assert_allclose(tensor.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    assert tensor.numpy(force=True).dtype == np.asarray(expected).dtype
    upstream = np.cos(np.arange(np.size(expected))).reshape(np.shape(expected))
    found = [None] * len(leaves)
    if tensor.requires_grad:
        found = torch.autograd.grad(tensor, leaves, torch.tensor(upstream), allow_unused=True)
    for own, numeric in zip(found, central_differences(function, inputs, upstream), strict=True):
        value = np.zeros_like(numeric) if own is None else own.numpy()
        np.testing.assert_allclose(value, numeric, rtol=1e-6, atol=1e-7)
