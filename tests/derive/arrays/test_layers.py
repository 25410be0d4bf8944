import numpy as np
import pytest
import torch

from manual_backprop.derive.arrays.traced import TracedArray, as_tensor, tracing
from tests.derive.arrays.cases import BACKWARDS, FORWARDS
from tests.derive.arrays.numbers import assert_differentiates, draw

SHAPES = dict(FORWARDS)


@pytest.mark.parametrize(("forward", "shapes"), FORWARDS, ids=lambda case: getattr(case, "__name__", ""))
def test_a_forward_has_numpys_values_and_derivatives(forward, shapes):
    assert_differentiates(forward, draw(shapes))


@pytest.mark.parametrize(("forward", "backward"), BACKWARDS, ids=lambda case: case.__name__)
def test_a_backward_has_numpys_values(forward, backward):
    inputs = draw(SHAPES[forward])
    out = np.asarray(forward(*inputs))
    upstream = np.cos(np.arange(out.size)).reshape(out.shape)
    expected = backward(upstream.copy(), *inputs)
    with tracing():
        found = backward(*(TracedArray(torch.tensor(x)) for x in (upstream, *inputs)))
    if not isinstance(expected, tuple):
        expected, found = (expected,), (found,)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(as_tensor(ours).numpy(), theirs, rtol=1e-12, atol=1e-12)
